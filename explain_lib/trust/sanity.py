"""Sanity checks: do maps change when the weights are randomised, or trained on labels in random order?

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292): model parameter randomisation (section 3) and data
randomisation (section 4). The measure is the Spearman correlation of ReLU maps on the grid of the layer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.statistics import Estimate, bootstrap_mean, rank_correlations
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.randomisation import SEED, Mode, chosen_steps, randomisation_steps, randomised
from explain_lib.networks.requests import ImageRows, Request
from explain_lib.passes.targets import OneTarget
from explain_lib.passes.tasks import predicted_of, values_of
from explain_lib.pictures.sets import next_readable
from explain_lib.trust.rungs import class_of, marked_target

BATCH = 64
SEEDS = tuple(range(8))
"""The random starts that one picture is shown with."""
_SEEDS = 1_000_000_000
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
class RandomStarts(Frozen):
    """The maps of one picture at one layer, by the model and by S copies in which the same layers are randomised.

    seeds: int64 (S,), that of each copy. own: float32 (h, w), the model's ReLU map, not scaled. maps: float32 (S, h, w), the
    copies'. explained, probabilities, correlations: see SanityMaps; int64 (1,), float32 (S, classes), float64 (S,).
    """

    seeds: NDArray[np.int64]
    own: Map
    maps: Map
    explained: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    correlations: NDArray[np.float64]

    @property
    def mean(self) -> Estimate:
        """The mean correlation over the starts, with its interval; its `images` are the starts that have a correlation."""
        return bootstrap_mean(self.correlations)


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


@recorded
@remembered(alone=True)
def random_starts(
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    target: OneTarget | None = None,
    depth: int | None = None,
    mode: Mode = "cascading",
    *,
    seeds: Sequence[int] = SEEDS,
) -> RandomStarts:
    """The map of one picture, of the model and of copies whose layers start from other random numbers, one for each seed.

    pixels: uint8 (1, H, W, C). layer, target: as in sanity_maps. depth, mode: which layers are randomised, see randomised; None
    for all of them. Of one seed the map is that of sanity_maps with it, at this depth.

    Raises the errors of grad_cam, and InputError for another number of pictures, no seed, and a depth that randomised refuses.
    """
    numbers = _checked_seeds(seeds)
    at = len(randomisation_steps(check_model(model))) if depth is None else depth
    own = grad_cam(model, pixels, layer, target)
    if len(own.targets) != 1:
        raise InputError(f"pixels: {len(own.targets)} pictures; one, as a batch of one, would be right")
    explained = np.array([class_of(one) for one in own.targets], dtype=np.int64)
    copies = (randomised(model, at, mode, seed=seed) for seed in numbers.tolist())
    found = [grad_cam(copy, pixels, layer, own.targets) for copy in copies]
    maps = np.concatenate([cams[layer].map for cams in found])
    logits = np.concatenate([cams.logits for cams in found])
    correlations = rank_correlations(np.broadcast_to(own[layer].map, maps.shape), maps)
    return RandomStarts(numbers, own[layer].map[0], maps, explained, values_of(logits, model.task), correlations)


def _checked_seeds(seeds: Sequence[int]) -> NDArray[np.int64]:
    listed = list(seeds) if isinstance(seeds, list | tuple | range) else []
    if not listed or not all(isinstance(seed, int | np.integer) and 0 <= seed < _SEEDS for seed in listed):
        raise InputError(f"seeds: {seeds!r}; a list of one or more whole numbers from 0 to {_SEEDS - 1:,} would be right")
    return np.array(listed, dtype=np.int64)


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
