"""Long work in the background, each shared by all who ask for the same. One computes at a time; the others wait."""

import atexit
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, cast

import numpy as np

from explain_lib.base.devices import choose_device
from explain_lib.base.errors import ExplainError
from explain_lib.networks.requests import HasImages, Request, Rows
from explain_lib.work.cache import ExplainCache, shared_cache

State = Literal["waiting", "running", "stopped", "done", "failed"]

IDLE_SECONDS = 30.0
KEPT_JOBS = 8
PACE_BATCHES = 20
YIELD_SECONDS = 0.002
"""The pause after each batch: those who wait for the network, or for Python, go first."""

PATIENCE_SECONDS = 0.5
"""How long a job waits after each batch for those who draw pages: it goes on all the same if there is always somebody."""

BROKE_OFF = "the work broke off by a fault of this program; its log says more"


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    state: waiting for another job, running, stopped (by somebody, or since nobody looked), done or failed. images: done so
    far. total: asked for. speed: images a second over the last 20 batches, None until one is done. seconds_left: None while
    it is not known or the job does not run, 0 once it is done. error: the sentence of a failed one, else None.
    """

    state: State
    images: int
    total: int
    speed: float | None
    seconds_left: float | None
    error: str | None


class _NotWantedError(Exception):
    """Raised on the way into the network, to leave a batch that nobody wants any more."""


class Job(Generic[Rows]):
    """One piece of work; Jobs makes it and runs it. To ask for its progress or its rows keeps it going."""

    def __init__(self, request: Request[Rows], idle_seconds: float = IDLE_SECONDS) -> None:
        """idle_seconds: how long it goes on while nobody asks for its progress."""
        self.request = request
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._state: State = "stopped"
        self._error: str | None = None
        self._parts: list[Rows] = []
        self._images = 0
        self._pace: deque[tuple[float, int]] = deque(maxlen=PACE_BATCHES + 1)
        self._asked = time.monotonic()

    @property
    def progress(self) -> JobProgress:
        """How far it is at this moment."""
        with self._lock:
            self._asked = time.monotonic()
            speed = self._speed()
            return JobProgress(self._state, self._images, len(self.request), speed, self._seconds_left(speed), self._error)

    @property
    def rows(self) -> Rows | None:
        """The rows so far, in the order of the request's images; None before the first batch is done."""
        with self._lock:
            self._asked = time.monotonic()
            if len(self._parts) > 1:
                self._parts = [self.request.join(self._parts)]
            return self._parts[0] if self._parts else None

    @property
    def is_settled(self) -> bool:
        """Whether it neither runs nor waits; does not count as asking for its progress."""
        with self._lock:
            return self._state not in ("waiting", "running")

    def stop(self) -> None:
        """Let it end at the next batch, for all who share it; the rows so far stay. Nothing happens to one that has ended."""
        with self._lock:
            self._leave("stopped")

    def await_turn(self) -> bool:
        """Wait for the turn if it is stopped, failed or new. Whether it now has to be put into the queue."""
        with self._lock:
            self._asked = time.monotonic()
            if self._state not in ("stopped", "failed"):
                return False
            self._state, self._error = "waiting", None
            return True

    def expire(self) -> None:
        """Stop if nobody has asked for the progress for too long."""
        with self._lock:
            self._expire()

    def run(self, cache: ExplainCache) -> None:
        """Compute what is missing, unless it is no longer wanted; returns when it is settled, or waits for another turn."""
        if not self._begin():
            return
        try:
            with cache.running(self._check_wanted):
                for rows in self.request.rest(self._images).rows():
                    if not self._keep(rows):
                        return
                    time.sleep(YIELD_SECONDS)
                    await_quiet(PATIENCE_SECONDS)
            self._settle("done")  # pictures at the end that cannot be read are done as well
        except _NotWantedError:
            return
        except ExplainError as error:
            self._settle("failed", str(error))
        finally:
            self._settle("failed", BROKE_OFF)  # reached while it runs only if something unforeseen was raised

    def _begin(self) -> bool:
        with self._lock:
            self._expire()
            if self._state != "waiting":
                return False
            self._state = "running"
            self._pace.clear()
            self._pace.append((time.monotonic(), self._images))
            return True

    def _check_wanted(self) -> None:
        with self._lock:
            self._expire()
            if self._state != "running":
                raise _NotWantedError

    def _keep(self, rows: Rows) -> bool:
        """Keep a batch's rows, unless it was stopped meanwhile: the cache has them if it goes on."""
        with self._lock:
            if self._state == "running":
                self._parts.append(rows)
                self._images = int(np.flatnonzero(self.request.images == rows.images[-1])[0]) + 1
                self._pace.append((time.monotonic(), self._images))
            self._expire()
            return self._state == "running"

    def _expire(self) -> None:
        if time.monotonic() - self._asked > self._idle_seconds:
            self._leave("stopped")

    def _settle(self, state: State, error: str | None = None) -> None:
        with self._lock:
            if self._state == "running":
                self._leave(state, error)

    def _leave(self, state: State, error: str | None = None) -> None:
        if self._state in ("waiting", "running"):
            self._state, self._error = state, error
            self._images = len(self.request) if state == "done" else self._images

    def _speed(self) -> float | None:
        if len(self._pace) < 2:
            return None
        (start, before), (end, after) = self._pace[0], self._pace[-1]
        return (after - before) / max(end - start, 1e-9)

    def _seconds_left(self, speed: float | None) -> float | None:
        if self._state == "done":
            return 0.0
        return (len(self.request) - self._images) / speed if speed and self._state == "running" else None


