"""The target of a map: the score of a class, of several, the contrast of two, or any number made of a picture's output.

Of a network that gives scores for each place, it is the sum of these over a region, as in the package grad-cam
(SemanticSegmentationTarget). The map of their mean is the same, divided by the number of places.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from numbers import Integral
from typing import Literal
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor

from explain_lib.base.errors import ExplainError, TargetError
from explain_lib.passes.outputs import Read, described
from explain_lib.passes.tasks import Task, is_by_place
from explain_lib.regions.boxes import Box
from explain_lib.regions.region import AnyRegion, Predicted, Region, read_region, region_of

Score = Literal["logit", "probability"]


@dataclass(frozen=True)
class Target:
    """The number that a map explains: sign * (y[index] + each y of plus - y[minus]).

    index, minus, plus: positions in the model's classes; minus may be None. sign: 1, or -1 for the evidence against. score:
    "logit" explains the network's output, "probability" its softmax or sigmoid. region: of a segmentation, the part of the
    picture over whose places the scores are summed up to y, None for where the class `index` is predicted; of a detection the
    Box whose scores y are, None for that with the best score of the class. Raises TargetError for anything else.
    """

    index: int
    minus: int | None = None
    sign: int = 1
    score: Score = "logit"
    plus: tuple[int, ...] = ()
    region: AnyRegion = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", _whole_number(self.index))
        object.__setattr__(self, "plus", _whole_numbers(self.plus))
        if self.minus is not None:
            object.__setattr__(self, "minus", _whole_number(self.minus))
        if self.sign not in (1, -1):
            raise TargetError(f"targets: sign {self.sign!r}; 1 or -1 would be right")
        if self.score not in ("logit", "probability"):
            raise TargetError(f"targets: score {self.score!r}; 'logit' or 'probability' would be right")
        if isinstance(self.region, dict):
            object.__setattr__(self, "region", read_region(self.region))
        if not isinstance(self.region, Region | Predicted | Box | None):
            raise TargetError(f"targets: region {self.region!r}; a Region, Predicted(class), a Box or None would be right")

    def __repr__(self) -> str:
        """Without an empty plus or region, as in files from before there was one, whose requests are known by this text."""
        values = [f"{name}={getattr(self, name)!r}" for name in ("index", "minus", "sign", "score")]
        values += [f"{name}={getattr(self, name)!r}" for name in ("plus", "region") if getattr(self, name)]
        return f"Target({', '.join(values)})"

    def to_json(self) -> dict[str, object]:
        """The fields as JSON takes them; `plus` only if there are further classes, `region` only if one is named."""
        given: dict[str, object] = {"index": self.index, "minus": self.minus, "sign": self.sign, "score": self.score}
        given |= {"plus": list(self.plus)} if self.plus else {}
        return given | ({} if self.region is None else {"region": self.region.to_json()})

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
    _check_region(checked.region, task)
    if isinstance(checked.region, Predicted) and not 0 <= (checked.region.index or 0) < len(classes):
        raise TargetError(f"targets: there is no class {checked.region.index}, whose region is asked for")
    if task == "regression" and checked.score == "probability":
        raise TargetError("targets: the outputs of a regression have no probability; score='logit' would be right")
    return checked


def _check_region(region: AnyRegion, task: Task) -> None:
    fitting = Box | Predicted if task == "detection" else Region | Predicted
    if region is None or (is_by_place(task) and isinstance(region, fitting)):
        return
    if is_by_place(task):
        right = "a Box" if task == "detection" else "a Region"
        raise TargetError(f"targets: region {region!r}, and the task is {task}; {right}, or None, would be right")
    raise TargetError(f"targets: a region belongs to scores for each place, and the task is {task}; region=None would be right")


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


def settled(read: Read, targets: Sequence[AnyTarget] | None) -> tuple[AnyTarget, ...]:
    """The targets of the pictures that were read, None for their predicted classes, with the regions of a segmentation found.

    So the same places are explained whatever becomes of the picture or of the network later. Raises TargetError for a class
    that is predicted nowhere in its picture.
    """
    explained = predicted_targets(read.scores, read.task) if targets is None else tuple(targets)
    if read.places is None:
        return explained
    return tuple(settled_target(read, image, target) for image, target in enumerate(explained))


def settled_target(read: Read, image: int, target: AnyTarget | None) -> AnyTarget:
    """The same for one picture of those that were read."""
    if target is None:
        target = predicted_targets(read.scores[image : image + 1].detach(), read.task)[0]
    if isinstance(target, OwnTarget) or isinstance(target.region, Region | Box) or read.places is None:
        return target
    index = target.index if target.region is None else target.region.index
    index = int(read.scores[image].argmax()) if index is None else index
    if read.candidates is not None:
        return replace(target, region=read.candidates.best(image, index))
    mask = predicted_at(read.places[image].detach(), index, read.task).cpu().numpy()
    if not mask.any():
        which = "" if len(read) == 1 else f" number {image} of {len(read)}"
        raise TargetError(
            f"targets: class {index} is predicted at no place of the picture{which}, so there is no region to explain; a class "
            "that is, or a region that is drawn or clicked, would be right"
        )
    return replace(target, region=region_of(mask, "predicted"))


def predicted_at(places: Tensor, index: int, task: Task) -> Tensor:
    """Where a class has the largest score, or a label a score above 0: bool (rows, columns), of (classes, rows, columns)."""
    return places[index] > 0 if task == "sigmoid-segmentation" else places.argmax(0) == index


# Section: the explained number


def explained_number(target: AnyTarget, read: Read, image: int) -> Tensor:
    """The score that a target selects for one image: a single number, part of the graph.

    Raises TargetError if the target is a function that fails, or that gives anything but one number.
    """
    if isinstance(target, OwnTarget):
        return _own_number(target, read, image)
    if read.places is not None:
        return _number_of_places(target, read, image).to(read.places)
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
        if read.places is not None:
            return float(_number_of_places(target, read, image))
        return float(explained_number(target, Read(read.scores.double(), read.own, read.task), image))


def _number_of_places(target: Target, read: Read, image: int) -> Tensor:
    """The sum of a target's scores over its region of a segmentation, float64 (), part of the graph."""
    scores = _scores_of_region(target, read, image).to(torch.float64)
    coefficients = _coefficients(scores[:1], (target,), target.score)[0]
    if target.score == "logit":
        return (scores @ coefficients).sum()
    chosen = coefficients.nonzero()[:, 0].tolist()
    logits = scores / 2 if read.one_logit else scores  # so that the softmax of z and -z is the sigmoid of z
    of_place = _label if _has_labels(read) else _probability
    return torch.stack([coefficients[index] * of_place(logits, index) for index in chosen]).sum()


