"""Outline against object: is a map denser along the outline of the object than inside it?

A correlation with edges cannot tell a map of the contour from one of the filled object; this can. Filled objects have values
below zero, outlines above, and what is the same in every picture, such as a blob in the middle, zero on average.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map, check_floats

_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class OutlineDensity(Frozen):
    """How much denser maps are along outlines than inside, one value per picture, K of them; the density of an even map is 1.

    own: float64 (K,), with the outline of the picture itself. other: with that of the next picture (the first after the last),
    the control for what all maps share, such as a bright middle. NaN for a map that is zero everywhere or not finite, and for
    an object without an inside.
    """

    own: NDArray[np.float64]
    other: NDArray[np.float64]

    @property
    def beyond(self) -> NDArray[np.float64]:
        """Own minus other: what is due to this picture's outline, float64 (K,)."""
        return self.own - self.other


def outlinedensity(maps: Map, masks: NDArray[np.bool_]) -> OutlineDensity:
    """The density of maps along the outlines of objects less that inside, and the same with the next picture's outline.

    maps: floating-point (K, H, W), not below zero, of the pictures' size. masks: bool (K, H, W), the objects; at least two.
    Raises InputError for anything else.
    """
    right = "floating-point maps (K, H, W) of two pictures or more"
    check_floats("maps", maps, 3, right)
    if len(maps) < 2 or (maps < 0).any():
        raise InputError(f"maps: {kind_of(maps)}; {right}, without a value below zero, would be right")
    if not isinstance(masks, np.ndarray) or masks.dtype != np.bool_ or masks.shape != maps.shape:
        raise InputError(f"masks: {kind_of(masks)}; bool of shape {maps.shape}, as the maps have, would be right")
    bands, insides = outline_parts(masks)
    own = density(maps, bands) - density(maps, insides)
    other = density(maps, np.roll(bands, -1, axis=0)) - density(maps, np.roll(insides, -1, axis=0))
    return OutlineDensity(own, other)


def outline_parts(masks: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The bands along the outlines of objects bool (K, H, W), and the insides without them, both bool (K, H, W).

    A band is of the pixels that touch the outline, on either side, corners too: two pixels wide. Along the border of the
    picture, where the object goes on, there is no outline.
    """
    bands, insides = np.zeros_like(masks), np.zeros_like(masks)
    for mask, band, inside in zip(masks.astype(np.uint8), bands, insides, strict=True):
        inside[:] = cv2.erode(mask, _AROUND) > 0  # beyond the border OpenCV leaves the object as it is
        band[:] = (cv2.dilate(mask, _AROUND) > 0) & ~inside
    return bands, insides


def density(maps: Map, places: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of each map's sum at the places, by their share of the area: (K,); NaN without a map or a place."""
    total = maps.sum((1, 2), dtype=np.float64)
    within, area = np.where(places, maps, 0).sum((1, 2), dtype=np.float64), places.mean((1, 2))
    some = np.isfinite(total) & (total > 0) & (area > 0)
    return np.asarray(np.divide(within, total * area, out=np.full(len(maps), np.nan), where=some))
