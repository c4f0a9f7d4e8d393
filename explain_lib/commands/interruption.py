"""Ctrl-C during a command, deferred to the end of a batch, so that no work is lost."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import cast

from tqdm import tqdm

from explain_lib.base.errors import DataError
from explain_lib.base.run_context import Step, current_run, running
from explain_lib.networks.requests import Request, Rows

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 plus the number of the signal."""


@contextmanager
def interrupted_between_batches() -> Iterator[Callable[[], None]]:
    """Defer Ctrl-C until the function given here is called, which raises KeyboardInterrupt; a second Ctrl-C ends at once.

    An exception raised anywhere else could be swallowed by code that calls back into Python, and the work would go on.
    """
    before = signal.getsignal(signal.SIGINT)
    asked: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread()  # other threads may not set signal handlers
    if here:
        signal.signal(signal.SIGINT, ask)
    try:
        yield check
    finally:
        if here:
            signal.signal(signal.SIGINT, before)


def rows_until_stopped(request: Request[Rows]) -> tuple[list[Rows], bool]:
    """The rows of a request, batch by batch under a progress bar, and whether Ctrl-C ended it early, which is printed.

    Where it ends before the first batch is done, the rows are what the steps of that batch have found.
    """
    parts: list[Rows] = []
    steps: list[Step] = []
    try:
        with tqdm(total=len(request), unit="image", disable=None) as bar, interrupted_between_batches() as check:

            def follow(step: Step) -> None:
                steps[:] = [step]
                bar.set_postfix_str(f"{step.name}: {step.done} of {step.total} rows of this image")
                check()

            with running(replace(current_run(), watch=follow)):
                for rows in request.rows():
                    parts.append(rows)
                    bar.update(len(rows))
                    check()
    except KeyboardInterrupt:
        found = steps[0].found if steps and not parts else None
        some = f", and {steps[0].done} of {steps[0].total} rows of the first" if found is not None else ""
        print(f"explain_lib: stopped after {sum(map(len, parts)):,} of {len(request):,} images{some}", file=sys.stderr)
        return parts if found is None else [cast(Rows, found)], True
    if not parts:
        raise DataError("images: none of them can be read; others would be right")
    return parts, False
