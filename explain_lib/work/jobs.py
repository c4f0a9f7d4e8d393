"""Background jobs, one per request however many ask for it, computed one at a time after the pages in the foreground."""

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
from explain_lib.base.run_context import Step
from explain_lib.networks.requests import HasImages, Request, Rows
from explain_lib.work.cache import ExplainCache, shared_cache

State = Literal["waiting", "running", "stopped", "done", "failed"]

IDLE_SECONDS = 30.0
KEPT_JOBS = 8
PACE_BATCHES = 20
"""Batches, or steps of one that takes long, from which the speed is told."""
YIELD_SECONDS = 0.002
"""The pause after each batch, in which waiting threads get the network, or Python."""

PATIENCE_SECONDS = 0.5
"""The longest wait after each batch for the pages being drawn, so that a job is never starved."""

BROKE_OFF = "the work stopped because of a fault in this program; the log has the details"


@dataclass(frozen=True)
class JobProgress:
    """The progress of a job.

    state: waiting for another job, running, stopped (on request, or because nobody asked for it), done or failed. images:
    done so far. total: requested. speed: images per second over the last 20 batches or steps, None before the first one.
    seconds_left: None while it is unknown or the job does not run, 0 once it is done. error: the sentence of a failed job, else
    None. step: that of the batch under way, None where batches are not told in steps.
    """

    state: State
    images: int
    total: int
    speed: float | None
    seconds_left: float | None
    error: str | None
    step: Step | None = None

    @property
    def share(self) -> float:
        """The share of the work that is done, in [0, 1]."""
        return (self.images + (self.step.all_share if self.step is not None else 0)) / self.total


class _NotWantedError(Exception):
    """Raised before a pass through the network, to leave a batch that is no longer wanted."""


class Job(Generic[Rows]):
    """One request in the background, created and run by Jobs. Asking for its progress or rows keeps it going."""

    def __init__(self, request: Request[Rows], idle_seconds: float = IDLE_SECONDS) -> None:
        """idle_seconds: how long it continues while nobody asks for its progress."""
        self.request = request
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._state: State = "stopped"
        self._error: str | None = None
        self._parts: list[Rows] = []
        self._images = 0
        self._pace: deque[tuple[float, float]] = deque(maxlen=PACE_BATCHES + 1)
        self._asked = time.monotonic()
        self._step: Step | None = None
        self._told: Step | None = None
        self._left_alone = False

    @property
    def progress(self) -> JobProgress:
        """The current progress."""
        with self._lock:
            self._asked = time.monotonic()
            speed = self._speed()
            left = self._seconds_left(speed)
            return JobProgress(self._state, self._images, len(self.request), speed, left, self._error, self._step)

    @property
    def rows(self) -> Rows | None:
        """The rows so far, in the order of the images of the request; None before there are any.

        Before the first batch is done, what its steps have found.
        """
        with self._lock:
            self._asked = time.monotonic()
            if len(self._parts) > 1:
                self._parts = [self.request.join(self._parts)]
            if self._parts:
                return self._parts[0]
            return None if self._step is None else cast(Rows | None, self._step.found)

    @property
    def was_left(self) -> bool:
        """Whether it was stopped because nobody asked for it."""
        with self._lock:
            return self._state == "stopped" and self._left_alone

    @property
    def is_settled(self) -> bool:
        """Whether it neither runs nor waits; does not count as asking for its progress."""
        with self._lock:
            return self._state not in ("waiting", "running")

    def stop(self) -> None:
        """End it at the next batch, for all who share it; the rows so far stay. No effect on a job that has ended."""
        with self._lock:
            self._leave("stopped")

    def await_turn(self) -> bool:
        """Set a stopped, failed or new job to waiting; returns whether it has to join the queue."""
        with self._lock:
            self._asked = time.monotonic()
            if self._state not in ("stopped", "failed"):
                return False
            self._state, self._error, self._left_alone = "waiting", None, False
            return True

    def expire(self) -> None:
        """Stop it if nobody has asked for its progress for too long."""
        with self._lock:
            self._expire()

    def run(self, cache: ExplainCache) -> None:
        """Compute the missing rows, unless they are no longer wanted; returns when the job is settled, or waiting again."""
        if not self._begin():
            return
        try:
            with cache.running(self._check_wanted, self._follow):
                for rows in self.request.rest(self._images).rows():
                    if not self._keep(rows):
                        return
                    time.sleep(YIELD_SECONDS)
                    await_quiet(PATIENCE_SECONDS)
            self._settle("done")  # unreadable pictures at the end count as done
        except _NotWantedError:
            return
        except ExplainError as error:
            self._settle("failed", str(error))
        finally:
            self._settle("failed", BROKE_OFF)  # has an effect only after an unforeseen exception

    def _begin(self) -> bool:
        with self._lock:
            self._expire()
            if self._state != "waiting":
                return False
            self._state = "running"
            self._told = None
            self._start_pace(self._images)
            return True

    def _check_wanted(self) -> None:
        with self._lock:
            self._expire()
            if self._state != "running":
                raise _NotWantedError

    def _follow(self, step: Step) -> None:
        """Note a step of the batch under way, and let others have the network; leaves a batch that is no longer wanted."""
        with self._lock:
            if self._step is None or step.done >= self._step.done:
                self._step = step
            before, done = -1 if self._told is None else self._told.done, self._images + step.all_share
            if step.done > before + 1:  # what was kept came back at once, and tells nothing of the speed
                self._start_pace(done)
            else:
                self._pace.append((time.monotonic(), done))
            self._told = step
        time.sleep(YIELD_SECONDS)
        await_quiet(PATIENCE_SECONDS)
        self._check_wanted()

    def _start_pace(self, done: float) -> None:
        self._pace.clear()
        self._pace.append((time.monotonic(), done))

    def _keep(self, rows: Rows) -> bool:
        """Keep the rows of a batch, unless the job was stopped meanwhile: the cache has them if it continues."""
        with self._lock:
            if self._state == "running":
                self._parts.append(rows)
                self._step = self._told = None
                self._images = int(np.flatnonzero(self.request.images == rows.images[-1])[0]) + 1
                self._pace.append((time.monotonic(), self._images))
            self._expire()
            return self._state == "running"

    def _expire(self) -> None:
        if time.monotonic() - self._asked > self._idle_seconds:
            self._left_alone = self._left_alone or self._state in ("waiting", "running")
            self._leave("stopped")

    def _settle(self, state: State, error: str | None = None) -> None:
        with self._lock:
            if self._state == "running":
                self._leave(state, error)

    def _leave(self, state: State, error: str | None = None) -> None:
        if self._state in ("waiting", "running"):
            self._state, self._error = state, error
            self._images = len(self.request) if state == "done" else self._images
            self._step = None if state == "done" else self._step

    def _speed(self) -> float | None:
        if len(self._pace) < 2:
            return None
        (start, before), (end, after) = self._pace[0], self._pace[-1]
        return (after - before) / max(end - start, 1e-9)

    def _seconds_left(self, speed: float | None) -> float | None:
        if self._state == "done":
            return 0.0
        if not speed or self._state != "running":
            return None
        done = self._images + (self._step.all_share if self._step is not None else 0)
        return (len(self.request) - done) / speed


