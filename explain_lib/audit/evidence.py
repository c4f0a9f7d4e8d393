"""What a belief card asks of the network, for all layers at once: few passes, so that another layer costs next to nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import nan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import checkpoint, kept, remembered
from explain_lib.base.statistics import Estimate, bootstrap_mean, rank_correlations
from explain_lib.cam.contrast import runner_up
from explain_lib.cam.grad_cam import ByLayer, GradCams, grad_cam
from explain_lib.networks.model import Model
from explain_lib.networks.randomisation import randomisation_steps, randomised
from explain_lib.passes.targets import AnyTarget, OneTarget, Target
from explain_lib.passes.tasks import values_of
from explain_lib.trust.single_deletion import patch_changes

STARTS: Final = tuple(range(10))
"""The random starts that a map is compared with."""


@dataclass(frozen=True)
class LayerEvidence(Frozen):
    """The ReLU maps of one picture at one layer, not scaled, all of the same target but `next_class`.

    own: float32 (h, w), the model's. next_class: float32 (1, h, w), its map of the other class; None if there is none. random:
    float32 (S, h, w), those of the copies with random weights.
    """

    own: Map
    next_class: Map | None
    random: Map

    @property
    def learnt(self) -> Estimate:
        """The mean Spearman correlation with the copies' maps; its `images` are the copies that have a correlation."""
        return bootstrap_mean(rank_correlations(np.broadcast_to(self.own, self.random.shape), self.random))

    @property
    def alike(self) -> float:
        """The Spearman correlation with the map of the other class; NaN if there is none or a map is constant."""
        return nan if self.next_class is None else float(rank_correlations(self.own[None], self.next_class)[0])


@dataclass(frozen=True)
class Evidence(ByLayer[LayerEvidence]):
    """One picture at several layers. target: the explained one. other: the likeliest class that is not explained, or None."""

    names: tuple[str, ...]
    cams: tuple[LayerEvidence, ...]
    target: AnyTarget
    other: int | None


def layers_beside(model: Model, layer: str) -> tuple[str, ...]:
    """The layers that are asked together with this one, which is among them: those that pages offer with it."""
    offers = (model.main_layers, model.explained_layers)
    return next((offer for offer in offers if layer in offer), (layer,))


@remembered(alone=True)
def gather_evidence(
    model: Model, picture: NDArray[np.uint8], layers: tuple[str, ...], target: OneTarget | None = None
) -> Evidence:
    """One picture uint8 (H, W, C) at these layers: its maps beside those of its next class, and of ten random networks.

    All layers share a pass forward and one back for each map. Raises the errors of grad_cam.
    """
    batch = model.check_pixels(model.as_batch(picture), "picture")
    own = grad_cam(model, batch, layers, target)
    (explained,) = own.targets
    checkpoint()
    other = _other_class(model, explained, own.logits[0])
    next_class = None if other is None else grad_cam(model, batch, layers, _of_class(explained, other))
    random = list(_random_maps(model, batch, layers, explained))
    found = tuple(_at_layer(name, own, next_class, random) for name in own.names)
    return Evidence(own.names, found, explained, other)


@remembered()
def score_changes(model: Model, picture: NDArray[np.uint8], target: AnyTarget) -> NDArray[np.float64]:
    """What the score loses without each patch of the picture, grey in its place: float64 (1, 1, p, q); of no layer."""
    batch = model.to_input(model.as_batch(picture))
    return patch_changes(model, batch, [target], np.zeros(1, dtype=np.int64), fills=("grey",))


def is_gathered(model: Model, picture: NDArray[np.uint8], layer: str, target: OneTarget | None) -> bool:
    """Whether the run has all that is slow about the card of this layer, which another layer's card may have left there."""
    found = kept(gather_evidence, model, picture, layers_beside(model, layer), target)
    return found is not None and kept(score_changes, model, picture, found.target) is not None


def _other_class(model: Model, explained: AnyTarget, scores: NDArray[np.float32]) -> int | None:
    """The likeliest class that is not explained; None if there is none, or the target is no single class."""
    if not isinstance(explained, Target) or explained.minus is not None or explained.plus:
        return None
    if len(scores) < 2 or model.task == "regression":
        return None
    return runner_up(values_of(scores, model.task), explained.index)


def _of_class(explained: AnyTarget, other: int) -> AnyTarget:
    return replace(explained, index=other) if isinstance(explained, Target) else explained


def _random_maps(
    model: Model, batch: NDArray[np.uint8], layers: tuple[str, ...], explained: AnyTarget
) -> Iterator[dict[str, Map]]:
    """The ReLU maps (1, h, w) of each copy with random weights, by layer; all else of its passes is dropped."""
    depth = len(randomisation_steps(model))
    for seed in STARTS:
        cams = grad_cam(randomised(model, depth, seed=seed), batch, layers, explained)
        yield {name: cams[name].map for name in cams}


def _at_layer(name: str, own: GradCams, next_class: GradCams | None, random: list[dict[str, Map]]) -> LayerEvidence:
    other = None if next_class is None else next_class[name].map
    return LayerEvidence(own[name].map[0], other, np.concatenate([maps[name] for maps in random]))
