"""Maps as pictures: palettes, overlays, the study's own two ways of drawing, and picture files.

Pictures are uint8 (H, W, 3) RGB. Nothing here smooths, and nothing rescales a map unless its docstring says so.
"""

from functools import lru_cache
from io import BytesIO
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.frozen import read_only
from explain_lib.base.maps import Map

Picture = NDArray[np.uint8]
Palette = Literal["magma", "inferno", "viridis", "cividis", "jet"]
PALETTES: tuple[Palette, ...] = get_args(Palette)

DIVERGING = ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b")
"""Blue for below zero, white for zero, red for above, at equal steps: ColorBrewer's RdBu, reversed."""


@lru_cache(maxsize=1)
def diverging_table() -> Picture:
    """The diverging palette's 255 colours, uint8 (255, 3) RGB, zero in the middle."""
    stops = np.array([[int(code[k : k + 2], 16) for k in (1, 3, 5)] for code in DIVERGING], dtype=np.float64)
    places = np.linspace(0, len(stops) - 1, 255)
    channels = [np.interp(places, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return read_only(np.rint(np.stack(channels, axis=1)).astype(np.uint8))


def colour_signed(values: Map, reach: float) -> Picture:
    """A map (h, w) in blue, white and red, from -reach to reach; numbers outside take the end colours."""
    shares = values / reach if reach > 0 else np.zeros_like(values)
    steps = np.clip(np.rint(shares * 127) + 127, 0, 254).astype(np.uint8)
    return np.asarray(diverging_table()[steps], dtype=np.uint8)


@lru_cache(maxsize=len(PALETTES))
def palette_table(palette: Palette) -> Picture:
    """The palette's 256 colours, uint8 (256, 3) RGB, from low to high. Raises InputError for an unknown one."""
    if palette not in PALETTES:
        raise InputError(f"palette: {palette!r}; one of {', '.join(PALETTES)} would be right")
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    table = np.asarray(cv2.applyColorMap(ramp, getattr(cv2, f"COLORMAP_{palette.upper()}")), dtype=np.uint8)
    return read_only(table[:, 0, ::-1])


def colour(values: Map, palette: Palette = "magma") -> Picture:
    """A map (h, w) of numbers in [0, 1] in colours: the nearest of 256; numbers outside take the end colours."""
    steps = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    return palette_table(palette)[steps]


def enlarge(picture: Picture, height: int, width: int) -> Picture:
    """A picture enlarged to height x width by repeating pixels, without smoothing."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), dtype=np.uint8)


def overlay(picture: Picture, coloured: Picture, strength: float = 0.5) -> Picture:
    """(1 - strength) * picture + strength * coloured, both of one size, rounded."""
    if picture.shape != coloured.shape:
        raise InputError(f"coloured: the shape is {coloured.shape}; that of the picture, {picture.shape}, would be right")
    mixed = (1 - strength) * picture.astype(np.float32) + strength * coloured.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


def study_heatmap(values: Map) -> Picture:
    """The study's "Heatmap": viridis from the map's minimum to its maximum, on its own grid, as matplotlib draws it."""
    low, high = values.min(), values.max()
    steps = np.zeros_like(values) if low == high else (values - low) / (high - low)
    return palette_table("viridis")[np.clip(steps * 256, 0, 255).astype(np.uint8)]


def study_manual_overlay(picture: Picture, values: Map) -> Picture:
    """The study's "GradCAM1": 0.4 * jet in BGR and 0 .. 255, plus the picture in BGR and 0 .. 1, cut to 0 .. 1, shown as RGB.

    Since the two have different units, nearly every channel is cut, and almost nothing of the map remains visible.
    """
    return (np.clip(_manual_sums(picture, values), 0, 1) * 255).astype(np.uint8)


def study_manual_cut(picture: Picture, values: Map) -> NDArray[np.bool_]:
    """The numbers of the study's "GradCAM1" that are above 1 and cut: bool (H, W, 3), channels in the order shown."""
    return np.asarray(_manual_sums(picture, values) > 1)


def _manual_sums(picture: Picture, values: Map) -> NDArray[np.float32]:
    jet_bgr = _jet(values)[:, :, ::-1]
    return np.asarray(jet_bgr.astype(np.float32) * np.float32(0.4) + picture[:, :, ::-1].astype(np.float32) / 255)


def study_package_overlay(picture: Picture, values: Map) -> Picture:
    """The study's "GradCAM2": 0.5 * jet in RGB + 0.5 * picture in BGR, divided by its own maximum."""
    mixed = _package_mixture(picture, values)
    return np.asarray(mixed / mixed.max() * 255, dtype=np.float32).astype(np.uint8)


def study_package_brightness(picture: Picture, values: Map) -> float:
    """The factor by which dividing by its own maximum brightens the study's "GradCAM2", 1 or more."""
    return float(1 / _package_mixture(picture, values).max())


def _package_mixture(picture: Picture, values: Map) -> NDArray[np.float32]:
    return np.asarray(0.5 * _jet(values).astype(np.float32) / 255 + 0.5 * picture[:, :, ::-1].astype(np.float32) / 255)


def _jet(values: Map) -> Picture:
    return palette_table("jet")[(values * 255).astype(np.uint8)]


def mosaic(pixels: NDArray[np.uint8], columns: int) -> Picture:
    """N pictures (N, H, W, 3) in rows of `columns`, black where the last row is not full."""
    count, height, width, _ = pixels.shape
    rows = -(-count // columns)
    padded = np.zeros((rows * columns, height, width, 3), dtype=np.uint8)
    padded[:count] = pixels
    tiles = padded.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles).reshape(rows * height, columns * width, 3)


def png(picture: Picture) -> bytes:
    """The picture as a PNG file, without loss."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    if not done:
        raise InputError(f"picture: {kind_of(picture)} cannot be written as PNG; uint8 (H, W, 3) would be right")
    return data.tobytes()


def webp(picture: Picture, *, lossless: bool = True) -> bytes:
    """The picture as a WebP file, at Pillow's lowest effort; lossless it is smaller than a PNG, lossy suits photographs."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "WEBP", lossless=lossless, quality=20 if lossless else 85, method=0)
    return file.getvalue()
