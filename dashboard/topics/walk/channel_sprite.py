"""All channels of a layer in one picture, in rows, each a tile of the same size, on one range of colours."""

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from dashboard.figures.scale import Scale
from explain_lib.pictures.palettes import colour, colour_signed
from explain_lib.pictures.rendering import Picture, mosaic

COLUMNS = 16
SIDES = ((8, 132), (16, 104), (32, 84), (64, 72), (128, 56), (256, 40))
"""Up to so many channels a tile is about so many pixels wide."""
SMALLEST = 32


@dataclass(frozen=True)
class Tiles:
    """Pictures of channels in rows of COLUMNS: uint8 (rows * h, COLUMNS * w, 3).

    width, height: of a tile on the screen, in pixels. cells: (h, w) of a tile, fewer than the grid's where each is a mean of
    several.
    """

    sprite: Picture
    width: int
    height: int
    cells: tuple[int, int]


def side_for(channels: int) -> int:
    """About how wide a tile is on the screen, in pixels, if there are so many."""
    return next((side for most, side in SIDES if channels <= most), SMALLEST)


def channel_tiles(values: NDArray[np.float32], scale: Scale, side: int) -> Tiles:
    """Channels (C, h, w) on one scale, which begins at 0 or is symmetric, each tile about `side` pixels wide.

    A cell is a whole number of pixels; of a grid that has more cells than the tile has pixels, a tile's cells are means.
    """
    small = _reduced(values, side)
    _, height, width = small.shape
    flat = small.reshape(-1, width)
    coloured = colour_signed(flat, scale.high) if scale.low < 0 else colour(flat / (scale.high or 1.0))
    wide = width * max(1, round(side / width))
    return Tiles(mosaic(coloured.reshape(*small.shape, 3), COLUMNS), wide, wide * height // width, (height, width))


def _reduced(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    _, height, width = values.shape
    times = ceil(width / side)
    if times == 1:
        return values
    size = (ceil(width / times), max(1, ceil(height / times)))
    return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in values])
