"""A picture with the outline of its object."""

import cv2
import numpy as np
from numpy.typing import NDArray

from explain_lib.pictures.rendering import Picture, enlarge

LINE, CASING = (255, 220, 0), (0, 0, 0)
_AROUND = np.ones((3, 3), np.uint8)


def outline_picture(picture: Picture, mask: NDArray[np.bool_], side: int) -> Picture:
    """The picture (H, W, 3) as uint8 (side, side, 3), with a line around the mask bool (H, W), yellow inside, black outside."""
    drawn = enlarge(picture, side, side)
    inside = cv2.resize(mask.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST_EXACT)
    # beyond the picture's border the object goes on: no line is drawn along the border
    drawn[cv2.dilate(inside, _AROUND) > inside] = CASING
    drawn[cv2.erode(inside, _AROUND, iterations=2) < inside] = LINE
    return drawn
