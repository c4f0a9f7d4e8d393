"""Maps as pictures: overlays, the study's own two ways of drawing, and picture files.

Pictures are uint8 (H, W, 3) RGB. Nothing here smooths, and nothing rescales a map unless its docstring says so.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.maps import Map
from explain_lib.pictures.palettes import palette_table

Picture = NDArray[np.uint8]
_PILS_OPEN = getattr(sys.modules.get("ultralytics.utils.patches"), "_image_open", Image.open)
"""PIL's own; Ultralytics puts another in its place, which installs a package where a file is no picture."""


def open_picture(file: IO[bytes] | Path, formats: tuple[str, ...] | None = None) -> ImageFile.ImageFile:
    """A picture file with its header read, by PIL, whose errors pass. formats: those that are tried; None for all."""
    opened: ImageFile.ImageFile = _PILS_OPEN(file, formats=formats)
    return opened


def nearest_cells(cells: int, size: int) -> NDArray[np.int64]:
    """For each of `size` pixels in a row the one of so many cells in which its centre lies: int64 (size,)."""
    return np.asarray((2 * np.arange(size) + 1) * cells // (2 * size))


def enlarge(picture: Picture, height: int, width: int) -> Picture:
    """A picture enlarged to height x width by repeating pixels, without smoothing."""
    return np.asarray(picture[nearest_cells(picture.shape[0], height)[:, None], nearest_cells(picture.shape[1], width)])


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
