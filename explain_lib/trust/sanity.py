"""Sanity checks: do maps change when the weights are randomised, or trained on labels in random order?

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292): model parameter randomisation (section 3) and data
randomisation (section 4). The measure is the Spearman correlation of ReLU maps on the grid of the layer, of a volume over all
of its slices at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.sheets import size_words
from explain_lib.base.statistics import Estimate, bootstrap_mean, rank_correlations, standard_ranks
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.randomisation import (
    DRAWS,
    MOST_DRAWS,
    MOST_SEED,
    SEED,
    Mode,
    chosen_steps,
    randomisation_steps,
    randomised,
)
from explain_lib.networks.requests import ImageRows, Request
from explain_lib.passes.targets import AnyTarget, OneTarget
from explain_lib.passes.tasks import predicted_of, values_of
from explain_lib.pictures.sets import next_readable
from explain_lib.trust.by_row import is_large
from explain_lib.trust.rungs import class_of, marked_target

Kind = TypeVar("Kind", bound=np.generic)

BATCH, LARGE_BATCH = 64, 8
"""Images that are computed at once, and so many of a network with large pictures, which is so heard of more often."""
SEEDS = tuple(range(8))
"""The random starts that one picture is shown with."""
TWIN = "labels in random order"
SECOND = "right labels, another seed"
"""The names of the steps in the comparison of a model with its twin, trained on such labels, and with a second network."""


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
    """The results of K images, D draws of random weights and S steps; a twin is one draw, and a step.

    steps: the names of the others, see SanityMaps. seeds: those of the draws, none for a twin. images: int64 (K,), positions in
    the set. explained: int64 (K,). correlations: float64 (K, D, S), see SanityMaps. beside: float64 (K, D, S), what chance
    gives: the Spearman correlation of the model's map with the other's map of the next image of the set, of the same class.
    kept: bool (K, D, S), whether the prediction is the model's own. flat: bool (K, D, S), whether the other's map is zero or
    constant; blank: bool (K,), whether the model's own is.
    """

    steps: tuple[str, ...]
    seeds: tuple[int, ...]
    images: NDArray[np.int64]
    explained: NDArray[np.int64]
    correlations: NDArray[np.float64]
    beside: NDArray[np.float64]
    kept: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    blank: NDArray[np.bool_]


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
    second: Model | None = None,
) -> SanityMaps:
    """The maps of a batch of pictures, of the model and of the model with ever more layers randomised, or of its twin.

    pixels: uint8 (K, H, W, C). layer: one layer's name. target: what is explained in every picture: a class, a Target, such as
    one of several labels, or a function of the output, as in grad_cam; None for the class that the model predicts. The others
    explain the same. mode: see randomised. twin: compared instead of
    randomised copies; a model with the same layers. second: likewise, after the twin: a network that was trained as the model
    was, from another seed. Raises the errors of grad_cam.
    """
    own = grad_cam(model, pixels, layer, target)
    explained = np.array([class_of(one) for one in own.targets], dtype=np.int64)
    maps, logits = [own[layer].map], [own.logits]
    trained = _trained(model, twin, second)
    for other in trained.values() or _copies(model, mode, seed):
        cams = grad_cam(other, pixels, layer, own.targets)
        maps.append(cams[layer].map)
        logits.append(cams.logits)
    correlations = np.stack([rank_correlations(maps[0], one) for one in maps[1:]], axis=1)
    names = tuple(trained) or _step_names(model)
    return SanityMaps(names, np.stack(maps, axis=1), explained, values_of(np.stack(logits, axis=1), model.task), correlations)


def _trained(model: Model, twin: Model | None, second: Model | None) -> dict[str, Model]:
    """The trained networks that a model is compared with in place of randomised copies, by the names of their steps.

    Raises InputError for one whose input has other axes: the same sheet may be cut into other slices.
    """
    trained = {name: check_model(one) for name, one in ((TWIN, twin), (SECOND, second)) if one is not None}
    for one in trained.values():
        if one.given_size != model.given_size:
            sizes = size_words(one.given_size), size_words(model.given_size)
            raise InputError(f"twin or second: its input is {sizes[0]}; that of the model, {sizes[1]}, would be right")
    return trained


def _step_names(model: Model) -> tuple[str, ...]:
    return tuple(step.name for step in randomisation_steps(model))


def _copies(model: Model, mode: Mode, seed: int) -> Iterator[Model]:
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
    at = len(randomisation_steps(model)) if depth is None else depth
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
    if not listed or not all(isinstance(seed, int | np.integer) and 0 <= seed <= MOST_SEED for seed in listed):
        raise InputError(f"seeds: {seeds!r}; a list of one or more whole numbers from 0 to {MOST_SEED:,} would be right")
    return np.array(listed, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SanityRequest(Request[SanityRows]):
    """The comparison of maps with those of randomised copies of the model, or of its twin, on K images of a set.

    seed: that of the first draw. draws: how many there are, from 1 to 100: their seeds are seed, seed + 1 and so on, so that a
    seed which was given out for a single draw is still the first one's, and seeds 0, 10, 20 have no draw in common. They have
    no meaning where the model is compared with a twin or a second network. The other fields, and the errors, are those of
    sanity_maps. Raises InputError for another number of draws, too.
    """

    layer: str
    target: OneTarget | None = None
    mode: Mode = "cascading"
    twin: Model | None = None
    seed: int = SEED
    draws: int = DRAWS
    second: Model | None = None

    takes_sheets: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layer)
        for other in _trained(self.model, self.twin, self.second).values():
            other.find_layers(self.layer)
        self._settle(target=marked_target(self.model, self.target))
        chosen_steps((), 0, self.mode)
        if isinstance(self.draws, bool) or not isinstance(self.draws, int) or not 1 <= self.draws <= MOST_DRAWS:
            raise InputError(f"draws: {self.draws!r}; a whole number from 1 to {MOST_DRAWS} would be right")
        _checked_seeds([self.seed, self.seed + self.draws - 1] if isinstance(self.seed, int) else [self.seed])

    @property
    def explained(self) -> OneTarget | None:
        return self.target

    @property
    def batch_size(self) -> int:
        return LARGE_BATCH if is_large(self.model) else BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        drawn = None if self._others else (self.seed, self.draws)
        return "sanity", self.layer, self.target, self.mode, *((name, one.digest) for name, one in self._others.items()), drawn

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each draw; none where the model is compared with trained networks."""
        return () if self._others else tuple(range(self.seed, self.seed + self.draws))

    @property
    def _others(self) -> dict[str, Model]:
        return _trained(self.model, self.twin, self.second)

    def compute(self) -> SanityRows:
        pictures, following = self.pixels[self.images], self.pixels[next_readable(self.pixels, self.images)]
        own = grad_cam(self.model, pictures, self.layer, self.target)
        maps = own[self.layer].map
        asked = _Asked(
            self.layer, np.concatenate([pictures, following]), own.targets, standard_ranks(maps),
            predicted_of(own.logits, self.model.task),
        )  # fmt: skip
        answers = [answer for copies in self._drawn() for answer in map(asked.of, copies)]
        correlations, beside, kept, flat = (self._by_draw(part) for part in zip(*answers, strict=True))
        explained = np.array([class_of(one) for one in own.targets], dtype=np.int64)
        blank = maps.min((1, 2)) == maps.max((1, 2))
        return SanityRows(
            tuple(self._others) or _step_names(self.model), self.seeds, self.images, explained,
            correlations, beside, kept, flat, blank,
        )  # fmt: skip

    def _drawn(self) -> Iterator[Iterable[Model]]:
        """The networks of each draw, one a step."""
        if self._others:
            yield self._others.values()
        for seed in self.seeds:
            yield _copies(self.model, self.mode, seed)

    def _by_draw(self, columns: tuple[NDArray[Kind], ...]) -> NDArray[Kind]:
        """Columns (K,), one a draw and step, as one array (K, D, S)."""
        return np.stack(columns, axis=1).reshape(len(self), max(1, len(self.seeds)), -1)


@dataclass(frozen=True)
class _Asked:
    """What each of the other networks is asked: K pictures and the ones beside them, about the same classes.

    both: uint8 (2 K, H, W, C), the pictures, then those beside them. ranks: float64 (K, cells), of the model's maps, see
    standard_ranks. predicted: int64 (K,), what the model says of the pictures.
    """

    layer: str
    both: NDArray[np.uint8]
    targets: tuple[AnyTarget, ...]
    ranks: NDArray[np.float64]
    predicted: NDArray[np.int64]

    def of(self, other: Model) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """The columns correlations, beside, kept and flat of SanityRows, (K,) each."""
        count = len(self.ranks)
        cams = grad_cam(other, self.both, self.layer, self.targets * 2)
        maps = cams[self.layer].map
        found = np.stack([self.ranks, self.ranks]) * standard_ranks(maps).reshape(2, count, -1)
        own, beside = found.sum(2)
        kept = predicted_of(cams.logits[:count], other.task) == self.predicted
        return own, beside, kept, maps[:count].min((1, 2)) == maps[:count].max((1, 2))
