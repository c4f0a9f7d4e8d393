"""The contrast of two classes in one picture: evidence for one rather than the other, and evidence against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError, TargetError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.statistics import rank_correlations
from explain_lib.cam.grad_cam import ByLayer, grad_cam, signed_map, with_influence
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import capture_each
from explain_lib.passes.targets import Score, Target
from explain_lib.passes.tasks import is_by_place, values_of
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images
from explain_lib.regions.region import AnyRegion, Predicted

VISIBLE = 0.02
"""The difference at some cell from which two maps, each divided by its maximum, look different: 1/50 of the colours."""


@dataclass(frozen=True)
class ScoreDifference:
    """The difference of the ReLU maps of the probability and the logit of a class.

    spearman, pearson: correlation of ranks and of values, in [-1, 1], NaN where a map is constant. largest: the largest
    difference at any cell after dividing each map by its own maximum, in [0, 1]; 0 for proportional maps, which look the
    same. ratio: maximum of the probability's map over that of the logit's, NaN if the latter is zero everywhere.
    """

    spearman: float
    pearson: float
    largest: float
    ratio: float

    @property
    def visible(self) -> bool:
        """Whether the two look different when each is drawn on its own scale."""
        return self.largest > VISIBLE


@dataclass(frozen=True)
class Contrast(Frozen):
    """Classes a and b of one picture contrasted at one layer, on its grid of h x w; y is the score, logit or probability.

    probabilities: float32 (classes,), of a regression the numbers themselves. signed_a, signed_b: float32 (h, w), the signed
    maps of y_a and of y_b.
    signed_contrast: that of y_a - y_b, explained as a target of its own. Since the gradient is linear, it
    is signed_a - signed_b up to rounding. against: float32 (h, w), at least 0, the ReLU map of -y_a: evidence that lowers
    y_a, the "counterfactual explanation" of arXiv 1610.02391. by_logit, by_probability: float32 (h, w), the ReLU maps of
    the logit and of the probability p_a of a; by_probability is None for a regression, which has no probabilities.

    The latter two differ. By the derivative of the softmax, with y now the logits,

        dp_a/dA = p_a * (dy_a/dA - sum over j of p_j * dy_j/dA),

    so the map of the probability is a contrast with all classes at once, each weighted by its probability: evidence common to
    all classes cancels, and the whole map vanishes as p_a goes to 1, whatever the picture shows.
    """

    layer: str
    a: int
    b: int
    score: Score
    probabilities: NDArray[np.float32]
    signed_a: Map
    signed_b: Map
    signed_contrast: Map
    against: Map
    by_logit: Map
    by_probability: Map | None

    @property
    def deviation(self) -> float:
        """The largest magnitude of signed_contrast - (signed_a - signed_b), in units of the score."""
        exact = self.signed_a.astype(np.float64) - self.signed_b.astype(np.float64)
        return float(np.abs(self.signed_contrast - exact).max())

    @property
    def reach(self) -> float:
        """The largest magnitude in any of the three signed maps, the end of their common scale."""
        return float(np.abs([self.signed_a, self.signed_b, self.signed_contrast]).max())

    @property
    def alike(self) -> float:
        """Spearman correlation of signed_a and signed_b, in [-1, 1], NaN where one is constant."""
        return float(rank_correlations(self.signed_a[None], self.signed_b[None])[0])

    @property
    def by_score(self) -> ScoreDifference | None:
        """The difference of by_probability from by_logit; None without probabilities."""
        return None if self.by_probability is None else _difference(self.by_logit, self.by_probability)


def _difference(by_logit: Map, by_probability: Map) -> ScoreDifference:
    tops = float(by_logit.max()), float(by_probability.max())
    first, second = (
        values.astype(np.float64) / (top or 1.0) for values, top in zip((by_logit, by_probability), tops, strict=True)
    )
    varied = all(values.min() < values.max() for values in (first, second))
    return ScoreDifference(
        spearman=float(rank_correlations(first[None], second[None])[0]),
        pearson=float(np.corrcoef(first.ravel(), second.ravel())[0, 1]) if varied else float("nan"),
        largest=float(np.abs(second - first).max()),
        ratio=tops[1] / tops[0] if tops[0] > 0 else float("nan"),
    )


def runner_up(scores: NDArray[np.float32], a: int) -> int:
    """The class with the highest score (classes,) except class `a`; the first of several.

    Raises TargetError if there is no class `a`, or no other.
    """
    if not 0 <= a < len(scores):
        raise TargetError(f"a: there is no class {a}; 0 to {len(scores) - 1} would be right")
    others = [index for index in np.argsort(-scores, kind="stable").tolist() if index != a]
    if not others:
        raise TargetError("a: the network has no other class to contrast it with; two classes or more would be right")
    return int(others[0])


def contrast(
    model: Model, pixels: Images, layer: str, a: int, b: int, score: Score = "logit", region: AnyRegion = None
) -> Contrast:
    """Class a contrasted with class b in one picture, at one layer: one forward and one backward pass over five copies of it.

    pixels: uint8 (1, H, W, C) of the model's input size, or a normalised tensor (1, C, H, W). region: of a segmentation, the
    places of both classes; None for those where `a` is predicted.

    Raises InputError unless there is one picture, TargetError for b = a or a class that does not exist, and what
    grad_cam raises.
    """
    targets = _targets(model, pixels, a, b, score, region)
    copies = torch.cat([pixels] * len(targets)) if isinstance(pixels, Tensor) else pixels.repeat(len(targets), axis=0)
    cams = grad_cam(model, copies, layer, targets)
    found = cams[layer]
    return _contrast(layer, (a, b, score), values_of(cams.logits[:1], model.task)[0], found.signed, found.map)


def _targets(model: Model, pixels: Images, a: int, b: int, score: Score, region: AnyRegion) -> list[Target]:
    """What is explained for a contrast, the other score of `a` last if it has one. Raises as contrast does."""
    if len(pixels) != 1:
        raise InputError(f"pixels: {len(pixels)} pictures; one, as a batch of one, would be right")
    if a == b:
        raise TargetError(f"b: class {b} is a itself; another class would be right")
    targets = [Target(a, score=score), Target(b, score=score), Target(a, minus=b, score=score), Target(a, sign=-1, score=score)]
    if check_model(model).task != "regression":
        targets.append(Target(a, score="probability" if score == "logit" else "logit"))
    return targets if not is_by_place(model.task) else [replace(one, region=region or Predicted(a)) for one in targets]


def _contrast(
    layer: str, asked: tuple[int, int, Score], probabilities: NDArray[np.float32], signed: Map, maps: Map
) -> Contrast:
    """asked: a, b and the score. signed, maps: float32 (targets, h, w), the signed map of each target, and its ReLU."""
    a, b, score = asked
    own, other = maps[0], maps[4] if len(maps) > 4 else None
    by_logit, by_probability = (own, other) if score == "logit" or other is None else (other, own)
    return Contrast(
        layer=layer,
        a=a,
        b=b,
        score=score,
        probabilities=probabilities,
        signed_a=signed[0],
        signed_b=signed[1],
        signed_contrast=signed[2],
        against=maps[3],
        by_logit=by_logit,
        by_probability=by_probability,
    )


# Section: at all layers of a large network


@dataclass(frozen=True)
class Contrasts(ByLayer[Contrast]):
    """Two classes contrasted in one picture at several layers: contrasts["layer4"] is a Contrast."""

    names: tuple[str, ...]
    cams: tuple[Contrast, ...]


@recorded
@remembered()
def contrasts(
    model: Model,
    pixels: Images,
    layers: str | Sequence[str] | None,
    a: int,
    b: int,
    score: Score = "logit",
    region: AnyRegion = None,
) -> Contrasts:
    """Contrast at all requested layers, from one forward pass, and a backward pass for each of its five maps.

    layers: as in grad_cam. The maps are those of the picture by itself, and not of five copies as in contrast, from which they
    differ by rounding. Between two maps the run may end the work. Errors as in contrast.
    """
    targets = _targets(model, pixels, a, b, score, region)
    expanded = model.expand_targets(targets, len(targets)) or ()
    model.find_layers(layers)
    model.check_images(pixels)
    model.check_network()
    given = model.to_input(pixels)

    def explain(asked: tuple[LayerTrace, ...]) -> Contrasts:
        logits, found = capture_each(model.network, given, asked, expanded, signed_map, outputs=model.outputs)
        said = values_of(logits.cpu().numpy(), model.task)[0]
        signed = [np.stack(of_layer) for of_layer in zip(*found, strict=True)]
        made = (
            _contrast(layer.name, (a, b, score), said, one, np.maximum(one, np.float32(0)))
            for layer, one in zip(asked, signed, strict=True)
        )
        return Contrasts(tuple(layer.name for layer in asked), tuple(made))

    return with_influence(model, layers, explain)
