"""Outline against object: is a map denser along the outline of the object than inside it?

A correlation with edges cannot tell a map of the contour from one of the filled object; this can. Filled objects have values
below zero, outlines above, and what is the same in every picture, such as a blob in the middle, zero on average.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.maps import Map, check_floats

_AROUND = np.ones((3, 3), np.uint8)


def outline_densities(maps: Map, masks: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How dense maps are along the outlines of objects, and inside: both float64 (K,); the density of an even map is 1.

    maps: floating-point (K, H, W), not below zero, of the pictures' size. masks: bool (K, H, W), the objects. NaN for a map
    that is zero everywhere or not finite, and for an object without a band or an inside. What maps share with every picture,
    such as a bright middle, is taken away by the same with another picture's outline. Raises InputError for anything else.
    """
    right = "floating-point maps (K, H, W), without a value below zero,"
    check_floats("maps", maps, 3, right)
    if (maps < 0).any():
        raise InputError(f"maps: {kind_of(maps)}; {right} would be right")
    if not isinstance(masks, np.ndarray) or masks.dtype != np.bool_ or masks.shape != maps.shape:
        raise InputError(f"masks: {kind_of(masks)}; bool of shape {maps.shape}, as the maps have, would be right")
    along, inside = (_density(maps, places) for places in outline_parts(masks))
    return along, inside


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


def _density(maps: Map, places: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of each map's sum at the places, by their share of the area: (K,); NaN without a map or a place."""
    total = maps.sum((1, 2), dtype=np.float64)
    within, area = np.where(places, maps, 0).sum((1, 2), dtype=np.float64), places.mean((1, 2))
    some = np.isfinite(total) & (total > 0) & (area > 0)
    return np.asarray(np.divide(within, total * area, out=np.full(len(maps), np.nan), where=some))
