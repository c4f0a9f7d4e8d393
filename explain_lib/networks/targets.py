"""The target of a map: the score of a class, or the contrast of two classes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from explain_lib.base.errors import TargetError

Score = Literal["logit", "probability"]


@dataclass(frozen=True)
class Target:
    """The number that a map explains: sign * (y[index] - y[minus]), or sign * y[index] without `minus`.

    index, minus: positions in the model's classes. sign: 1, or -1 for the evidence against. score: "logit" explains the
    network's output, "probability" its softmax. Raises TargetError for anything else.
    """

    index: int
    minus: int | None = None
    sign: int = 1
    score: Score = "logit"

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", _whole_number(self.index))
        if self.minus is not None:
            object.__setattr__(self, "minus", _whole_number(self.minus))
        if self.sign not in (1, -1):
            raise TargetError(f"targets: sign {self.sign!r}; 1 or -1 would be right")
        if self.score not in ("logit", "probability"):
            raise TargetError(f"targets: score {self.score!r}; 'logit' or 'probability' would be right")


Targets = int | Target | Sequence[int | Target] | None
"""None for the predicted class, one class or Target for all images, or one per image."""


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TargetError(f"targets: {value!r} is not a whole number; the position of a class would be right")
    return int(value)


def expand_targets(targets: Targets, count: int, classes: tuple[str, ...]) -> tuple[Target, ...] | None:
    """One Target per image, or None for the predicted classes.

    Raises TargetError for a class that does not exist, for anything that is not a class, and for a wrong number of targets.
    """
    if targets is None:
        return None
    listed = _as_list(targets, count)
    if len(listed) != count:
        raise TargetError(f"targets: {len(listed)} of them for {count} images; one, or one per image, would be right")
    return tuple(_checked(target, classes) for target in listed)


def _as_list(targets: object, count: int) -> list[object]:
    if isinstance(targets, str):
        raise TargetError(f"targets: {targets!r} is text; the position of a class would be right")
    several = isinstance(targets, Iterable) and getattr(targets, "ndim", 1) > 0  # arrays without axes claim to be iterable
    return list(targets) if isinstance(targets, Iterable) and several else [targets] * count


def _checked(target: object, classes: tuple[str, ...]) -> Target:
    checked = target if isinstance(target, Target) else _class_target(_whole_number(target))
    for index in (checked.index, checked.minus):
        if index is not None and not 0 <= index < len(classes):
            raise TargetError(
                f"targets: there is no class {index}; the network has 0 to {len(classes) - 1}: {', '.join(classes[:20])}"
            )
    return checked


def predicted_targets(logits: Tensor) -> tuple[Target, ...]:
    """The class with the largest logit for each image, from logits (N, classes)."""
    return tuple(_class_target(index) for index in logits.argmax(1).tolist())


@lru_cache(maxsize=1024)
def _class_target(index: int) -> Target:
    return Target(index)


def explained_number(target: Target, logits: Tensor) -> Tensor:
    """The score that a target selects from the logits (classes,) of one image: a single number, part of the graph."""
    score = _class_score(target, logits, target.index)
    if target.minus is not None:
        score = score - _class_score(target, logits, target.minus)
    return score if target.sign == 1 else -score


def _class_score(target: Target, logits: Tensor, index: int) -> Tensor:
    """A logit, or a probability; one near 1 as 1 less the sum of all others.

    So its gradient holds, where the softmax's own has 1 - p, of which float32 leaves few digits there, or none.
    """
    if target.score == "logit":
        return logits[index]
    precise = logits.to("cpu", torch.float64)
    probability = precise.softmax(0)[index]
    if probability > 0.5:
        others = torch.cat((precise[:index], precise[index + 1 :]))
        probability = 1 - (others.logsumexp(0) - precise.logsumexp(0)).exp()
    return probability.to(logits)


def score_gradient(logits: Tensor, targets: Sequence[Target]) -> Tensor:
    """The gradient of the sum of the explained scores over images with respect to the logits: (N, classes).

    The backward pass starts from it, at the logits: a graph for the score itself would cost more.
    """
    scores = {target.score for target in targets}
    gradient = _coefficients(logits, targets, "logit") if "logit" in scores else torch.zeros_like(logits)
    if "probability" in scores:
        gradient += _softmax_gradient(_coefficients(logits, targets, "probability"), logits)
    return gradient


def _softmax_gradient(coefficients: Tensor, logits: Tensor) -> Tensor:
    """The gradient of the weighted probabilities, (N, classes): p_i times the sum of (c_i - c_j) p_j over all j.

    Equal to the usual p_i (c_i - sum of c_j p_j), and in float64, so that it holds where a probability is near 1.
    """
    weights, probabilities = (values.to("cpu", torch.float64) for values in (coefficients, logits))
    probabilities = probabilities.softmax(1)
    inner = -(weights * probabilities).sum(1, keepdim=True).expand_as(weights).clone()
    images, classes = weights.nonzero(as_tuple=True)
    inner[images, classes] = ((weights[images, classes][:, None] - weights[images]) * probabilities[images]).sum(1)
    return (inner * probabilities).to(logits)


def _coefficients(logits: Tensor, targets: Sequence[Target], score: str) -> Tensor:
    """The factors (N, classes) of the outputs in the targets of that score."""
    coefficients = np.zeros(logits.shape, np.float32)
    for image, target in enumerate(targets):
        if target.score == score:
            coefficients[image, target.index] += target.sign
            if target.minus is not None:
                coefficients[image, target.minus] -= target.sign
    return torch.from_numpy(coefficients).to(logits)
