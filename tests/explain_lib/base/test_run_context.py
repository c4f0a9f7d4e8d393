"""The run that a computation belongs to: cancelled, remembered and recorded, and nothing of that without one."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from explain_lib.base.memo import Memo
from explain_lib.base.run_context import (
    Run,
    checkpoint,
    current_run,
    in_this_run,
    kept,
    recorded,
    recording,
    remembered,
    running,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    scale: float = 1.0
    names: tuple[str, ...] = ()


class Named:
    def __init__(self, identity: str) -> None:
        self.identity = identity


calls: list[str] = []


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


@recorded
@remembered()
def inner(values: object, settings: Settings = Settings(), *, name: str = "a", progress: object = None) -> Array:
    del values, settings, name, progress
    calls.append("inner")
    return np.zeros(3)


@recorded
@remembered()
def outer(values: object) -> Array:
    calls.append("outer")
    return inner(values) + 1


@remembered(parts=True)
def in_parts(values: object) -> Array:
    calls.append("in_parts")
    return inner(values) + 1


class Notes:
    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, object]]] = []

    def note(self, name: str, arguments: Mapping[str, object], rows: object = None) -> None:
        del rows
        self.taken.append((name, dict(arguments)))


def remembering() -> Run:
    return Run(memo=Memo(100_000))


def test_without_a_run_functions_compute_and_do_nothing_else() -> None:
    checkpoint()
    found = [inner(1), inner(1)]
    assert calls == ["inner", "inner"]
    found[0][0] = 7  # the caller's own


def test_what_the_run_remembers_cannot_be_written_to() -> None:
    with running(remembering()):
        found = [inner(1), inner(1)]
    assert found[0] is found[1]
    assert not found[0].flags.writeable


def test_a_run_ends_where_it_was_entered() -> None:
    with pytest.raises(KeyError), running(remembering()):
        raise KeyError
    assert current_run() == Run()


def test_a_checkpoint_raises_what_ends_the_run() -> None:
    def stop() -> None:
        raise InterruptedError

    with running(Run(stop)), pytest.raises(InterruptedError):
        checkpoint()
    checkpoint()


def test_another_thread_is_in_no_run_unless_it_goes_on_with_one() -> None:
    run = remembering()
    with running(run), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current_run).result(timeout=10) == Run()
        assert pool.submit(in_this_run(current_run)).result(timeout=10) is run


VALUES = (2, True, 1.0, "1", None, [1], [1, 2], {"a": 1}, {"b": 1}, Named("one"), Named("another"), Settings())
SIX, THREE = np.arange(6), np.arange(3)
ARRAYS = (THREE, THREE.astype(np.float64), THREE[::-1], SIX.reshape(2, 3), SIX.reshape(3, 2))
EACH_ANOTHER: list[dict[str, object]] = [
    {},
    *({"values": one} for one in (*VALUES, *ARRAYS)),
    {"settings": Settings(2.0)},
    {"settings": Settings(names=("conv",))},
    {"name": "b"},
]


def test_each_argument_makes_another_entry() -> None:
    with running(remembering()):
        for given in EACH_ANOTHER * 2:
            inner(**({"values": 1} | given))
    assert len(calls) == len(EACH_ANOTHER)


def test_the_same_arguments_in_other_words_are_the_same_entry() -> None:
    with running(remembering()):
        for values in ((1, 2), [1, 2]):
            inner(values)
            inner(values=values, settings=Settings(1.0), name="a")
            inner(values, progress=print)
    assert calls == ["inner"]


def test_what_is_written_to_an_array_makes_another_entry() -> None:
    values = np.zeros(10_000)
    with running(remembering()):
        inner(values)
        values[0] = 1
        inner(values)
    assert len(calls) == 2


def test_an_argument_without_an_identity_is_computed_each_time() -> None:
    with running(remembering()):
        inner(object())
        inner(np.array([object()]))
        inner({1})
        inner({1})
    assert len(calls) == 4


def test_a_wrong_call_is_refused_as_without_a_run() -> None:
    with running(remembering()), pytest.raises(TypeError, match="values"):
        inner()  # type: ignore[call-arg]


def test_parts_are_kept_by_themselves_only_where_that_was_asked_for() -> None:
    with running(remembering()):
        outer(1)
        inner(1)
        assert calls == ["outer", "inner", "inner"]
        in_parts(2)
        inner(2)
        assert calls[3:] == ["in_parts", "inner"]


def test_what_is_kept_can_be_had_without_computing_it() -> None:
    assert kept(inner, 1) is None
    with running(remembering()):
        assert kept(inner, 1) is None
        found = inner(1)
        assert kept(inner, values=1, settings=Settings()) is found
    assert calls == ["inner"]


def test_what_is_computed_alone_waits_for_its_turn() -> None:
    inside, most = 0, 0
    guard, barrier = threading.Lock(), threading.Barrier(4)

    @remembered(alone=True)
    def long(number: int) -> bytes:
        del number
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.02)
        with guard:
            inside -= 1
        return b"done"

    run = remembering()

    def ask(number: int) -> bytes:
        barrier.wait(timeout=10)
        with running(run):
            return long(number)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [b"done"] * 4
    assert most == 1


def test_only_the_outermost_call_is_noted_with_the_arguments_that_were_given() -> None:
    with recording(Notes()) as notes:
        outer(1)
        inner(2, name="b", progress=print)
    outer(3)
    assert notes.taken == [("outer", {"values": 1}), ("inner", {"values": 2, "name": "b"})]


def test_a_call_that_fails_is_not_noted() -> None:
    with recording(Notes()) as notes, pytest.raises(TypeError):
        inner()  # type: ignore[call-arg]
    assert notes.taken == []


def test_what_is_remembered_is_noted_each_time() -> None:
    with running(remembering()), recording(Notes()) as notes:
        inner(1)
        inner(1)
    assert len(notes.taken) == 2
    assert calls == ["inner"]
