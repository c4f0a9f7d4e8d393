"""Sanity checks: do maps change when the weights are randomised, or trained on labels in random order?

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292): model parameter randomisation (section 3) and data
randomisation (section 4). The measure is the Spearman correlation of ReLU maps on the grid of the layer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.statistics import rank_correlations
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.randomisation import SEED, Mode, chosen_steps, randomisation_steps, randomised
from explain_lib.networks.requests import ImageRows, Request
from explain_lib.passes.targets import OneTarget
from explain_lib.passes.tasks import predicted_of, values_of
from explain_lib.pictures.sets import next_readable
from explain_lib.trust.rungs import class_of, marked_target

BATCH = 64
TWIN = "labels in random order"
"""The name of the only step in the comparison of a model with its twin, trained on such labels."""


@dataclass(frozen=True)
class SanityMaps(Frozen):
    """The maps of K images at one layer, by the model itself and by S others: randomised copies, or a twin.

    steps: the names of the others. maps: float32 (K, 1 + S, h, w), ReLU maps, not scaled, the model's own first. explained:
    int64 (K,), the class that all of them explain, the first of several, or NO_CLASS for a function. probabilities: float32
    (K, 1 + S, classes). correlations: float64 (K, S), Spearman of each map with the model's own, NaN if either is constant or
    not finite.
    """

    steps: tuple[str, ...]
    maps: Map
    explained: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    correlations: NDArray[np.float64]


@dataclass(frozen=True)
class SanityRows(ImageRows):
    """The results of K images and S steps.

    images: int64 (K,), positions in the set. explained: int64 (K,). correlations: float64 (K, S), see SanityMaps. kept: bool
    (K, S), whether the prediction is the model's own. flat: bool (K, S), whether the step's map is zero or constant; blank:
    bool (K,), whether the model's own is. unrelated: float64 (K,), the Spearman correlation of the model's map with its map
    of the next image of the set: the correlation of unrelated maps.
    """

    steps: tuple[str, ...]
    images: NDArray[np.int64]
    explained: NDArray[np.int64]
    correlations: NDArray[np.float64]
    kept: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    unrelated: NDArray[np.float64]


@recorded
@remembered(alone=True)
def sanity_maps(
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    target: OneTarget | None = None,
    mode: Mode = "cascading",
    twin: Model | None = None,
    *,
    seed: int = SEED,
) -> SanityMaps:
    """The maps of a batch of pictures, of the model and of the model with ever more layers randomised, or of its twin.

    pixels: uint8 (K, H, W, C). layer: one layer's name. target: what is explained in every picture: a class, a Target, such as
    one of several labels, or a function of the output, as in grad_cam; None for the class that the model predicts. The others
    explain the same. mode: see randomised. twin: compared instead of
    randomised copies; a model with the same layers. Raises the errors of grad_cam.
    """
    own = grad_cam(check_model(model), pixels, layer, target)
    explained = np.array([class_of(one) for one in own.targets], dtype=np.int64)
    maps, logits = [own[layer].map], [own.logits]
    for other in _others(model, mode, twin, seed):
        cams = grad_cam(other, pixels, layer, own.targets)
        maps.append(cams[layer].map)
        logits.append(cams.logits)
    correlations = np.stack([rank_correlations(maps[0], one) for one in maps[1:]], axis=1)
    names = (TWIN,) if twin is not None else tuple(step.name for step in randomisation_steps(model))
    return SanityMaps(names, np.stack(maps, axis=1), explained, values_of(np.stack(logits, axis=1), model.task), correlations)


def _others(model: Model, mode: Mode, twin: Model | None, seed: int) -> Iterator[Model]:
    if twin is not None:
        yield check_model(twin)
        return
    for depth in range(1, len(randomisation_steps(model)) + 1):
        yield randomised(model, depth, mode, seed=seed)


@dataclass(frozen=True, eq=False)
class SanityRequest(Request[SanityRows]):
    """The comparison of maps with those of randomised copies of the model, or of its twin, on K images of a set.

    The other fields, and the errors, are those of sanity_maps.
    """

    layer: str
    target: OneTarget | None = None
    mode: Mode = "cascading"
    twin: Model | None = None
    seed: int = SEED

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layer)
        if self.twin is not None:
            check_model(self.twin).find_layers(self.layer)
        self._settle(target=marked_target(self.model, self.target))
        chosen_steps((), 0, self.mode)

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        twin = None if self.twin is None else self.twin.digest
        return "sanity", self.layer, self.target, self.mode, twin, self.seed

    def compute(self) -> SanityRows:
        own, following = self.pixels[self.images], self.pixels[next_readable(self.pixels, self.images)]
        found = sanity_maps(self.model, own, self.layer, self.target, self.mode, self.twin, seed=self.seed)
        others = grad_cam(self.model, following, self.layer, self.target)
        predicted = predicted_of(found.probabilities, self.model.task)
        flat = found.maps.min((2, 3)) == found.maps.max((2, 3))
        return SanityRows(
            found.steps,
            self.images,
            found.explained,
            found.correlations,
            predicted[:, 1:] == predicted[:, :1],
            flat[:, 1:],
            flat[:, 0],
            rank_correlations(found.maps[:, 0], others[self.layer].map),
        )
