"""Check-ups in the background: pages show their pictures first, and the findings when they are there."""

import atexit
import threading
import time
import weakref
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial

from explain_lib.base.devices import choose_device
from explain_lib.check_up.findings import CheckUp
from explain_lib.networks.model import Model
from explain_lib.work.cache import ExplainCache, shared_cache
from explain_lib.work.jobs import await_quiet

QUICK_SECONDS = 0.3
"""How long whoever begins a check-up waits for it; small networks take a tenth of that."""
PATIENCE_SECONDS = 2.0
"""The longest wait for the pages being drawn, before a check-up that gave way to them begins anew."""
RETRY_SECONDS = 30.0
"""How long a check-up that failed, as for want of memory, is not tried again."""
TURNS = 5
"""So often a check-up begins; the last one gives way to nobody, so that it is never starved."""


class _OvertakenError(BaseException):
    """Raised between the passes of a check-up; no Exception, which would be taken for a fault of the network."""


@dataclass(frozen=True, eq=False)
class _Making:
    """A check-up, and when it began."""

    begun: float = field(default_factory=time.monotonic)
    found: "Future[CheckUp]" = field(default_factory=Future)

    @property
    def is_stale(self) -> bool:
        """Whether it failed, long enough ago."""
        failed = self.found.done() and self.found.exception() is not None
        return failed and time.monotonic() - self.begun > RETRY_SECONDS


class CheckUps:
    """The check-up of each model, made once, in a thread of its own that gives way to pages between its passes."""

    def __init__(self, cache: ExplainCache) -> None:
        """cache: keeps the findings."""
        self._cache = cache
        self._lock = threading.Lock()
        self._made: weakref.WeakKeyDictionary[Model, _Making] = weakref.WeakKeyDictionary()
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._ended = threading.Event()

    def known(self, model: Model) -> CheckUp | None:
        """The findings if they are there, else None; starts nothing."""
        made = self._made_of(model)
        return made.found.result() if made is not None and made.found.done() and made.found.exception() is None else None

    def is_made(self, model: Model) -> bool:
        """Whether the findings are being looked for."""
        made = self._made_of(model)
        return made is not None and not made.found.done()

    def look(self, model: Model) -> CheckUp | None:
        """The findings, or None while they are being looked for, which this begins; it waits for them a moment then.

        Raises what check_up of a Model raises; half a minute later a call begins anew.
        """
        made, has_begun = self._asked(model)
        with suppress(TimeoutError):
            return made.found.result(QUICK_SECONDS if has_begun else 0)
        return None

    def close(self) -> None:
        """End all check-ups, and wait for their threads."""
        self._ended.set()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join()

    def _made_of(self, model: Model) -> _Making | None:
        with self._lock:
            return self._made.get(model)

    def _asked(self, model: Model) -> tuple[_Making, bool]:
        """The check-up of a model, and whether it has just begun."""
        with self._lock:
            made = self._made.get(model)
            if made is not None and not made.is_stale:
                return made, False
            made = self._made[model] = _Making()
            # a daemon, so that the end of the process does not wait for a check-up
            thread = threading.Thread(target=self._make, args=(model, made.found), name="check-up", daemon=True)
            self._threads.add(thread)
            thread.start()
            return made, True

    def _make(self, model: Model, made: "Future[CheckUp]") -> None:
        try:
            made.set_result(self._checked(model))
        except BaseException as error:
            made.set_exception(error)

    def _checked(self, model: Model) -> CheckUp:
        for _ in range(TURNS - 1):
            with suppress(_OvertakenError), self._cache.running(partial(self._give_way, time.monotonic())):
                return self._cache.check_up(model)
            self._end_if_asked()
            await_quiet(PATIENCE_SECONDS)
        with self._cache.running(self._end_if_asked):
            return self._cache.check_up(model)

    def _give_way(self, since: float) -> None:
        """End the turn if a page is being drawn, unless the page that began it may still be waiting."""
        self._end_if_asked()
        if time.monotonic() - since > QUICK_SECONDS and not await_quiet(0):
            raise _OvertakenError

    def _end_if_asked(self) -> None:
        if self._ended.is_set():
            raise _OvertakenError


def shared_check_ups(device: str | None = "cpu") -> CheckUps:
    """The check-ups of this process over the shared cache of a device, the same for all threads."""
    return _shared(str(choose_device(device)))


@lru_cache(maxsize=1)
def _shared(device: str) -> CheckUps:
    made = CheckUps(shared_cache(device))
    atexit.register(made.close)  # PyTorch must not be inside a pass when Python ends
    return made
