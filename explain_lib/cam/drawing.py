"""The drawing of maps: over a picture or alone, pixel by pixel as the dashboard's canvas draws them.

All of it is computed in float64, in the order that is written here, so that a browser's numbers come out the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.maps import Map, check_floats, check_map
from explain_lib.pictures.channels import shown
from explain_lib.pictures.geometry import Box
from explain_lib.pictures.palettes import PALETTES, Palette, colour, colour_signed
from explain_lib.pictures.rendering import Picture, enlarge, nearest_cells
from explain_lib.receptive_fields.centres import CellCentres, nearest_looking

CONTOUR = 0.5
"""The contour is drawn at this share of the map's own maximum."""
INSIDE, OUTSIDE = 2, 1
"""The widths of the contour's white line, within what is above, and of the black one around it, in pixels."""
DASH = 4
"""The length of the black and white dashes around the cells, in pixels."""
UNSEEN = 0.4
"""What the network does not see of a whole picture is as bright as this share of it."""
LEAST_BORDER = 0.5
"""A border that no cell is centred on is marked from this width on, in cells."""


@dataclass(frozen=True)
class Drawing:
    """The options of an overlay.

    palette: for maps from 0 up; signed maps are always drawn from blue over white to red. strength: the share of the map in
    the mixture, in [0, 1]; where `follows`, that at the last colour. smooth: whether the map is enlarged bilinearly or cell
    by cell; the picture is always enlarged pixel by pixel. signed: whether the map has values below zero to show. follows:
    whether the share of the map goes with its magnitude, so that the picture stays where the map is 0. contour: whether a
    line is drawn at half the map's maximum. border: whether a dashed line parts the cells from a border that none of them is
    centred on. Raises InputError for another palette or strength.
    """

    palette: Palette = "magma"
    strength: float = 0.5
    smooth: bool = False
    signed: bool = False
    follows: bool = False
    contour: bool = False
    border: bool = True

    def __post_init__(self) -> None:
        if self.palette not in PALETTES:
            raise InputError(f"palette: {self.palette!r}; one of {', '.join(PALETTES)} would be right")
        if not 0 <= self.strength <= 1:
            raise InputError(f"strength: {self.strength!r}; a number from 0 to 1 would be right")


def draw_overlay(
    picture: NDArray[np.uint8],
    values: Map,
    drawing: Drawing | None = None,
    side: int = 352,
    reach: float | None = None,
    centres: NDArray[np.float32] | None = None,
) -> Picture:
    """The map (h, w) over its picture uint8 (H, W, C), RGB or as `shown` shows it, `side` pixels wide, in its proportions.

    reach: the value of the last colour, None for the largest magnitude of the map; a common reach makes several overlays
    comparable. centres: float32 (h, w, 2), where each cell looks, as from cell_centres: it is drawn there, and beyond the
    outermost the nearest holds; None to stretch the map over the picture. A map of zeros gets the first colour throughout, or
    the middle one if signed. Raises InputError for anything but a finite map, for a reach that is negative or not finite, and
    for centres of another grid, or that are not in rows and columns.
    """
    chosen, picture = drawing or Drawing(), shown(picture)
    top = _checked_reach(values, reach)
    height = max(1, round(side * picture.shape[0] / picture.shape[1]))
    if centres is None:
        shares, places = enlarge_shares(_shares(values, top), height, side, smooth=chosen.smooth), None
    else:
        places = _lines(centres, values, picture, height, side)
        shares = _placed(_shares(values, top), places, smooth=chosen.smooth)
    share_of_map = np.abs(np.clip(shares, -1, 1)) * chosen.strength if chosen.follows else np.full_like(shares, chosen.strength)
    mixed = _mixed(enlarge(picture, height, side), _coloured(shares, chosen), share_of_map)
    drawn = _with_contour(mixed, shares, _half(values, top)) if chosen.contour else mixed
    return _with_border(drawn, places) if chosen.border and places is not None else drawn


def draw_on_whole(
    picture: NDArray[np.uint8],
    box: Box,
    values: Map,
    drawing: Drawing | None = None,
    reach: float | None = None,
    centres: CellCentres | None = None,
) -> Picture:
    """A map (h, w) of a network's input over the whole picture uint8 (height, width, C), in the pixels of that.

    box: where the input lies in the picture, to the nearest pixel; what lies outside of it is dark. centres: where the cells
    look, in pixels of the input; None to stretch the map over the box. Reach and errors as draw_overlay.
    """
    whole = shown(picture)
    (top, left), (height, width) = (round(box.top), round(box.left)), (round(box.bottom - box.top), round(box.right - box.left))
    part = np.zeros((max(1, height), max(1, width), 3), np.uint8)
    rows = slice(max(0, top), max(0, min(top + part.shape[0], whole.shape[0])))
    columns = slice(max(0, left), max(0, min(left + part.shape[1], whole.shape[1])))
    inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    part[inside] = whole[rows, columns]
    points = None if centres is None else centres.scaled((part.shape[0], part.shape[1])).points
    drawn: Picture = np.rint(UNSEEN * whole).astype(np.uint8)
    drawn[rows, columns] = draw_overlay(part, values, drawing, part.shape[1], reach, points)[inside]
    return drawn


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


