"""The run of a computation, in a context variable: how to cancel and to watch it, what keeps its results, and the recorder of
its calls.

A page, a job or a replay enters its run once, at the top. Without a run, as in a notebook, the functions below only compute.
"""

import inspect
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, cast

import numpy as np

from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.identity import identity_of
from explain_lib.base.memo import Memo

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

FOLLOWED = ("progress",)
"""The arguments that only observe a computation and do not change its result."""


class Recorder(Protocol):
    """An object that notes computations."""

    def note(self, name: str, arguments: Mapping[str, object], rows: Frozen | None = None) -> None:
        """Note a computation: its name, its arguments by name, and its rows if they must not be computed again."""


Noting = TypeVar("Noting", bound=Recorder | None)


@dataclass(frozen=True)
class Step:
    """A step of a long computation that is under way.

    name: that of what it is about. done: how many steps came before it, of `total`. share: how much of this step is done, in
    [0, 1). found: the result of the steps before it, None if they have none yet.
    """

    name: str
    done: int
    total: int
    share: float = 0.0
    found: Frozen | None = None

    @property
    def all_share(self) -> float:
        """The share of all steps that is done, in [0, 1)."""
        return (self.done + self.share) / self.total


@dataclass(frozen=True)
class Run:
    """The surroundings of a computation.

    cancel: called at every checkpoint; an exception from it ends the work. memo: keeps results. recorder: notes computations.
    pieces: keeps what long work is made of, so that it goes on where it was left. watch: called with the steps of long work.
    """

    cancel: Callable[[], None] | None = None
    memo: Memo | None = None
    recorder: Recorder | None = None
    pieces: Memo | None = None
    watch: Callable[[Step], None] | None = None


_none = Run()
_current: ContextVar[Run] = ContextVar("run", default=_none)
_long_work = threading.Lock()


def current_run() -> Run:
    """The run of this thread; an empty one if none was entered."""
    return _current.get()


@contextmanager
def running(run: Run) -> Iterator[None]:
    """Enter a run: computations of this thread inside belong to it."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def recording(recorder: Noting) -> Iterator[Noting]:
    """Use this recorder inside, or no recorder if None; the rest of the run stays."""
    with running(replace(_current.get(), recorder=recorder)):
        yield recorder


def in_this_run(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function bound to the current run, wherever and whenever it is called."""
    run = _current.get()

    @wraps(function)
    def continued(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with running(run):
            return function(*args, **kwargs)

    return continued


def checkpoint() -> None:
    """Let the run end the work: raises whatever its cancel raises."""
    cancel = _current.get().cancel
    if cancel is not None:
        cancel()


def tell(step: Step) -> None:
    """Tell the run of a step; it may end the work, as at a checkpoint."""
    watch = _current.get().watch
    if watch is not None:
        watch(step)


def keep_piece(key: Hashable, compute: Callable[[], Result]) -> Result:
    """A piece of long work from those that the run keeps, or computed and kept, even if the work ends before it is whole."""
    pieces = _current.get().pieces
    return compute() if pieces is None else pieces.get(key, compute)


def kept_piece(key: Hashable) -> object | None:
    """A piece of long work if the run has it, else None; never computes or waits."""
    pieces = _current.get().pieces
    return None if pieces is None else pieces.kept(key)


def note(name: str, arguments: Mapping[str, object], rows: Frozen | None = None) -> None:
    """Note a computation whose result does not come from a recorded function, if there is a recorder."""
    recorder = _current.get().recorder
    if recorder is not None:
        recorder.note(name, arguments, rows)


def recorded(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorate a function: each successful call is noted, but not the recorded calls inside it, which are part of it."""
    signature = inspect.signature(function)

    @wraps(function)
    def noting(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        recorder = _current.get().recorder
        if recorder is None:
            return function(*args, **kwargs)
        with recording(None):
            result = function(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        recorder.note(function.__name__, {name: value for name, value in given.items() if name not in FOLLOWED})
        return result

    return noting


def remember(key: Hashable, compute: Callable[[], Result], *, parts: bool = False, alone: bool = False) -> Result:
    """The result of a key from the memo of the run, or computed and kept there; a kept array is read-only.

    parts: whether intermediate results are kept by themselves too. alone: whether to wait for other computations of this
    kind, since several at once would delay all pages and not finish earlier.
    """
    run = _current.get()
    if run.memo is None:
        return compute()

    def computed() -> Result:
        with _long_work if alone else nullcontext(), running(run if parts else replace(run, memo=None)):
            result = compute()
        return cast(Result, read_only(result)) if isinstance(result, np.ndarray) else result

    return run.memo.get(key, computed)


def remembered(
    *, parts: bool = False, alone: bool = False
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """Decorate a pure function: its results are kept by its name and all arguments; see remember.

    A call with an argument without identity is computed each time.
    """

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def remembering(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            key = None if _current.get().memo is None else _key(function, signature, *args, **kwargs)
            if key is None:
                return function(*args, **kwargs)
            return remember(key, lambda: function(*args, **kwargs), parts=parts, alone=alone)

        return remembering

    return decorate


def kept(function: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result | None:
    """The result of a remembered function if the run has it, else None; never computes or waits."""
    memo, inner = _current.get().memo, inspect.unwrap(function)
    if memo is None:
        return None
    return cast(Result | None, memo.kept(_key(inner, inspect.signature(inner), *args, **kwargs)))


def _key(function: Callable[..., object], signature: inspect.Signature, *args: object, **kwargs: object) -> Hashable | None:
    """Name and arguments, with defaults; None if an argument has no identity, or the call is wrong."""
    try:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = [identity_of(value) for name, value in bound.arguments.items() if name not in FOLLOWED]
    except (TypeError, ValueError):
        return None
    return function.__module__, function.__qualname__, *given
