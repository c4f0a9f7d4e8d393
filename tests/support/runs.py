"""Functions called in a run of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import explain_lib as xl
from explain_lib.base.run_context import Run, running

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
THREADS = 12


def through(
    cache: xl.ExplainCache, function: Callable[Arguments, Result], *args: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """What the function gives where results are kept in that cache."""
    with cache.running():
        return function(*args, **named)


def cancelled(
    cancel: Callable[[], None], function: Callable[Arguments, Result], *args: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """What the function gives where that is called at every checkpoint."""
    with running(Run(cancel)):
        return function(*args, **named)


def together(job: Callable[[], Any]) -> list[Any]:
    """What the job gives in many threads that start at the same time; an exception is a result too."""
    barrier = threading.Barrier(THREADS)

    def run(_: int) -> Any:
        barrier.wait(timeout=60)
        try:
            return job()
        except RuntimeError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))
