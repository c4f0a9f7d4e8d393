"""Whether maps depend on what a network has learnt: compared with those of networks that have forgotten, or learnt nonsense.

Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292): model parameter randomisation (section 3) and data
randomisation (section 4). The measure is the Spearman correlation of ReLU maps on the layer's own grid.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.statistics import rank_correlations
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.predictions import softmax
from explain_lib.networks.randomisation import SEED, Mode, randomisation_steps, randomised
from explain_lib.networks.targets import expand_targets
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels, check_set, next_readable, readable_places

BATCH = 64
TWIN = "labels in random order"
"""The name of the only step when a model is compared with its twin that learnt such labels."""

_ARRAYS = ("images", "explained", "correlations", "kept", "flat", "blank", "unrelated")


@dataclass(frozen=True)
class SanityMaps(Frozen):
    """The maps of K images at one layer, of the model itself and of S others: the model with layers randomised, or a twin.

    steps: the names of the others. maps: float32 (K, 1 + S, h, w), ReLU maps, not scaled, the model's own first. explained:
    int64 (K,), the class that all of them are asked about. probabilities: float32 (K, 1 + S, classes). correlations: float64
    (K, S), Spearman of each map with the model's own, NaN where either is the same everywhere or not finite.
    """

    steps: tuple[str, ...]
    maps: Map
    explained: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    correlations: NDArray[np.float64]


@dataclass(frozen=True)
class SanityRows(Frozen):
    """What K images say of S steps.

    images: int64 (K,), positions in the set. explained: int64 (K,). correlations: float64 (K, S), see SanityMaps. kept: bool
    (K, S), whether the prediction is the model's own. flat: bool (K, S), whether the step's map is zero or constant; blank:
    bool (K,), whether the model's own is. unrelated: float64 (K,), the Spearman correlation of the model's map with its map
    of the next image of the set: what maps have in common that have nothing to do with each other.
    """

    steps: tuple[str, ...]
    images: NDArray[np.int64]
    explained: NDArray[np.int64]
    correlations: NDArray[np.float64]
    kept: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    unrelated: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.images)


def sanity_maps(
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    target: int | None = None,
    mode: Mode = "cascading",
    twin: Model | None = None,
    *,
    seed: int = SEED,
    between: Callable[[], None] | None = None,
) -> SanityMaps:
    """The maps of a batch of pictures, of the model and of the model with ever more layers randomised, or of its twin.

    pixels: uint8 (K, H, W, 3). layer: one layer's name. target: the class that is explained in every picture, None for the
    one that the model predicts; the others are asked about the same class. mode: see randomised. twin: compared instead of
    randomised copies; a model with the same layers. between: see grad_cam. Raises the errors of grad_cam.
    """
    own = grad_cam(check_model(model), pixels, layer, target, between=between)
    explained = np.array([one.index for one in own.targets], dtype=np.int64)
    maps, logits = [own[layer].map], [own.logits]
    for other in _others(model, mode, twin, seed):
        cams = grad_cam(other, pixels, layer, explained.tolist(), between=between)
        maps.append(cams[layer].map)
        logits.append(cams.logits)
    correlations = np.stack([rank_correlations(maps[0], one) for one in maps[1:]], axis=1)
    names = (TWIN,) if twin is not None else tuple(step.name for step in randomisation_steps(model))
    return SanityMaps(names, np.stack(maps, axis=1), explained, softmax(np.stack(logits, axis=1)), correlations)


def _others(model: Model, mode: Mode, twin: Model | None, seed: int) -> Iterator[Model]:
    if twin is not None:
        yield check_model(twin)
        return
    for depth in range(1, len(randomisation_steps(model)) + 1):
        yield randomised(model, depth, mode, seed=seed)


def sanity_batch(
    model: Model,
    pixels: Pixels,
    images: NDArray[np.int64],
    layer: str,
    target: int | None = None,
    mode: Mode = "cascading",
    twin: Model | None = None,
    *,
    seed: int = SEED,
    between: Callable[[], None] | None = None,
) -> SanityRows:
    """The rows of some images of a set, at positions int64 (K,): a pure function over a batch; see sanity_rows."""
    found = sanity_maps(model, pixels[images], layer, target, mode, twin, seed=seed, between=between)
    following = grad_cam(model, pixels[next_readable(pixels, images)], layer, target, between=between)
    predicted = found.probabilities.argmax(2)
    flat = found.maps.min((2, 3)) == found.maps.max((2, 3))
    return SanityRows(
        found.steps,
        images,
        found.explained,
        found.correlations,
        predicted[:, 1:] == predicted[:, :1],
        flat[:, 1:],
        flat[:, 0],
        rank_correlations(found.maps[:, 0], following[layer].map),
    )


def sanity_rows(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    layer: str,
    target: int | None = None,
    mode: Mode = "cascading",
    twin: Model | None = None,
    *,
    seed: int = SEED,
    between: Callable[[], None] | None = None,
    batch_rows: Callable[..., SanityRows] = sanity_batch,
) -> Iterator[SanityRows]:
    """Compare the model's maps with those of its randomised copies, or of its twin, on images of a set, a batch at a time.

    pixels: uint8 (N, H, W, 3), the whole set. images: positions in it, of which those that cannot be read have no
    row. The other arguments are those of sanity_maps.
    batch_rows: sanity_batch, or a cached one. Raises InputError for other pixels and positions, and the errors of grad_cam.
    """
    check_set(pixels, check_model(model).input_size)
    chosen = check_positions(images, len(pixels))
    model.find_layers(layer)
    expand_targets(target, 1, model.classes)
    for start in range(0, len(chosen), BATCH):
        part = chosen[readable_places(pixels, chosen[start : start + BATCH]) + start]
        if len(part):
            yield batch_rows(model, pixels, part, layer, target, mode, twin, seed=seed, between=between)


def join_sanity_rows(parts: Sequence[SanityRows]) -> SanityRows:
    """The rows of several parts, in their order. Raises InputError for parts with unlike steps, and for none."""
    if len({part.steps for part in parts}) != 1:
        raise InputError("parts: rows of the same steps, at least one part of them, would be right")
    return SanityRows(parts[0].steps, **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _ARRAYS})
