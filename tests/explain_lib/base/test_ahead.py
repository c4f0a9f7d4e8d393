"""Values that are made in another thread: which, when, and what becomes of those that nobody asks for."""

import threading
from collections.abc import Iterator

import pytest

from explain_lib.base.ahead import made_ahead

SECONDS = 10.0


def test_the_values_come_in_their_order() -> None:
    assert list(made_ahead(iter(range(7)), 3)) == list(range(7))
    assert list(made_ahead(iter([]), 3)) == []
    assert list(made_ahead(iter([None, 0, None]), 1)) == [None, 0, None]


def test_the_next_ones_are_made_while_one_is_used_and_no_more_than_asked() -> None:
    made, reached = list[int](), threading.Event()

    def values() -> Iterator[int]:
        for value in range(100):
            made.append(value)
            if value == 3:
                reached.set()
            yield value

    ahead = made_ahead(values(), 3)
    assert next(ahead) == 0
    assert next(ahead) == 1
    assert reached.wait(SECONDS)  # without anybody having asked for it
    ahead.close()
    assert len(made) <= 6


def test_an_exception_is_raised_where_the_value_would_have_been() -> None:
    def values() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    ahead = made_ahead(values(), 4)
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no second one"):
        next(ahead)


def test_no_thread_is_left_when_the_caller_ends_early() -> None:
    ahead = made_ahead(iter(range(100)), 2)
    assert next(ahead) == 0
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