class Jobs:
    """The work of a process in the background: one thread, which lives as long as there is any, does it in turn."""

    def __init__(self, cache: ExplainCache, *, idle_seconds: float = IDLE_SECONDS, kept: int = KEPT_JOBS) -> None:
        """cache: of the batches. idle_seconds: see Job. kept: how many settled jobs are remembered, the last asked."""
        self.cache = cache
        self.idle_seconds = idle_seconds
        self.kept = kept
        self._jobs: OrderedDict[str, Job[HasImages]] = OrderedDict()
        self._queue: deque[Job[HasImages]] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def find(self, request: Request[Rows]) -> Job[Rows] | None:
        """The job that somebody asked for with the same request, if it is remembered; starts nothing."""
        fingerprint = request.fingerprint
        with self._lock:
            return cast(Job[Rows] | None, self._find(fingerprint))

    def ask(self, request: Request[Rows]) -> Job[Rows]:
        """The job of this request, shared by all who ask for it; one that was stopped or failed goes on where it stood."""
        fingerprint = request.fingerprint
        with self._lock:
            job = cast(Job[Rows] | None, self._find(fingerprint))
            if job is None:
                job = Job(request, self.idle_seconds)
                self._jobs[fingerprint] = cast(Job[HasImages], job)
            if job.await_turn():
                self._queue.append(cast(Job[HasImages], job))
            self._start_thread()
            self._forget()
            return job

    def close(self) -> None:
        """Stop every job and wait until the thread has ended."""
        with self._lock:
            thread = self._thread
            for job in self._jobs.values():
                job.stop()
        if thread is not None:
            thread.join()

    def _find(self, fingerprint: str) -> Job[HasImages] | None:
        if fingerprint in self._jobs:
            self._jobs.move_to_end(fingerprint)
        return self._jobs.get(fingerprint)

    def _start_thread(self) -> None:
        if self._thread is None and self._queue:
            # a daemon, so that a process that ends does not wait for a job
            self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                job.run(self.cache)
                with self._lock:
                    self._forget()
        finally:
            with self._lock:
                self._thread = None
                self._start_thread()  # somebody may have asked since, or a fault ended this one

    def _next(self) -> Job[HasImages] | None:
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def _forget(self) -> None:
        """Forget settled jobs beyond the last ones; those that nobody waits for any more are settled first."""
        for job in self._jobs.values():
            job.expire()
        settled = [fingerprint for fingerprint, job in self._jobs.items() if job.is_settled]
        for fingerprint in settled[: max(0, len(settled) - self.kept)]:
            del self._jobs[fingerprint]


def shared_jobs(device: str | None = "cpu") -> Jobs:
    """The jobs of this process, the same for all threads, over the shared cache of a device; see Jobs."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> Jobs:
    jobs = Jobs(shared_cache(device))
    atexit.register(jobs.close)  # PyTorch must not be in the middle of a pass when Python goes away
    return jobs


# Section: Somebody who waits goes before work in the background.

_lock = threading.Lock()
_quiet = threading.Event()
_quiet.set()
_waited_for = 0


@contextmanager
def foreground() -> Iterator[None]:
    """Inside, somebody waits for what is computed, and work in the background lets it go first; for any number of threads."""
    global _waited_for  # noqa: PLW0603  (one count for the process, which has one interpreter lock to share)
    with _lock:
        _waited_for += 1
        _quiet.clear()
    try:
        yield
    finally:
        with _lock:
            _waited_for -= 1
            if _waited_for == 0:
                _quiet.set()


def await_quiet(seconds: float) -> bool:
    """Wait until nobody waits for anything, at most so many seconds. Whether it is quiet."""
    return _quiet.wait(seconds)
