"""Palettes: the colours of maps, from low to high, and of signed maps, blue to red."""

from functools import lru_cache
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import read_only

Colours = NDArray[np.uint8]
Palette = Literal["magma", "inferno", "viridis", "cividis", "jet"]
PALETTES: tuple[Palette, ...] = get_args(Palette)

DIVERGING = ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b")
"""Blue for below zero, white for zero, red for above, at equal steps: ColorBrewer's RdBu, reversed."""


@lru_cache(maxsize=1)
def diverging_table() -> Colours:
    """The diverging palette's 255 colours, uint8 (255, 3) RGB, zero in the middle."""
    stops = np.array([[int(code[k : k + 2], 16) for k in (1, 3, 5)] for code in DIVERGING], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, 255)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return read_only(np.rint(np.stack(channels, axis=1)).astype(np.uint8))


def colour_signed(values: NDArray[np.floating], reach: float) -> Colours:
    """A map (h, w) in blue, white and red, from -reach to reach; numbers outside take the end colours."""
    shares = values / reach if reach > 0 else np.zeros_like(values)
    steps = np.clip(np.rint(shares * 127) + 127, 0, 254).astype(np.uint8)
    return np.asarray(diverging_table()[steps], dtype=np.uint8)


@lru_cache(maxsize=len(PALETTES))
def palette_table(palette: Palette) -> Colours:
    """The palette's 256 colours, uint8 (256, 3) RGB, from low to high. Raises InputError for an unknown one."""
    if palette not in PALETTES:
        raise InputError(f"palette: {palette!r}; one of {', '.join(PALETTES)} would be right")
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    table = np.asarray(cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{palette.upper()}")), dtype=np.uint8)
    return read_only(table[:, 0, ::-1])


def colour(values: NDArray[np.floating], palette: Palette = "magma") -> Colours:
    """A map (h, w) of numbers in [0, 1] in colours: the nearest of 256; numbers outside take the end colours."""
    steps = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    return np.asarray(palette_table(palette)[steps], dtype=np.uint8)
