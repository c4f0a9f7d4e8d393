"""Work that pages do not wait for: they show their pictures first, and what this finds once it is there."""

import atexit
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Generic, TypeVar, cast

from explain_lib.base.devices import choose_device
from explain_lib.work.cache import ExplainCache, shared_cache
from explain_lib.work.jobs import await_quiet

Result = TypeVar("Result")

PATIENCE_SECONDS = 2.0
"""The longest wait for the pages being drawn, before work begins, or begins anew after it gave way to them."""
TURNS = 5
"""So often work begins anew; the last turn gives way to nobody, so that it is never starved."""
WANTED_SECONDS = 15.0
"""How long work goes on, and a failure is not tried again, once nobody asks for it any more."""
KEPT = 32
"""How many results are known, the most recently asked for."""


@dataclass(frozen=True, eq=False)
class Work(Generic[Result]):
    """Some work. key: the same for the same work. compute: does it; it may be ended at its checkpoints, and begun anew."""

    key: Hashable
    compute: Callable[[], Result]


class _OvertakenError(BaseException):
    """Raised at checkpoints; no Exception, which would be taken for a fault of the network."""


@dataclass(eq=False)
class _Making:
    """Work that is done or under way. begun, asked: when it began, and when somebody last asked for it."""

    found: "Future[object]" = field(default_factory=Future)
    begun: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)

    @property
    def has_failed(self) -> bool:
        return self.found.done() and self.found.exception() is not None

    @property
    def is_stale(self) -> bool:
        """Whether it failed, long enough ago."""
        return self.has_failed and time.monotonic() - self.begun > WANTED_SECONDS

    @property
    def is_wanted(self) -> bool:
        return time.monotonic() - self.asked <= WANTED_SECONDS


class Later:
    """Work in the background, each once for all who ask, one at a time, giving way to pages at its checkpoints."""

    def __init__(self, cache: ExplainCache) -> None:
        """cache: for the results of remembered functions."""
        self._cache = cache
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._made: OrderedDict[Hashable, _Making] = OrderedDict()
        self._ended = threading.Event()

    def known(self, work: Work[Result]) -> Result | None:
        """The result if it is there, else None; starts nothing."""
        made = self._find(work)
        return None if made is None or not made.found.done() or made.has_failed else cast(Result, made.found.result())

    def is_made(self, work: Work[Result]) -> bool:
        """Whether the work is under way; counts as asking for it."""
        made = self._find(work)
        return made is not None and not made.found.done()

    def look(self, work: Work[Result]) -> Result | None:
        """The result, or None while the work is under way, which this begins; never waits.

        Raises what the work raises; some seconds later a call begins it anew.
        """
        made = self._find(work)
        if made is None or made.is_stale:
            made = self._begin(work)
        return cast(Result, made.found.result()) if made.found.done() else None

    def close(self) -> None:
        """End all work, and wait until none is under way."""
        self._ended.set()
        with self._lock:
            under_way = [made.found for made in self._made.values()]
        for found in under_way:
            found.exception()

    def _find(self, work: Work[Result]) -> _Making | None:
        with self._lock:
            made = self._made.get(work.key)
            if made is not None:
                made.asked = time.monotonic()
                self._made.move_to_end(work.key)
            return made

    def _begin(self, work: Work[Result]) -> _Making:
        with self._lock:
            there = self._made.get(work.key)
            if there is not None and not there.is_stale:  # somebody else was faster
                return there
            for key in [key for key, one in self._made.items() if one.found.done()][: max(0, len(self._made) - KEPT)]:
                del self._made[key]
            made = self._made[work.key] = _Making()
        # a daemon, so that the end of the process does not wait for it
        threading.Thread(target=self._make, args=(work, made), name="later", daemon=True).start()
        return made

    def _make(self, work: Work[Result], made: _Making) -> None:
        try:
            with self._turn:
                result = self._done(work, made)
        except _OvertakenError:
            with self._lock:  # the next one who asks has it begun anew
                self._made.pop(work.key, None)
            made.found.set_result(None)
        except BaseException as error:
            made.found.set_exception(error)
        else:
            made.found.set_result(result)

    def _done(self, work: Work[Result], made: _Making) -> Result:
        for _ in range(TURNS - 1):
            await_quiet(PATIENCE_SECONDS)
            self._end_unless_wanted(made)
            with suppress(_OvertakenError), self._cache.running(partial(self._give_way, made)):
                return work.compute()
        with self._cache.running(partial(self._end_unless_wanted, made)):
            return work.compute()

    def _give_way(self, made: _Making) -> None:
        """End the turn if a page is being drawn."""
        self._end_unless_wanted(made)
        if not await_quiet(0):
            raise _OvertakenError

    def _end_unless_wanted(self, made: _Making) -> None:
        if self._ended.is_set() or not made.is_wanted:
            raise _OvertakenError


def shared_later(device: str | None = "cpu") -> Later:
    """The background work of this process over the shared cache of a device, the same for all threads."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> Later:
    made = Later(shared_cache(device))
    atexit.register(made.close)  # PyTorch must not be inside a pass when Python ends
    return made
