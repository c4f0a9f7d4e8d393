"""The target of a map: the score of a class, of several, the contrast of two, or any number made of a picture's output."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral
from typing import Literal
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from explain_lib.base.errors import ExplainError, TargetError
from explain_lib.passes.outputs import Read, described
from explain_lib.passes.tasks import Task

Score = Literal["logit", "probability"]


@dataclass(frozen=True)
class Target:
    """The number that a map explains: sign * (y[index] + each y of plus - y[minus]).

    index, minus, plus: positions in the model's classes; minus may be None. sign: 1, or -1 for the evidence against. score:
    "logit" explains the network's output, "probability" its softmax or sigmoid. Raises TargetError for anything else.
    """

    index: int
    minus: int | None = None
    sign: int = 1
    score: Score = "logit"
    plus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", _whole_number(self.index))
        object.__setattr__(self, "plus", _whole_numbers(self.plus))
        if self.minus is not None:
            object.__setattr__(self, "minus", _whole_number(self.minus))
        if self.sign not in (1, -1):
            raise TargetError(f"targets: sign {self.sign!r}; 1 or -1 would be right")
        if self.score not in ("logit", "probability"):
            raise TargetError(f"targets: score {self.score!r}; 'logit' or 'probability' would be right")

    def __repr__(self) -> str:
        """Without an empty plus, as in files from before there was one, whose requests are known by this text."""
        values = [f"{name}={getattr(self, name)!r}" for name in ("index", "minus", "sign", "score")]
        return f"Target({', '.join([*values, *([f'plus={self.plus!r}'] if self.plus else [])])})"

    def to_json(self) -> dict[str, object]:
        """The fields as JSON takes them; `plus` only if there are further classes."""
        given: dict[str, object] = {"index": self.index, "minus": self.minus, "sign": self.sign, "score": self.score}
        return given | ({"plus": list(self.plus)} if self.plus else {})

    @property
    def raised(self) -> tuple[int, ...]:
        """The classes whose scores are added: index and plus."""
        return (self.index, *self.plus)


@dataclass(frozen=True)
class OwnTarget:
    """A target that the caller's function makes of the output of one picture, as the network gives it.

    function: from that output, a tensor (classes,) for most networks, to a tensor of one number. mark: another one for each
    target, since two functions are alike only if they are the same.
    """

    function: Callable[[object], object]
    mark: str = field(default_factory=lambda: uuid4().hex)


AnyTarget = Target | OwnTarget
OneTarget = int | AnyTarget | Callable[..., object]
Targets = OneTarget | Sequence[OneTarget] | Tensor | None
"""None for the predicted class, one class, Target or function of a picture's output for all images, or one per image."""


def _whole_number(value: object) -> int:
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TargetError(f"targets: {value!r} is not a whole number; the position of a class would be right")
    return int(value)


