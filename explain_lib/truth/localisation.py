"""How well a map finds a place that is known, and how few pixels it needs: one number a map.

The energy inside is the relevance mass accuracy of Arras et al. 2022, "CLEVR-XAI" (Information Fusion 81, page 14, equation 6),
the rank accuracy is equation 7 there. The pointing game: Zhang et al. 2018, "Top-Down Neural Attention by Excitation Backprop"
(IJCV 126, page 1084, section 4.2), without its margin of 15 pixels. Sparseness is the Gini index of Chalasani et al. 2018
(arXiv 1810.06583, section 5), complexity the entropy of Bhatt et al. 2020 (arXiv 2005.00631, section 3.3).
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.maps import Map, check_floats
from explain_lib.compare.comparison import TOP_SHARE

Mask = NDArray[np.bool_]
"""The pixels of a place that is known."""
TruthMeasure = Literal["energy", "pointing", "rank", "overlap", "sparseness", "complexity"]

_RIGHT = "floating-point maps (N, H, W)"


def energy_inside(maps: Map, masks: Mask) -> NDArray[np.float64]:
    """The share of each map's sum that lies in its mask: maps (N, H, W) and masks bool (N, H, W) to float64 (N,), in [0, 1].

    Nothing of a map without a positive value lies there: 0. What is below zero does not count. NaN for a map that is not
    finite, and for an empty mask. Raises InputError for other arrays.
    """
    values, inside = _flat(maps, masks)
    positive = np.maximum(values, 0)
    total = positive.sum(1)
    share = np.divide((positive * inside).sum(1), total, out=np.zeros(len(total)), where=total > 0)
    return _known(share, values, inside)


def pointing_hits(maps: Map, masks: Mask) -> NDArray[np.float64]:
    """1 where the highest pixel of a map lies in its mask, else 0: float64 (N,). Of equal pixels the first of all counts.

    A map that is the same everywhere points nowhere: 0. Arguments, NaN and errors as in energy_inside.
    """
    values, inside = _flat(maps, masks)
    hits = inside[np.arange(len(values)), values.argmax(1)] & (values.min(1) != values.max(1))
    return _known(hits.astype(np.float64), values, inside)


def rank_accuracy(maps: Map, masks: Mask) -> NDArray[np.float64]:
    """The share of a mask of k pixels that the k highest pixels of its map cover: float64 (N,), in [0, 1].

    Equal pixels count in their order, row by row. Arguments, NaN and errors as in energy_inside.
    """
    values, inside = _flat(maps, masks)
    highest = np.take_along_axis(inside, _order(values), 1)
    sizes = inside.sum(1)
    among = np.arange(values.shape[1]) < sizes[:, None]
    return _known((highest & among).sum(1) / np.maximum(sizes, 1), values, inside)


def top_overlap(maps: Map, masks: Mask) -> NDArray[np.float64]:
    """Intersection over union of a mask and exactly the highest 20 % of the pixels of its map: float64 (N,), in [0, 1].

    Equal pixels count in their order, row by row, as in explain_lib.compare. Arguments, NaN and errors as in energy_inside.
    """
    values, inside = _flat(maps, masks)
    count = round(TOP_SHARE * values.shape[1])
    both = np.take_along_axis(inside, _order(values), 1)[:, :count].sum(1)
    return _known(both / np.maximum(count + inside.sum(1) - both, 1), values, inside)


def sparseness(maps: Map) -> NDArray[np.float64]:
    """The Gini index of the magnitudes of each map (N, H, W): float64 (N,), 0 for equal pixels, near 1 for a single one.

    NaN for a map that is zero everywhere, or not finite. Raises InputError for other arrays.
    """
    values = np.sort(np.abs(_values(maps)), axis=1)
    count = values.shape[1]
    weights = 2 * np.arange(1, count + 1) - count - 1
    return _of_sum((values * weights).sum(1) / count, values)


def complexity(maps: Map) -> NDArray[np.float64]:
    """The entropy of the magnitudes of each map (N, H, W), in nats: float64 (N,), 0 for a single pixel, log(H W) for
    equal ones.

    NaN and errors as in sparseness.
    """
    values = np.abs(_values(maps))
    total = values.sum(1, keepdims=True)
    shares = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    logarithms = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.where(total[:, 0] > 0, -(shares * logarithms).sum(1), np.nan)


MEASURES: Final[Mapping[TruthMeasure, Callable[[Map, Mask], NDArray[np.float64]]]] = {
    "energy": energy_inside,
    "pointing": pointing_hits,
    "rank": rank_accuracy,
    "overlap": top_overlap,
    "sparseness": lambda maps, _: sparseness(maps),
    "complexity": lambda maps, _: complexity(maps),
}
"""All measures by name. The first four find a place, higher is better; the last two do not know it."""


def _values(maps: Map) -> NDArray[np.float64]:
    """The pixels of each map, float64 (N, H * W)."""
    check_floats("maps", maps, 3, _RIGHT)
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    return np.where(np.isfinite(flat).all(1, keepdims=True), flat, np.nan)


def _flat(maps: Map, masks: Mask) -> tuple[NDArray[np.float64], Mask]:
    values = _values(maps)
    if not isinstance(masks, np.ndarray) or masks.dtype != np.bool_ or masks.shape != maps.shape:
        raise InputError(f"masks: {kind_of(masks)}; a boolean array of shape {maps.shape}, that of the maps, would be right")
    return values, masks.reshape(len(masks), -1)


def _order(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The places of the pixels of each map, the highest first, equal ones in their order."""
    return np.argsort(-values, axis=1, kind="stable")


def _known(found: NDArray[np.float64], values: NDArray[np.float64], inside: Mask) -> NDArray[np.float64]:
    return np.where(np.isnan(values).any(1) | ~inside.any(1), np.nan, found)


def _of_sum(found: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    total = values.sum(1)
    shares: NDArray[np.float64] = np.divide(found, total, out=np.full(len(total), np.nan), where=total > 0)
    return shares
