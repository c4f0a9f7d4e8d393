"""Outlines of the object in the middle of a picture, by GrabCut (Rother, Kolmogorov and Blake 2004)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.base.run_context import remembered
from explain_lib.pictures.pixels import check_pictures

TIMES = 2
"""How often pixels are repeated first. GrabCut's fixed cost of a long outline suits larger pictures: on 32 x 32 pixels it
leaves three outlines in four empty."""
LEAST_SHARE, MOST_SHARE = 0.08, 0.85
"""An outline with a smaller or larger share of the picture is degenerate: the given square in the middle is 6 % of it, and
everything within the edge 88 %."""
_NO_RECTANGLE = (0, 0, 1, 1)  # GrabCut requires one although the labels say everything


@remembered()
def outline_masks(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The object in the middle of each picture uint8 (N, H, W, 3): bool (N, H, W), True on the object.

    One pass of OpenCV's GrabCut on the picture with each pixel repeated 2 x 2 times. It is told that the outermost pixels
    are background, that the middle quarter of either side (8 x 8 of 32 x 32 pixels) is object, and that the rest of a centred
    rectangle, which leaves 3 of 32 pixels free on each side, probably is. The pieces of the result that touch the
    middle count. The same picture gives the same outline. About 7 ms for a picture of 32 x 32.

    Raises InputError for other pixels, and for pictures of less than 8 x 8.
    """
    check_pictures(pixels, 8, rgb=True)
    beforehand = _beforehand(*pixels.shape[1:3])
    masks = np.zeros(pixels.shape[:3], dtype=bool)
    for place, picture in enumerate(pixels):
        masks[place] = _outline(picture, beforehand)
    return masks


def usable_outlines(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The outlines bool (N, H, W) that are neither almost empty nor almost everything: bool (N,)."""
    shares = masks.mean((1, 2))
    return np.asarray((shares >= LEAST_SHARE) & (shares <= MOST_SHARE))


def _beforehand(height: int, width: int) -> NDArray[np.uint8]:
    """The labels of the pixels that GrabCut starts from, (H, W)."""
    told = np.full((height, width), cv2.GC_PR_BGD, dtype=np.uint8)
    for share, word in ((3 / 32, cv2.GC_PR_FGD), (12 / 32, cv2.GC_FGD)):
        rows, columns = round(share * height), round(share * width)
        told[rows : height - rows, columns : width - columns] = word
    told[[0, -1]] = told[:, [0, -1]] = cv2.GC_BGD
    return told


def _outline(picture: NDArray[np.uint8], beforehand: NDArray[np.uint8]) -> NDArray[np.bool_]:
    labels = _repeat(beforehand)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))  # GrabCut's colour models, which it fills
    cv2.setRNGSeed(0)
    cv2.grabCut(_repeat(picture), labels, _NO_RECTANGLE, background, foreground, 1, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)[::TIMES, ::TIMES]
    _, pieces = cv2.connectedComponents(np.ascontiguousarray(found), connectivity=4)
    middle = np.unique(pieces[beforehand == cv2.GC_FGD])
    return np.isin(pieces, middle[middle > 0])


def _repeat(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return values.repeat(TIMES, 0).repeat(TIMES, 1)
