"""Ctrl-C while a command computes: kept until a batch is done, so that nothing is lost half-way."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended, 128 and the number of the signal."""


@contextmanager
def interrupted_between_batches() -> Iterator[Callable[[], None]]:
    """Ctrl-C is kept until the function that this gives is called, which raises KeyboardInterrupt; a second one ends at once.

    Raised anywhere, it could be swallowed by whatever calls back into Python at that moment, and the work would go on.
    """
    before = signal.getsignal(signal.SIGINT)
    asked: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()  # others may not set what a signal does
    if here:
        signal.signal(signal.SIGINT, ask)
    try:
        yield check
    finally:
        if here:
            signal.signal(signal.SIGINT, before)
