"""Somebody who waits goes before work in the background."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
