"""The drawing of maps: over a picture or alone, pixel by pixel as the dashboard's canvas draws them.

All of it is computed in float64, in the order that is written here, so that a browser's numbers come out the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map, check_map
from explain_lib.pictures.palettes import PALETTES, Palette, colour, colour_signed
from explain_lib.pictures.rendering import Picture, enlarge, nearest_cells

CONTOUR = 0.5
"""The contour is drawn at this share of the map's own maximum."""
INSIDE, OUTSIDE = 2, 1
"""The widths of the contour's white line, within what is above, and of the black one around it, in pixels."""


@dataclass(frozen=True)
class Drawing:
    """The options of an overlay.

    palette: for maps from 0 up; signed maps are always drawn from blue over white to red. strength: the share of the map in
    the mixture, in [0, 1]; where `follows`, that at the last colour. smooth: whether the map is enlarged bilinearly or cell
    by cell; the picture is always enlarged pixel by pixel. signed: whether the map has values below zero to show. follows:
    whether the share of the map goes with its magnitude, so that the picture stays where the map is 0. contour: whether a
    line is drawn at half the map's maximum. Raises InputError for another palette or strength.
    """

    palette: Palette = "magma"
    strength: float = 0.5
    smooth: bool = False
    signed: bool = False
    follows: bool = False
    contour: bool = False

    def __post_init__(self) -> None:
        if self.palette not in PALETTES:
            raise InputError(f"palette: {self.palette!r}; one of {', '.join(PALETTES)} would be right")
        if not 0 <= self.strength <= 1:
            raise InputError(f"strength: {self.strength!r}; a number from 0 to 1 would be right")


def draw_overlay(
    picture: NDArray[np.uint8], values: Map, drawing: Drawing | None = None, side: int = 352, reach: float | None = None
) -> Picture:
    """The map (h, w) over its picture uint8 (H, W, 3): RGB, `side` pixels wide, as high as the picture's proportions make it.

    reach: the value of the last colour, None for the largest magnitude of the map; a common reach makes several overlays
    comparable. A map of zeros gets the first colour throughout, or the middle one if signed. Raises InputError for anything
    but a finite map, and for a reach that is negative or not finite.
    """
    chosen = drawing or Drawing()
    top = _checked_reach(values, reach)
    height = max(1, round(side * picture.shape[0] / picture.shape[1]))
    shares = enlarge_shares(_shares(values, top), height, side, smooth=chosen.smooth)
    share_of_map = np.abs(np.clip(shares, -1, 1)) * chosen.strength if chosen.follows else np.full_like(shares, chosen.strength)
    mixed = _mixed(enlarge(picture, height, side), _coloured(shares, chosen), share_of_map)
    return _with_contour(mixed, shares, _half(values, top)) if chosen.contour else mixed


def draw_map(values: Map, drawing: Drawing, side: int, reach: float | None = None) -> Picture:
    """The map (h, w) by itself in its own cells, without contour: RGB, `side` pixels wide. Reach and errors as draw_overlay."""
    shares = _shares(values, _checked_reach(values, reach))
    height = max(1, round(side * values.shape[0] / values.shape[1]))
    return _coloured(enlarge_shares(shares, height, side, smooth=False), drawing)


def enlarge_shares(shares: NDArray[np.float64], height: int, width: int, *, smooth: bool) -> NDArray[np.float64]:
    """A map float64 (h, w) enlarged to (height, width), by repeating cells or bilinearly between their centres."""
    if not smooth:
        return np.asarray(shares[nearest_cells(shares.shape[0], height)[:, None], nearest_cells(shares.shape[1], width)])
    rows, below, down = _between(shares.shape[0], height)
    columns, right, along = _between(shares.shape[1], width)
    across = shares[:, columns] * (1 - along) + shares[:, right] * along
    return np.asarray(across[rows] * (1 - down[:, None]) + across[below] * down[:, None])


def _between(cells: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """For each of `size` pixels: the cell before, the one after, and how far it lies from the one towards the other."""
    places = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    before = np.floor(places).astype(np.int64)
    return before, np.minimum(before + 1, cells - 1), places - before


def _checked_reach(values: Map, reach: float | None) -> float:
    check_map("values", values)
    if not np.isfinite(values).all():
        raise InputError("values: the map holds NaN or infinity; a map of finite numbers would be right")
    top = float(np.abs(values).max()) if reach is None else reach
    if not 0 <= top < np.inf:
        raise InputError(f"reach: {reach!r}; a finite number from 0 up would be right")
    return top


def _shares(values: Map, top: float) -> NDArray[np.float64]:
    """The map as shares of the reach, float64."""
    return values.astype(np.float64) / top if top > 0 else np.zeros(values.shape)


def _half(values: Map, top: float) -> float:
    """The share at which the contour runs; infinite for a map that is nowhere above zero."""
    highest = float(values.max())
    return highest / top * CONTOUR if top > 0 and highest > 0 else np.inf


def _coloured(shares: NDArray[np.float64], drawing: Drawing) -> Picture:
    return colour_signed(shares, 1.0) if drawing.signed else colour(shares, drawing.palette)


def _mixed(picture: Picture, coloured: Picture, share: NDArray[np.float64]) -> Picture:
    """(1 - share) * picture + share * coloured, rounded."""
    one = share[:, :, None]
    return np.rint((1 - one) * picture + one * coloured).astype(np.uint8)


def _with_contour(drawn: Picture, shares: NDArray[np.float64], half: float) -> Picture:
    """The picture with a white line along the inner edge of what is at or above `half`, and a black one outside it."""
    above = shares >= half
    inner, outer = above & _near(~above, INSIDE), ~above & _near(above, OUTSIDE)
    return np.where(inner[:, :, None], np.uint8(255), np.where(outer[:, :, None], np.uint8(0), drawn)).astype(np.uint8)


def _near(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The pixels within `reach` of the mask, straight up, down, left or right."""
    found = np.zeros_like(mask)
    for step in range(1, reach + 1):
        found[step:] |= mask[:-step]
        found[:-step] |= mask[step:]
        found[:, step:] |= mask[:, :-step]
        found[:, :-step] |= mask[:, step:]
    return found