def _whole_numbers(values: object) -> tuple[int, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TargetError(f"targets: plus {values!r}; the positions of classes, such as (3, 5), would be right")
    return tuple(map(_whole_number, values))


def expand_targets(
    targets: object, count: int, classes: tuple[str, ...], task: Task = "softmax"
) -> tuple[AnyTarget, ...] | None:
    """One target per image, or None for the predicted classes; targets: see Targets.

    Raises TargetError for a class that does not exist, for anything that is no target, for a wrong number of targets, and for
    a probability where the task has none.
    """
    if targets is None:
        return None
    listed = _as_list(targets, count)
    if len(listed) != count:
        raise TargetError(f"targets: {len(listed)} of them for {count} images; one, or one per image, would be right")
    return tuple(_checked(target, classes, task) for target in listed)


def _as_list(targets: object, count: int) -> list[object]:
    if isinstance(targets, str):
        raise TargetError(f"targets: {targets!r} is text; the position of a class would be right")
    if isinstance(targets, Tensor):
        targets = targets.tolist()
    several = isinstance(targets, Iterable) and getattr(targets, "ndim", 1) > 0  # arrays without axes claim to be iterable
    return list(targets) if isinstance(targets, Iterable) and several else [targets] * count


def _checked(target: object, classes: tuple[str, ...], task: Task) -> AnyTarget:
    if isinstance(target, OwnTarget):
        return target
    if callable(target):
        return OwnTarget(target)
    checked = target if isinstance(target, Target) else _class_target(_whole_number(target))
    for index in (*checked.raised, checked.minus):
        if index is not None and not 0 <= index < len(classes):
            raise TargetError(
                f"targets: there is no class {index}; the network has 0 to {len(classes) - 1}: {', '.join(classes[:20])}"
            )
    if task == "regression" and checked.score == "probability":
        raise TargetError("targets: the outputs of a regression have no probability; score='logit' would be right")
    return checked


def class_target(target: AnyTarget) -> Target:
    """The target itself if it is made of classes. Raises TargetError for a function."""
    if isinstance(target, OwnTarget):
        raise TargetError("targets: a function of the output; the position of a class, or a Target, would be right here")
    return target


def predicted_targets(scores: Tensor, task: Task = "softmax") -> tuple[Target, ...]:
    """The class with the largest score for each image, from scores (N, classes); of a regression the first output."""
    if task == "regression":
        return (_class_target(0),) * len(scores)
    return tuple(_class_target(index) for index in scores.argmax(1).tolist())


@lru_cache(maxsize=1024)
def _class_target(index: int) -> Target:
    return Target(index)


# Section: the explained number


def explained_number(target: AnyTarget, read: Read, image: int) -> Tensor:
    """The score that a target selects for one image: a single number, part of the graph.

    Raises TargetError if the target is a function that fails, or that gives anything but one number.
    """
    if isinstance(target, OwnTarget):
        return _own_number(target, read, image)
    scores = read.scores[image]
    number = _class_score(target, scores, target.index, read.task)
    for index in target.plus:
        number = number + _class_score(target, scores, index, read.task)
    if target.minus is not None:
        number = number - _class_score(target, scores, target.minus, read.task)
    return number if target.sign == 1 else -number


def precise_number(target: AnyTarget, read: Read, image: int) -> float:
    """The same without the graph; from scores in float64, if the target is made of classes."""
    with torch.no_grad():
        if isinstance(target, OwnTarget):
            return float(explained_number(target, read, image))
        return float(explained_number(target, Read(read.scores.double(), read.own, read.task), image))


def _own_number(target: OwnTarget, read: Read, image: int) -> Tensor:
    own = read.own[image]
    try:
        number = target.function(own)
    except ExplainError:
        raise
    except Exception as error:  # the caller's code may raise anything
        raise TargetError(
            f"targets: the function fails on the output of one picture, {described(own)}: {type(error).__name__}: {error}; one "
            "that returns a number would be right"
        ) from error
    if not isinstance(number, Tensor) or number.numel() != 1 or not number.is_floating_point():
        raise TargetError(
            f"targets: the function makes {described(number)} of the output of one picture, {described(own)}; a tensor of one "
            "number would be right"
        )
    return number.reshape(())


def _class_score(target: Target, scores: Tensor, index: int, task: Task) -> Tensor:
    """A logit, or a probability; one near 1 as 1 less the sum of all others.

    So its gradient holds, where the softmax's own has 1 - p, of which float32 leaves few digits there, or none.
    """
    if target.score == "logit":
        return scores[index]
    precise = scores.to("cpu", torch.float64)
    if task != "softmax":
        logit = precise[index]
        return (1 - (-logit).sigmoid() if logit > 0 else logit.sigmoid()).to(scores)
    probability = precise.softmax(0)[index]
    if probability > 0.5:
        others = torch.cat((precise[:index], precise[index + 1 :]))
        probability = 1 - (others.logsumexp(0) - precise.logsumexp(0)).exp()
    return probability.to(scores)


# Section: its gradient


def score_gradient(scores: Tensor, targets: Sequence[AnyTarget], task: Task = "softmax") -> Tensor:
    """The gradient of the sum of the explained numbers over images with respect to the scores: (N, classes).

    Images whose target is a function do not count: see own_sum.

    The backward pass starts from it, at the scores: a graph for the explained number itself would cost more.
    """
    explained = {target.score for target in targets if isinstance(target, Target)}
    gradient = _coefficients(scores, targets, "logit") if "logit" in explained else torch.zeros_like(scores)
    if "probability" in explained:
        by_task = _softmax_gradient if task == "softmax" else _sigmoid_gradient
        gradient += by_task(_coefficients(scores, targets, "probability"), scores)
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


def _sigmoid_gradient(coefficients: Tensor, logits: Tensor) -> Tensor:
    """The gradient of the weighted sigmoids, (N, classes): c p (1 - p), with 1 - p as the sigmoid of the negative logit."""
    weights, precise = (values.to("cpu", torch.float64) for values in (coefficients, logits))
    return (weights * precise.sigmoid() * (-precise).sigmoid()).to(logits)


def own_sum(read: Read, targets: Sequence[AnyTarget]) -> Tensor | None:
    """The sum of the numbers that functions make, part of the graph; None if no target is a function.

    Raises TargetError as explained_number does, and for a number without a gradient.
    """
    numbers = [explained_number(target, read, image) for image, target in enumerate(targets) if isinstance(target, OwnTarget)]
    if any(not number.requires_grad for number in numbers):
        raise TargetError(
            "targets: the function makes a number without a gradient; one that depends on the output, without detach, item "
            "or argmax, would be right"
        )
    return torch.stack([number.double() for number in numbers]).sum() if numbers else None


def _coefficients(scores: Tensor, targets: Sequence[AnyTarget], score: str) -> Tensor:
    """The factors (N, classes) of the outputs in the targets of that score."""
    coefficients = np.zeros(scores.shape, np.float32)
    for image, target in enumerate(targets):
        if isinstance(target, Target) and target.score == score:
            for index in target.raised:
                coefficients[image, index] += target.sign
            if target.minus is not None:
                coefficients[image, target.minus] -= target.sign
    return torch.from_numpy(coefficients).to(scores)
