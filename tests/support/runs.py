"""Functions called in a run of their own."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import explain_lib as xl
from explain_lib.base.run import Run, running

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


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
