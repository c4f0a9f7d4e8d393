"""Parts of pictures covered or shuffled: what a network says then tells what it used.

Each way of covering leaves traces of its own (an edge, a colour that no photograph has), so a finding has to hold for all.
"""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError

Pixels = NDArray[np.uint8]
Places = NDArray[np.bool_]
Cover = Literal["grey", "white", "black", "blurred", "filled in"]
COVERS: tuple[Cover, ...] = get_args(Cover)
MID_GREY = 128
"""Of 255, in red, green and blue."""
_COLOURS: dict[Cover, int] = {"grey": MID_GREY, "white": 255, "black": 0}
_BLUR = 1 / 8  # the standard deviation of the Gaussian, as a share of the picture's height
_RADIUS = 3  # of the neighbourhood that Telea's method looks at, in pixels


def covered(pixels: Pixels, places: Places, cover: Cover) -> Pixels:
    """Pictures uint8 (N, H, W, 3) covered at those places, bool (N, H, W).

    cover: mid grey (128 of 255), white, black; "blurred", a Gaussian blur of the picture, an eighth of its height in standard
    deviation; or "filled in" from around (Telea 2004, OpenCV's INPAINT_TELEA, radius 3), which leaves a picture that is covered
    everywhere as it is. Raises InputError for another cover.
    """
    if cover not in COVERS:
        raise InputError(f"cover: {cover!r}; {', '.join(COVERS)} would be right")
    if cover in _COLOURS:
        return np.where(places[..., None], np.uint8(_COLOURS[cover]), pixels)
    each = [_replaced(picture, mask, cover) for picture, mask in zip(pixels, places, strict=True)]
    return np.where(places[..., None], np.stack(each), pixels)


def _replaced(picture: Pixels, mask: Places, cover: Cover) -> Pixels:
    if cover == "blurred":
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR * len(picture)), np.uint8)
    return np.asarray(cv2.inpaint(picture, mask.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA), np.uint8)


def equal_parts(masks: Places) -> tuple[Places, Places]:
    """Parts of objects bool (N, H, W), and of what is around them, with as many pixels: both bool (N, H, W).

    The smaller of the two is whole; of the larger, those pixels that are nearest to the outline.
    """
    objects, around = np.zeros_like(masks), np.zeros_like(masks)
    for mask, inner, outer in zip(masks, objects, around, strict=True):
        count = min(int(mask.sum()), int((~mask).sum()))
        for part, kept in ((mask, inner), (~mask, outer)):
            kept.ravel()[_nearest(part, count)] = True
    return objects, around


def _nearest(part: Places, count: int) -> NDArray[np.int64]:
    """The places, in the flattened picture, of so many pixels of a part: those that are nearest to its end, then by rows."""
    padded = cv2.copyMakeBorder(part.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # the border is no outline
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    inside = np.flatnonzero(part)
    return np.asarray(inside[np.argsort(distance.ravel()[inside], kind="stable")[:count]])


# Section: shuffling


def shuffled_alike(pixels: Pixels, parts: tuple[Places, Places], draw: int) -> tuple[Pixels, Pixels]:
    """Pictures uint8 (N, H, W, 3) with the pixels of either part, bool (N, H, W), shuffled among themselves, changed by as
    much.

    The larger of the two changes, by the sum of squares, is faded towards the picture until both are the same, as far as whole
    values from 0 to 255 allow. draw: of the order, which is the same for all pictures with as many pixels in a part.
    """
    shuffled = [_shuffled(pixels, part, draw) for part in parts]
    changes = np.array([_changes(pixels, one) for one in shuffled])  # (2, N)
    least = changes.min(0)
    shares = np.sqrt(np.divide(least, changes, out=np.zeros_like(changes), where=changes > 0))
    first, second = (_faded(pixels, one, share) for one, share in zip(shuffled, shares, strict=True))
    return first, second


def _shuffled(pixels: Pixels, parts: Places, draw: int) -> Pixels:
    found = pixels.copy()
    for picture, part in zip(found, parts, strict=True):
        picture[part] = np.random.default_rng(draw).permutation(picture[part])
    return found


def _changes(pixels: Pixels, others: Pixels) -> NDArray[np.float64]:
    return np.asarray(((pixels.astype(np.float64) - others) ** 2).sum((1, 2, 3)))


def _faded(pixels: Pixels, changed: Pixels, shares: NDArray[np.float64]) -> Pixels:
    difference = changed.astype(np.float64) - pixels
    return np.rint(pixels + shares[:, None, None, None] * difference).astype(np.uint8)
