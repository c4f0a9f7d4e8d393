"""Values that are made in another thread while those before them are used."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Value = TypeVar("Value")


def made_ahead(values: Iterator[Value], most: int) -> Iterator[Value]:
    """The values themselves, in their order, up to `most` of them made before they are asked for.

    They are made one after another, by one thread, in the context of the caller; an exception of theirs is raised where the
    value would have been. Nothing is made once the caller has ended, other than what was begun.
    """
    context, ended = copy_context(), object()

    def following() -> object:
        return next(values, ended)

    worker = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        waiting: deque[Future[object]] = deque()
        while True:
            while len(waiting) < most:
                waiting.append(worker.submit(context.run, following))
            value = waiting.popleft().result()
            if value is ended:
                return
            yield value  # type: ignore[misc]  # what is not the end is a value
    finally:
        worker.shutdown(cancel_futures=True)
