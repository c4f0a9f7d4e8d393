"""Work that pages do not wait for: begun once, done behind the pages, ended where nobody wants it, failing in words."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

import explain_lib as xl
from explain_lib.base.run_context import checkpoint
from explain_lib.work import later
from explain_lib.work.jobs import foreground
from explain_lib.work.later import Later, Work


def ended(found: Later, work: Work[object]) -> None:
    until(lambda: not found.is_made(work))


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def behind() -> Later:
    return Later(xl.ExplainCache())


def test_work_is_done_once_for_all_who_ask_and_nobody_waits_for_it(behind: Later) -> None:
    calls, leave = [], threading.Event()

    def compute() -> str:
        calls.append(threading.current_thread())
        assert leave.wait(30)
        return "found"

    works = [Work(("key", 1), compute) for _ in range(3)]
    assert behind.known(works[0]) is None
    assert not calls  # asking what is known begins nothing
    assert [behind.look(one) for one in works] == [None] * 3
    assert behind.is_made(works[2])
    leave.set()
    ended(behind, works[0])
    assert [behind.look(works[0]), behind.known(works[1])] == ["found", "found"]
    assert len(calls) == 1
    assert calls[0] is not threading.current_thread()


def test_work_gives_way_to_a_page_at_its_checkpoints_and_begins_anew(behind: Later) -> None:
    begun, drawn, turns = threading.Event(), threading.Event(), []

    def compute() -> int:
        turns.append(len(turns))
        begun.set()
        assert drawn.wait(30)
        checkpoint()
        return len(turns)

    work = Work("key", compute)
    assert behind.look(work) is None
    assert begun.wait(30)
    with foreground():
        drawn.set()
        time.sleep(0.1)
        assert turns == [0]  # it waits for the page before it begins anew
    ended(behind, work)
    assert behind.look(work) == 2


def test_work_is_done_in_the_end_even_if_pages_are_always_being_drawn(behind: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "PATIENCE_SECONDS", 0.01)
    turns = []

    def compute() -> int:
        turns.append(1)
        checkpoint()
        return len(turns)

    with foreground():
        work = Work("key", compute)
        behind.look(work)
        ended(behind, work)
    assert behind.look(work) == later.TURNS


def test_work_that_nobody_asks_for_any_more_ends_and_begins_anew_for_the_next(
    behind: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "WANTED_SECONDS", 0.2)
    begun, turns = threading.Event(), []

    def compute() -> str:
        turns.append(1)
        begun.set()
        while len(turns) == 1:  # the first time until it is ended
            checkpoint()
        return "found"

    work = Work("key", compute)
    behind.look(work)
    assert begun.wait(30)
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "later"])
    behind.look(work)
    ended(behind, work)
    assert (behind.look(work), len(turns)) == ("found", 2)


def test_a_failure_is_raised_for_a_while_and_then_the_work_is_tried_again(
    behind: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [xl.TooLargeError("memory: too little"), "found"]

    def compute() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    work = Work("key", compute)
    with suppress(xl.TooLargeError):  # it may be there at once
        behind.look(work)
    ended(behind, work)
    for _ in range(2):
        with pytest.raises(xl.TooLargeError, match="memory: too little"):
            behind.look(work)
    assert behind.known(work) is None
    monkeypatch.setattr(later, "WANTED_SECONDS", 0.0)
    behind.look(work)
    monkeypatch.undo()
    ended(behind, work)
    assert behind.look(work) == "found"


def test_closing_ends_what_is_under_way(behind: Later) -> None:
    begun = threading.Event()

    def compute() -> None:
        begun.set()
        while True:
            checkpoint()
            time.sleep(0.001)

    behind.look(Work("key", compute))
    assert begun.wait(30)
    behind.close()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "later"])


def test_what_a_remembered_function_finds_is_in_the_cache(tutorial: xl.Model, images: xl.ImageSet) -> None:
    cache = xl.ExplainCache()
    behind = Later(cache)
    work = Work("key", lambda: xl.grad_cam(tutorial, images.pixels[:1], "conv2"))
    behind.look(work)
    ended(behind, work)
    misses = cache.stats.misses
    with cache.running():
        assert xl.grad_cam(tutorial, images.pixels[:1], "conv2") is behind.look(work)
    assert cache.stats.misses == misses
