"""The mean of the maps of many images at one layer."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.networks.explainable import explainable_places, nothing_to_explain
from explain_lib.networks.model import Model, of_pictures
from explain_lib.passes.targets import Targets
from explain_lib.pictures.sets import Pixels

BATCH = 256


@dataclass(frozen=True)
class AverageMap(Frozen):
    """The mean of the maps of several images.

    map: float32 (h, w) in [0, 1], the mean of the maps, each divided by its own maximum, so that all images have the same
    weight. picture: uint8 (H, W, C), the mean of the pictures, rounded. images: how many. zero: how many of their maps are
    zero everywhere; they count as zero. not_finite: how many contain NaN or infinity; they are left out.
    """

    map: Map
    picture: NDArray[np.uint8]
    images: int
    zero: int
    not_finite: int


@dataclass(frozen=True)
class PartialSum(Frozen):
    """The part of one batch in an average: total float64 (h, w), the sum of its scaled maps, and the counts of AverageMap."""

    total: NDArray[np.float64]
    images: int
    zero: int
    not_finite: int


@remembered()
def partial_sum(model: Model, pixels: NDArray[np.uint8], layer: str, targets: Targets = None) -> PartialSum:
    """The sum of one batch's maps, each divided by its own maximum. Arguments and errors are those of average_map."""
    maps = grad_cam(model, pixels, layer, targets)[layer].map
    finite = maps[np.isfinite(maps).all((1, 2))]
    peaks = finite.max((1, 2), keepdims=True, initial=0)
    scaled = np.divide(finite, peaks, out=np.zeros_like(finite), where=peaks > 0)
    return PartialSum(scaled.sum(0, dtype=np.float64), len(maps), int((peaks == 0).sum()), len(maps) - len(finite))


@recorded
@remembered(parts=True)
def average_map(
    model: Model, pixels: Pixels, layer: str, targets: Targets = None, *, progress: Callable[[int], None] | None = None
) -> AverageMap:
    """The mean map of pictures uint8 (N, H, W, C), N at least 1, at one layer, in batches of 256.

    Pictures that cannot be read are left out, and of a network that segments those in which a given class is predicted nowhere.

    progress: called after each batch with the number of images done. Arguments and errors are those of grad_cam; targets:
    None, or one for all.
    """
    of_pictures(model, "an average map is").check_set(pixels)
    one = (model.expand_targets(targets, 1) or (None,))[0]
    parts: list[PartialSum] = []
    brightness = np.zeros((*model.input_size, model.channels), np.int64)
    for start in range(0, len(pixels), BATCH):
        chosen = np.arange(start, min(start + BATCH, len(pixels)))
        batch = pixels[chosen[explainable_places(model, pixels, chosen, [one] * len(chosen))]]
        if len(batch):
            brightness += batch.sum(0, dtype=np.int64)
            parts.append(partial_sum(model, batch, layer, targets))
        if progress is not None:
            progress(min(start + BATCH, len(pixels)))
    images, not_finite = (sum(getattr(part, name) for part in parts) for name in ("images", "not_finite"))
    if not images:
        raise nothing_to_explain(model, one)
    mean = np.sum([part.total for part in parts], axis=0) / max(1, images - not_finite)
    picture = np.rint(brightness / images).astype(np.uint8)
    return AverageMap(mean.astype(np.float32), picture, images, sum(part.zero for part in parts), not_finite)
