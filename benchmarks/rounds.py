"""Alternating timing rounds: contestants take turns, so that what else the machine does falls on all of them alike."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from time import perf_counter

import numpy as np

FEWEST = 3


@dataclass(frozen=True)
class Summary:
    """Median and quartiles of some numbers, and how many there are."""

    median: float
    low: float
    high: float
    count: int


def alternate(
    contestants: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 1, budget: float = inf
) -> dict[str, list[float]]:
    """Seconds of each contestant, one number a round. Each round times everyone once and begins with the next of them.

    The first `warm_up` turns of each are not counted. Garbage is collected between rounds, never inside one. After `budget`
    seconds no further round begins, unless there have been fewer than three.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(warm_up):
        for name in names:
            contestants[name]()
    end = perf_counter() + budget
    with _no_collections():
        for number in range(rounds):
            if number >= FEWEST and perf_counter() > end:
                break
            gc.collect()
            start = number % len(names)
            for name in names[start:] + names[:start]:
                seconds[name].append(_timed(contestants[name]))
    return seconds


@contextmanager
def _no_collections() -> Iterator[None]:
    """Garbage is not collected inside unless asked for, and then only what was made inside, which takes no time."""
    collecting = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if collecting:
            gc.enable()


def _timed(contestant: Callable[[], object]) -> float:
    start = perf_counter()
    contestant()
    return perf_counter() - start


def summary(numbers: Sequence[float]) -> Summary:
    """Median and quartiles; of seconds, ratios or whatever else."""
    low, median, high = np.percentile(numbers, (25, 50, 75))
    return Summary(float(median), float(low), float(high), len(numbers))


def ratios(seconds: Mapping[str, Sequence[float]], name: str, base: str) -> Summary:
    """Median and quartiles of what `name` took of `base` in the same round."""
    return summary([own / other for own, other in zip(seconds[name], seconds[base], strict=True)])