def mean_number(target: AnyTarget, read: Read, image: int) -> float:
    """precise_number; of a segmentation that of one place of the region, on average."""
    places = 1 if read.places is None or isinstance(target, OwnTarget) else int(_mask(target, read, image).sum())
    return precise_number(target, read, image) / places


def _has_labels(read: Read) -> bool:
    """Whether the classes of a place do not exclude each other."""
    return read.task == "sigmoid-segmentation" or (read.candidates is not None and not read.candidates.exclusive)


def _label(logits: Tensor, index: int) -> Tensor:
    """The sigmoid of one class at each place, float64 (places,), of logits (places, classes); near 1 as 1 less that against."""
    logit = logits[:, index]
    return torch.where(logit > 0, 1 - (-logit).sigmoid(), logit.sigmoid())


def _probability(logits: Tensor, index: int) -> Tensor:
    """The softmax of one class at each place, float64 (places,), of logits (places, classes); near 1 as 1 less all others."""
    others = torch.cat((logits[:, :index], logits[:, index + 1 :]), dim=1)
    whole = logits.logsumexp(1)
    probability = (logits[:, index] - whole).exp()
    return torch.where(probability > 0.5, 1 - (others.logsumexp(1) - whole).exp(), probability)


def _scores_of_region(target: Target, read: Read, image: int) -> Tensor:
    """The scores at the places of a target's region, (places, classes), part of the graph."""
    if read.places is None:
        raise TargetError("targets: a region of scores for the whole picture; scores for each place would be right")
    return read.places[image].permute(1, 2, 0)[_mask(settled_target(read, image, target), read, image)]


def _mask(target: AnyTarget, read: Read, image: int) -> Tensor:
    """Which places of a picture a settled target is about, bool (rows, columns)."""
    if isinstance(target, OwnTarget) or not isinstance(target.region, Region | Box) or read.places is None:
        raise TargetError("targets: its region is not known; one that is would be right")
    rows, columns = read.places.shape[2:]
    if isinstance(target.region, Box):
        return _one_of(columns, target.region, target.index, read, image)
    return torch.from_numpy(target.region.on((rows, columns)).copy()).to(read.places.device)


def _one_of(count: int, box: Box, index: int, read: Read, image: int) -> Tensor:
    """Which of so many candidates a box is, bool (1, count)."""
    if read.candidates is None or read.places is None:
        raise TargetError("targets: a box belongs to the candidates of a detector; region=None would be right")
    mask = torch.zeros((1, count), dtype=torch.bool, device=read.places.device)
    mask[0, read.candidates.find(box, image, index)] = True
    return mask


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


def start_gradient(read: Read, targets: Sequence[AnyTarget]) -> Tensor:
    """The gradient of the sum of the explained numbers with respect to what a backward pass starts from; see Read.start.

    targets: settled; those that are functions do not count.
    """
    if read.places is None:
        return score_gradient(read.scores.detach(), targets, read.task)
    gradient = torch.zeros_like(read.places)
    for image, target in enumerate(targets):
        if isinstance(target, Target):
            mask = _mask(target, read, image)
            gradient[image].permute(1, 2, 0)[mask] = _gradient_at_places(target, read.places[image].detach()[:, mask].T, read)
    return gradient


def _gradient_at_places(target: Target, scores: Tensor, read: Read) -> Tensor:
    """The gradient of the explained number by scores (places, classes), of the same shape."""
    coefficients = _coefficients(scores[:1], (target,), target.score).expand_as(scores)
    if target.score == "logit":
        return coefficients
    if _has_labels(read):
        return _sigmoid_gradient(coefficients, scores)
    logits = scores / 2 if read.one_logit else scores
    return _softmax_gradient(coefficients, logits) / (2 if read.one_logit else 1)


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