# Section: cells where they look


@dataclass(frozen=True)
class _Axis:
    """The positions of the cells along an axis, and those of the pixels of the drawing, both in pixels of the picture."""

    line: NDArray[np.float64]
    pixels: NDArray[np.float64]

    @property
    def nearest(self) -> NDArray[np.int64]:
        """The nearest cell of each pixel; halfway, the one after."""
        return nearest_looking(self.line, self.pixels)

    def between(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """For each pixel: the cell before, the one after, and how far it lies from the one towards the other."""
        last = len(self.line) - 1
        before = np.clip(np.searchsorted(self.line, self.pixels, side="right") - 1, 0, max(0, last - 1))
        after = np.minimum(before + 1, last)
        gap = np.where(after > before, self.line[after] - self.line[before], 1)
        return before, after, np.clip((self.pixels - self.line[before]) / gap, 0, 1)

    def ends(self) -> tuple[int | None, int | None]:
        """The first and the last pixel within the cells, each None where the border beyond is too narrow to be marked."""
        if len(self.line) < 2:
            return None, None
        before, after = (self.line[1] - self.line[0]) / 2, (self.line[-1] - self.line[-2]) / 2
        low, high, edge = self.line[0] - before, self.line[-1] + after, self.pixels[0] + self.pixels[-1]
        first = int(np.searchsorted(self.pixels, low, side="left")) if low + 0.5 >= 2 * LEAST_BORDER * before else None
        last = int(np.searchsorted(self.pixels, high, side="right")) - 1
        return first, last if edge - high + 0.5 >= 2 * LEAST_BORDER * after else None


def has_border(centres: CellCentres) -> bool:
    """Whether a border that no cell is centred on is wide enough to be marked."""
    pairs = zip((centres.rows, centres.columns), centres.size, strict=True)
    axes = (_Axis(line.astype(np.float64), np.arange(size, dtype=np.float64)) for line, size in pairs)
    return any(end is not None for axis in axes for end in axis.ends())


def _lines(centres: NDArray[np.float32], values: Map, picture: Picture, height: int, width: int) -> tuple[_Axis, _Axis]:
    right = f"floating-point centres {(*values.shape, 2)} in rows and columns, as from cell_centres,"
    check_floats("centres", centres, 3, right)
    if centres.shape != (*values.shape, 2) or (centres[:, :1, 0] != centres[..., 0]).any():
        raise InputError(f"centres: {kind_of(centres)}; {right} would be right")
    rows, columns = centres[:, 0, 0].astype(np.float64), centres[0, :, 1].astype(np.float64)
    if (centres[..., 1] != centres[:1, :, 1]).any() or (np.diff(rows) <= 0).any() or (np.diff(columns) <= 0).any():
        raise InputError(f"centres: they do not rise from cell to cell; {right} would be right")
    pixels = [(np.arange(size) + 0.5) * own / size - 0.5 for size, own in zip((height, width), picture.shape[:2], strict=True)]
    return _Axis(rows, pixels[0]), _Axis(columns, pixels[1])


def _placed(shares: NDArray[np.float64], places: tuple[_Axis, _Axis], *, smooth: bool) -> NDArray[np.float64]:
    """A map float64 (h, w) at every pixel: that of the nearest cell, or bilinearly between centres."""
    down, across = places
    if not smooth:
        return np.asarray(shares[down.nearest[:, None], across.nearest])
    rows, below, way_down = down.between()
    columns, right, along = across.between()
    by_column = shares[:, columns] * (1 - along) + shares[:, right] * along
    return np.asarray(by_column[rows] * (1 - way_down[:, None]) + by_column[below] * way_down[:, None])


def _with_border(drawn: Picture, places: tuple[_Axis, _Axis]) -> Picture:
    """The picture with a dashed line along each end of the cells beyond which the border is wide enough."""
    (top, bottom), (left, right) = (axis.ends() for axis in places)
    height, width = drawn.shape[:2]
    inside = np.zeros((height, width), np.bool_)
    rows = slice(top or 0, height if bottom is None else bottom + 1)
    columns = slice(left or 0, width if right is None else right + 1)
    for row in (top, bottom):
        if row is not None:
            inside[row, columns] = True
    for column in (left, right):
        if column is not None:
            inside[rows, column] = True
    dashes = (np.add.outer(np.arange(height), np.arange(width)) // DASH % 2 * 255).astype(np.uint8)
    return np.where(inside[:, :, None], dashes[:, :, None], drawn).astype(np.uint8)


# Section: colours


def _checked_reach(values: Map, reach: float | None) -> float:
    check_map("values", values)
    if not np.isfinite(values).all():
        raise InputError("values: the map contains NaN or infinity; a map of finite numbers would be right")
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
