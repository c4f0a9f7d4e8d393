"""The part of a picture and of its map that is drawn: all of it, a slice of a volume, or a signal as a strip."""

from dataclasses import dataclass

import numpy as np

from dashboard.view.scene import Scene
from dashboard.view.view import chosen_slice
from explain_lib.base.maps import Map
from explain_lib.base.sheets import Sheet
from explain_lib.pictures.rendering import Picture

STRIP = 4
"""A signal is drawn so many times as wide as high."""


@dataclass(frozen=True)
class Part:
    """picture: uint8 (H, W, 3). values: float32 (h, w). reach: the end of its colours, None for its own largest magnitude.

    words: of which part it is, empty for a whole picture.
    """

    picture: Picture
    values: Map
    reach: float | None
    words: str


def drawn_part(scene: Scene, layer: str, values: Map) -> Part:
    """The part of the picked image and of a map of a layer, float32 (h, w). Colours of a slice end where those of all do."""
    sheet = scene.model.sheet
    if sheet is None:
        return Part(scene.picture, values, None, "")
    top = float(np.abs(values).max())
    every = sheet.over_slices(values, scene.model.find_layers(layer)[0].slices)
    number = chosen_slice(scene.view, sheet) if sheet.is_volume else 0
    reach = top if np.isfinite(top) and top > 0 else None
    return Part(picture_part(scene, sheet), np.asarray(every[number]), reach, part_words(scene))


def picture_part(scene: Scene, sheet: Sheet) -> Picture:
    """The slice that is shown, or the signal, one row, made high enough to be seen: uint8 (H, W, 3)."""
    slices = scene.picture.reshape(sheet.slices, *sheet.one, 3)
    if sheet.is_volume:
        return np.asarray(slices[chosen_slice(scene.view, sheet)])
    return np.asarray(slices[0].repeat(max(1, sheet.one[1] // STRIP), axis=0))


def part_words(scene: Scene) -> str:
    """Which part is drawn: "slice 3 of 0 to 5", "128 samples"; empty for a whole picture."""
    sheet = scene.model.sheet
    if sheet is None:
        return ""
    if not sheet.is_volume:
        return f"{sheet.size[0]:,} samples"
    return f"slice {chosen_slice(scene.view, sheet)} of 0 to {sheet.slices - 1}"
