"""Class probabilities: which classes have a bar, and what stands beside it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.words import percent

MOST = 12
"""With more classes than so many, the likeliest and the marked ones are shown alone."""
LIKELIEST = 10


@dataclass(frozen=True)
class ClassBar:
    """A class with its probability. words: what it is besides, such as "true, predicted". text: the probability in percent."""

    index: int
    name: str
    words: str
    share: float
    text: str
    role: Literal["target", "minus", "other"]


def class_bars(
    classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int, true: int, minus: int | None = None
) -> tuple[ClassBar, ...]:
    """A bar a class; the explained class, the one it is contrasted with, the true and the predicted one have a word. Of many
    classes, see shown_words.
    """
    predicted = int(probabilities.argmax())

    def bar(k: int) -> ClassBar:
        holds = {"explained": k == target, "contrasted": k == minus, "true": k == true, "predicted": k == predicted}
        words = ", ".join(word for word, held in holds.items() if held)
        role: Literal["target", "minus", "other"] = "target" if k == target else "minus" if k == minus else "other"
        share = float(probabilities[k])
        return ClassBar(k, _told_apart(classes, k), words, share, percent(share), role)

    return tuple(map(bar, _shown(probabilities, {target, true, minus})))


def probabilities_words(classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int) -> str:
    """Alternative text: the three likeliest classes with their probabilities, and that of the explained one."""
    order = np.argsort(-probabilities, kind="stable")[:3]
    likeliest = ", ".join(f"{classes[k]} {percent(probabilities[k])}" for k in order)
    explained = f"{classes[target]}, explained, {percent(probabilities[target])}"
    return f"Probability of each class, the likeliest first: {likeliest}; {explained}"


def shown_words(classes: tuple[str, ...]) -> str:
    """Which classes have a bar, where not all have one: a sentence; empty where all have."""
    return "" if len(classes) <= MOST else f"The {LIKELIEST} likeliest of {len(classes):,} classes, and those with a word."


def _shown(probabilities: NDArray[np.float32], marked: set[int | None]) -> list[int]:
    """All classes in their order, or the likeliest and the marked ones, the likeliest first."""
    if len(probabilities) <= MOST:
        return list(range(len(probabilities)))
    order: list[int] = np.argsort(-probabilities, kind="stable").tolist()
    return [k for place, k in enumerate(order) if place < LIKELIEST or k in marked]


def _told_apart(classes: tuple[str, ...], k: int) -> str:
    """The name of a class, with its number where another has the same."""
    return f"{classes[k]} ({k})" if classes.count(classes[k]) > 1 else classes[k]
