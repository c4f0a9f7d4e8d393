"""The overlay of a map on its picture, and its options."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map, check_map
from explain_lib.cam.postprocess import resize_maps
from explain_lib.pictures.palettes import PALETTES, Palette, colour, colour_signed
from explain_lib.pictures.rendering import Picture, enlarge, overlay


@dataclass(frozen=True)
class Drawing:
    """The options of an overlay.

    palette: for maps from 0 up; signed maps are always drawn from blue over white to red. strength: the share of the map in
    the mixture, in [0, 1]. smooth: whether the map is enlarged bilinearly or cell by cell; the picture is always enlarged
    pixel by pixel. signed: whether the map has values below zero to show. Raises InputError for another palette or strength.
    """

    palette: Palette = "magma"
    strength: float = 0.5
    smooth: bool = False
    signed: bool = False

    def __post_init__(self) -> None:
        if self.palette not in PALETTES:
            raise InputError(f"palette: {self.palette!r}; one of {', '.join(PALETTES)} would be right")
        if not 0 <= self.strength <= 1:
            raise InputError(f"strength: {self.strength!r}; a number from 0 to 1 would be right")


def draw_overlay(
    picture: NDArray[np.uint8], values: Map, drawing: Drawing | None = None, side: int = 352, reach: float | None = None
) -> Picture:
    """The map (h, w) over its picture uint8 (H, W, 3): uint8 (side, side, 3) RGB.

    reach: the value of the last colour, None for the largest magnitude of the map; a common reach makes several overlays
    comparable. A map of zeros gets the first colour throughout, or the middle one if signed. Raises InputError for anything
    but a finite map, and for a reach that is negative or not finite.
    """
    chosen = drawing or Drawing()
    check_map("values", values)
    if not np.isfinite(values).all():
        raise InputError("values: the map holds NaN or infinity; a map of finite numbers would be right")
    top = float(np.abs(values).max()) if reach is None else reach
    if not 0 <= top < np.inf:
        raise InputError(f"reach: {reach!r}; a finite number from 0 up would be right")
    shares = values / np.float32(top) if top > 0 else np.zeros_like(values)
    large = resize_maps(shares[None], (side, side), "torch-bilinear" if chosen.smooth else "nearest")[0]
    coloured = colour_signed(large, 1.0) if chosen.signed else colour(large, chosen.palette)
    return overlay(enlarge(picture, side, side), coloured, chosen.strength)
