"""Results by key: each computed once, bounded in bytes, safe for threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from runs import THREADS, together

import explain_lib as xl
from explain_lib.base.memo import Memo

OVERHEAD = 1024  # bytes counted for an entry beside its arrays


def block(number: int, size: int = 1000) -> np.ndarray:
    return np.full(size, number, np.uint8)


def test_different_requests_do_not_wait_for_each_other() -> None:
    cache, first_runs, second_done = Memo(10_000), threading.Event(), threading.Event()

    def slow() -> np.ndarray:
        first_runs.set()
        assert second_done.wait(timeout=60)
        return block(1)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "slow", slow)
        assert first_runs.wait(timeout=60)
        cache.get("quick", lambda: block(2))
        second_done.set()
        assert first.result(timeout=60)[0] == 1


def test_those_who_wait_for_a_computation_that_raises_get_a_value() -> None:
    cache, calls, lock = Memo(10_000), [], threading.Lock()

    def fails_first() -> np.ndarray:
        with lock:
            calls.append(None)
            first = len(calls) == 1
        time.sleep(0.05)  # time for the others to start waiting
        if first:
            raise RuntimeError("stopped")
        return block(7)

    found = together(lambda: cache.get("key", fails_first))
    failed = [one for one in found if isinstance(one, RuntimeError)]
    assert (len(failed), len(calls)) == (1, 2)
    assert sum(int(one[0]) for one in found if isinstance(one, np.ndarray)) == 7 * (THREADS - 1)


def test_a_value_that_cannot_be_kept_leaves_nobody_waiting() -> None:
    cache, started = Memo(10_000), threading.Event()

    def unkeepable() -> Any:
        started.wait(timeout=60)
        return "text"

    outcomes: list[BaseException] = []

    def ask() -> None:
        try:
            cache.get("key", unkeepable)
        except xl.InputError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    started.set()
    for thread in threads:
        thread.join(timeout=2)
    assert len(outcomes) == 3


def test_the_least_recently_used_entry_makes_room() -> None:
    cache = Memo(3 * (1000 + OVERHEAD))
    for number in (0, 1, 2):
        cache.get(number, lambda number=number: block(number))
    cache.get(0, lambda: block(99))  # used again: a hit
    cache.get(3, lambda: block(3))  # 1 is now the oldest
    found = {key: int(cache.get(key, lambda: block(77))[0]) for key in (0, 2, 3)}
    assert found == {0: 0, 2: 2, 3: 3}
    assert int(cache.get(1, lambda: block(77))[0]) == 77


def test_the_bytes_held_never_exceed_the_bound() -> None:
    cache = Memo(10_000)
    for number in range(50):
        cache.get(number, lambda number=number: block(number, 100 + 137 * (number % 20)))
        assert cache.stats.bytes <= 10_000


def test_a_value_too_big_is_handed_out_but_not_kept() -> None:
    cache = Memo(2000)
    cache.get("small", lambda: block(1, 100))
    assert int(cache.get("big", lambda: block(9, 5000)).sum()) == 9 * 5000
    assert (cache.stats.entries, cache.stats.bytes) == (1, 100 + OVERHEAD)


def test_stats_count_hits_misses_entries_and_bytes() -> None:
    cache = Memo(10_000)
    for key in ("a", "b", "a", "a"):
        cache.get(key, lambda: block(0))
    assert cache.stats == xl.CacheStats(hits=2, misses=2, entries=2, bytes=2 * (1000 + OVERHEAD), max_bytes=10_000)


def test_clearing_forgets_entries_and_keeps_the_counts() -> None:
    cache = Memo(10_000)
    cache.get("a", lambda: block(0))
    cache.clear()
    assert cache.stats == xl.CacheStats(hits=0, misses=1, entries=0, bytes=0, max_bytes=10_000)


def test_a_discarded_entry_is_computed_again() -> None:
    cache = Memo(10_000)
    cache.get("a", lambda: block(1))
    cache.discard("a")
    cache.discard("never there")
    assert int(cache.get("a", lambda: block(2))[0]) == 2


def test_what_is_kept_can_be_looked_up_without_computing_or_counting() -> None:
    entries = Memo(10_000)
    assert entries.kept("a") is None
    entries.get("a", lambda: b"one")
    before = entries.stats
    assert entries.kept("a") == b"one"
    assert entries.kept("b") is None
    assert entries.stats == before


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_is_not_positive_is_refused(bound: int) -> None:
    with pytest.raises(xl.InputError, match=rf"max_bytes: {bound}; a number of bytes above 0"):
        Memo(bound)
