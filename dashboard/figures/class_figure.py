"""Class probabilities: which classes have a bar, and what stands beside it."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.words import number, short
from explain_lib.networks.task_words import TASK_WORDS, plural_of, value_words
from explain_lib.passes.tasks import PRESENT, Task, is_by_place

MOST = 12
"""With more classes than so many, the likeliest and the marked ones are shown alone."""
LIKELIEST = 10


@dataclass(frozen=True)
class ClassBar:
    """A class with its probability, or its number. words: what it is besides, such as "true, predicted". share: the length of
    its bar, in [0, 1]. text: the probability in percent, or the number. before, change: where it is compared with another
    prediction, the share that it had there, and the difference in words; None and empty otherwise.
    """

    index: int
    name: str
    words: str
    share: float
    text: str
    role: Literal["target", "minus", "other"]
    before: float | None = None
    change: str = ""


def class_bars(
    classes: tuple[str, ...],
    probabilities: NDArray[np.float32],
    target: int,
    true: int,
    minus: int | None = None,
    task: Task = "softmax",
    plus: tuple[int, ...] = (),
    unit: str = "",
    before: NDArray[np.float32] | None = None,
) -> tuple[ClassBar, ...]:
    """A bar a class; the explained class, the one it is contrasted with, the true and the predicted one have a word. Of many
    classes, see shown_words. Of labels those above 50 % are present; the bars of numbers are as long as their magnitudes.
    before: the probabilities or numbers that they are compared with, float32 (classes,), None for none.
    """
    predicted = -1 if task in ("sigmoid", "regression") else int(probabilities.argmax())
    all_values = probabilities if before is None else np.concatenate([probabilities, before])
    longest = float(np.abs(all_values).max()) or 1.0 if task == "regression" else 1.0

    most = TASK_WORDS[task].predicted if is_by_place(task) else "predicted"

    def bar(k: int) -> ClassBar:
        value, is_target = float(probabilities[k]), k == target or k in plus
        holds = {"explained": is_target, "contrasted": k == minus, "true": k == true, most: k == predicted}
        holds["present"] = task == "sigmoid" and value > PRESENT
        words = ", ".join(word for word, held in holds.items() if held)
        role: Literal["target", "minus", "other"] = "target" if is_target else "minus" if k == minus else "other"
        bar = ClassBar(k, _told_apart(classes, k), words, abs(value) / longest, value_words(value, task, unit=unit), role)
        if before is None:
            return bar
        return replace(bar, before=abs(float(before[k])) / longest, change=change_words(value, float(before[k]), task))

    strongest = None if before is None or task in ("sigmoid", "regression") else int(before.argmax())
    return tuple(map(bar, _shown(probabilities, {target, true, minus, strongest, *plus})))


def change_words(value: float, before: float, task: Task) -> str:
    """The difference of two probabilities in percentage points, as "−43.1", or of two numbers."""
    return short(value - before, sign=True) if task == "regression" else number(100 * (value - before), 1, sign=True)


def most_changed_words(
    classes: tuple[str, ...], probabilities: NDArray[np.float32], before: NDArray[np.float32], task: Task, unit: str = ""
) -> str:
    """The class whose probability, or number, has changed most, before and now: "frog 92.1 % → 41.0 %"; empty for none.

    probabilities, before: float32 (classes,).
    """
    k = int(np.abs(probabilities - before).argmax())
    if probabilities[k] == before[k]:
        return ""
    then, now = (value_words(float(values[k]), task, unit=unit) for values in (before, probabilities))
    return f"{_told_apart(classes, k)} {then} → {now}"


def probabilities_words(
    classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int, task: Task = "softmax", unit: str = ""
) -> str:
    """Alternative text: the three likeliest classes with their probabilities, and that of the explained one; or numbers."""
    order = np.argsort(-probabilities, kind="stable")[:3]
    likeliest = ", ".join(f"{classes[k]} {value_words(float(probabilities[k]), task, unit=unit)}" for k in order)
    explained = f"{classes[target]}, explained, {value_words(float(probabilities[target]), task, unit=unit)}"
    said = TASK_WORDS[task]
    first = said.first
    return f"{said.value.capitalize()} of each {said.a_class}, the {first} first: {likeliest}; {explained}"


def shown_words(classes: tuple[str, ...], task: Task = "softmax") -> str:
    """Which classes have a bar, where not all have one: a sentence; empty where all have."""
    first, several = TASK_WORDS[task].first, plural_of(TASK_WORDS[task].a_class)
    return "" if len(classes) <= MOST else f"The {LIKELIEST} {first} of {len(classes):,} {several}, and those with a word."


def _shown(probabilities: NDArray[np.float32], marked: set[int | None]) -> list[int]:
    """All classes in their order, or the likeliest and the marked ones, the likeliest first."""
    if len(probabilities) <= MOST:
        return list(range(len(probabilities)))
    order: list[int] = np.argsort(-probabilities, kind="stable").tolist()
    return [k for place, k in enumerate(order) if place < LIKELIEST or k in marked]


def _told_apart(classes: tuple[str, ...], k: int) -> str:
    """The name of a class, with its number where another has the same."""
    return f"{classes[k]} ({k})" if classes.count(classes[k]) > 1 else classes[k]
