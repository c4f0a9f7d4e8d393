"""A region that somebody has painted on a picture, beside the map: how much of the map lies in it, and how far both overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.compare.comparison import brightest_pixels
from explain_lib.trust.cover import SIDE, Cells

DECIMALS = 6
"""Of the share inside: sums of float32 numbers know no more, and a region that holds all of the map has exactly 1."""


@dataclass(frozen=True)
class RegionOverlap:
    """A region beside a map.

    inside: the share of the map's sum that lies in the region. area: the region's share of the picture, which is what a map
    that is the same everywhere would have inside. iou: intersection over union of the region and the brightest 20 % of the
    map's pixels. All in [0, 1].
    """

    inside: float
    area: float
    iou: float


@dataclass(frozen=True)
class MapByCell(Frozen):
    """A map added up over the 16 x 16 cells that a region is made of.

    share: float32 (16, 16), the share of the map's sum in each cell. brightest, pixels: int32 (16, 16), how many of the
    brightest 20 % of the map's pixels, and how many pixels, each cell has.
    """

    share: NDArray[np.float32]
    brightest: NDArray[np.int32]
    pixels: NDArray[np.int32]

    def beside(self, region: Cells) -> RegionOverlap:
        """The map beside a region, bool (16, 16). Raises InputError for a region without a pixel."""
        painted, all_of_it = int(self.pixels[region].sum()), int(self.pixels.sum())
        if painted == 0:
            raise InputError("region: no cell of it is painted; one cell or more would be right")
        both, top = int(self.brightest[region].sum()), int(self.brightest.sum())
        inside = float(self.share[region].sum(dtype=np.float64) / self.share.sum(dtype=np.float64))
        return RegionOverlap(round(inside, DECIMALS), painted / all_of_it, both / (painted + top - both))


def map_by_cell(values: Map) -> MapByCell:
    """A map (H, W) as large as its picture, nowhere below zero, added up over the cells of a region.

    Raises InputError for a map that is the same everywhere, has negative values, NaN or infinity: it has no brightest pixels.
    """
    state = map_state(values)
    if state is not MapState.VARIED or values.min() < 0:
        what = state.value if state is not MapState.VARIED else "negative in places"
        raise InputError(f"values: the map is {what}; one that varies and is nowhere below zero would be right")
    return MapByCell(
        (_by_cell(values.astype(np.float64)) / values.sum(dtype=np.float64)).astype(np.float32),
        _by_cell(brightest_pixels(values)).astype(np.int32),
        _by_cell(np.ones(values.shape)).astype(np.int32),
    )


def _by_cell(values: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
    """The sum over the pixels of each cell, (16, 16); pixel y is of row floor(16 y / H)."""
    down, across = (np.arange(SIDE)[:, None] == np.arange(size) * SIDE // size for size in values.shape)
    return np.asarray(down.astype(np.float64) @ values @ across.T)
