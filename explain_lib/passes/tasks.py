"""The task of a network: what its scores mean, and the probabilities that belong to them.

softmax: one class of several; binary: one logit, for and against; sigmoid: labels, each by itself; regression: numbers;
segmentation: one class of several at each place of the picture; sigmoid-segmentation: labels there, each by itself;
detection: a class for each of many boxes.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import nn

from explain_lib.base.errors import InputError

Task = Literal["softmax", "sigmoid", "binary", "regression", "segmentation", "sigmoid-segmentation", "detection"]
TASKS: tuple[Task, ...] = get_args(Task)
GIVEN = "given"
"""The source of a task that somebody named."""
FINEST = 8
"""Scores for every eighth row of the picture, or more of them, are those of a segmentation; fewer are averaged."""
Places = tuple[int, int] | None
PRESENT = 0.5
"""The probability above which a label counts as present."""
_PROBLEM_TYPES: dict[str, Task] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "regression",
}
"""The names of tasks in the configuration of a network of transformers."""


def segments(task: Task) -> bool:
    """Whether a task has scores for each place of the picture."""
    return task in ("segmentation", "sigmoid-segmentation")


def is_by_place(task: Task) -> bool:
    """Whether scores belong to places or boxes of a picture, so that a target is settled in the picture."""
    return segments(task) or task == "detection"


@dataclass(frozen=True)
class Decision:
    """The task of a network. why: how it was decided, as the end of a sentence."""

    task: Task
    why: str


def decide_task(given: object, scores: int, network: nn.Module, places: Places = None, side: int = 1) -> Decision:
    """The task of a network with so many scores, None for the one that its configuration or their number suggests.

    places: (rows, columns) of the places that have scores of their own, None for scores of the whole picture. side: the height
    of the picture; a network with a place for every eighth row or more is one that segments. Raises InputError for an unknown
    task, and for one that does not fit the number of scores.
    """
    if given is not None:
        return Decision(check_task(given, scores, places), GIVEN)
    problem_type = getattr(getattr(network, "config", None), "problem_type", None)
    known = _PROBLEM_TYPES.get(problem_type) if isinstance(problem_type, str) else None
    usual = usual_task(scores, places, side)
    if known == "sigmoid" and usual.task == "segmentation" and scores > 1:
        return Decision("sigmoid-segmentation", f"the network's configuration says {problem_type}, and it has places")
    if known is not None and known in tasks_of(scores):
        return Decision(known, f"the network's configuration says {problem_type}")
    return usual


def usual_task(scores: int, places: Places, side: int) -> Decision:
    """The task that the number of the scores and of their places suggests; see decide_task."""
    if places is not None and places[0] * FINEST >= side:
        return Decision("segmentation", "not given; chosen because there are scores for each place of the picture")
    if scores == 1:
        return Decision("binary", "not given; chosen because there is one score")
    return Decision("softmax", "not given; the usual one")


def tasks_of(scores: int, places: Places = None) -> tuple[Task, ...]:
    """The tasks that a network with so many scores may have. places: as in decide_task."""
    whole: tuple[Task, ...] = ("binary", "sigmoid", "regression") if scores == 1 else ("softmax", "sigmoid", "regression")
    if places is None:
        return whole
    return (*whole, "segmentation") if scores == 1 else (*whole, "segmentation", "sigmoid-segmentation")


def check_task(task: object, scores: int, places: Places = None) -> Task:
    """The task itself. Raises InputError for an unknown one, and for one that does not fit the number of scores."""
    fitting = tasks_of(scores, places)
    for known in fitting:
        if task == known:
            return known
    if task in TASKS:
        has = "one score" if scores == 1 else f"{scores:,} scores"
        has += " for the whole picture" if places is None and task in ("segmentation", "sigmoid-segmentation") else ""
        raise InputError(f"task: {task!r} does not fit a network with {has}; one of {', '.join(fitting)} would be right")
    raise InputError(f"task: {task!r}; one of {', '.join(TASKS)} would be right")


_TASK_MARK = ";task="


def name_with_task(name: str, task: Task | None) -> str:
    """The name of a model under another task than its usual one, None for that, as files and caches know it."""
    return name if task is None else f"{name}{_TASK_MARK}{task}"


def split_task(name: str) -> tuple[str, Task | None]:
    """The name of the model and its task, from name_with_task."""
    model, _, said = name.partition(_TASK_MARK)
    return model, next((task for task in TASKS if task == said), None)


def usual_names(task: Task, scores: int) -> tuple[str, ...]:
    """Names for the classes of a network that has none."""
    if task == "binary":
        return "negative", "positive"
    if task == "regression" and scores == 1:
        return ("output",)
    if task == "segmentation" and scores == 1:
        return "background", "object"
    word = {"sigmoid": "label", "sigmoid-segmentation": "label", "regression": "output"}.get(task, "class")
    return tuple(f"{word} {number}" for number in range(scores))


# Section: probabilities


def probabilities_of(scores: NDArray[np.float32], task: Task) -> NDArray[np.float32] | None:
    """Probabilities float32 (..., classes) of scores (..., classes), softmax or sigmoids; None for a regression.

    The scores of a segmentation are shares of the picture, which add up to 1, those of a detection the probabilities of the
    best boxes; both are returned themselves.
    """
    if task == "regression":
        return None
    if is_by_place(task):
        return scores
    return softmax(scores) if task == "softmax" else sigmoid(scores)


def values_of(scores: NDArray[np.float32], task: Task) -> NDArray[np.float32]:
    """What is said of each class, float32 (..., classes): its probability, its share, or a regression's number itself."""
    probabilities = probabilities_of(scores, task)
    return scores if probabilities is None else probabilities


def predicted_of(scores: NDArray[np.float32], task: Task) -> NDArray[np.int64]:
    """The class with the largest score, int64 (...), from scores (..., classes); of a regression the first output, 0."""
    if task == "regression":
        return np.zeros(scores.shape[:-1], dtype=np.int64)
    return np.asarray(scores.argmax(-1), dtype=np.int64)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities float32 (..., classes) of logits (..., classes).

    Computed in float64: in float32 a sum of small powers is lost beside a large one, and what is below 1 became 1.
    """
    precise = logits.astype(np.float64)
    powers = np.exp(precise - precise.max(-1, keepdims=True))
    return _rounded(powers / powers.sum(-1, keepdims=True))


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sigmoid of each logit, float32 of the same shape, computed in float64."""
    precise = logits.astype(np.float64)
    small = np.exp(-np.abs(precise))
    return _rounded(np.where(precise >= 0, 1.0, small) / (1.0 + small))


def _rounded(probabilities: NDArray[np.float64]) -> NDArray[np.float32]:
    """In float32, where what is below 1 stays below: no page may say 100 % of it."""
    below = np.nextafter(np.float32(1), np.float32(0))
    return np.where(probabilities < 1, np.minimum(probabilities.astype(np.float32), below), np.float32(1))