class Jobs:
    """The background jobs of a process: one thread runs them in turn, and ends when there are none."""

    def __init__(self, cache: ExplainCache, *, idle_seconds: float = IDLE_SECONDS, kept: int = KEPT_JOBS) -> None:
        """cache: for the batches. idle_seconds: see Job. kept: how many settled jobs are remembered, the most recently used."""
        self.cache = cache
        self.idle_seconds = idle_seconds
        self.kept = kept
        self._jobs: OrderedDict[str, Job[HasImages]] = OrderedDict()
        self._queue: deque[Job[HasImages]] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def find(self, request: Request[Rows]) -> Job[Rows] | None:
        """The remembered job of the same request, if there is one; starts nothing."""
        fingerprint = request.fingerprint
        with self._lock:
            return cast(Job[Rows] | None, self._find(fingerprint))

    def ask(self, request: Request[Rows], idle_seconds: float | None = None) -> Job[Rows]:
        """The job of this request, shared by all who ask for it; a stopped or failed one continues where it stood.

        idle_seconds: how long a new one continues while nobody asks for its progress, None for the usual time.
        """
        fingerprint = request.fingerprint
        with self._lock:
            job = cast(Job[Rows] | None, self._find(fingerprint))
            if job is None:
                job = Job(request, self.idle_seconds if idle_seconds is None else idle_seconds)
                self._jobs[fingerprint] = cast(Job[HasImages], job)
            if job.await_turn():
                self._queue.append(cast(Job[HasImages], job))
            self._start_thread()
            self._forget()
            return job

    def close(self) -> None:
        """Stop all jobs, and wait for the end of the thread."""
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
            # a daemon, so that the end of the process does not wait for a job
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
                self._start_thread()  # a job may have joined the queue since, or an exception ended this thread

    def _next(self) -> Job[HasImages] | None:
        with self._lock:
            return self._queue.popleft() if self._queue else None

    def _forget(self) -> None:
        """Forget settled jobs beyond the last ones, after stopping those that nobody asks for any more."""
        for job in self._jobs.values():
            job.expire()
        settled = [fingerprint for fingerprint, job in self._jobs.items() if job.is_settled]
        for fingerprint in settled[: max(0, len(settled) - self.kept)]:
            del self._jobs[fingerprint]


def shared_jobs(device: str | None = "cpu") -> Jobs:
    """The jobs of this process over the shared cache of a device, the same for all threads; see Jobs."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> Jobs:
    jobs = Jobs(shared_cache(device))
    atexit.register(jobs.close)  # PyTorch must not be inside a pass when Python ends
    return jobs


# Section: foreground work first

_lock = threading.Lock()
_quiet = threading.Event()
_quiet.set()
_waited_for = 0


@contextmanager
def foreground() -> Iterator[None]:
    """Mark the work inside as awaited by somebody: background jobs yield to it. Any number of threads may do so at once."""
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
    """Wait until no thread is in the foreground, at most so many seconds; returns whether that was reached."""
    return _quiet.wait(seconds)
