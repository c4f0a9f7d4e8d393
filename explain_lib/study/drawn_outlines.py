"""Outlines drawn by hand: what those that are found are held beside.

The first ten test images of each class, drawn by eye, pixel by pixel, without any program's outline; twenty of them twice, the
second time without sight of the first. All in one picture of one bit a pixel, 32 x 32 each, ten a row, in the order of the test
images; the second drawings are the last two rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.pictures.dataset import CLASSES, FOLDER, SIDE
from explain_lib.pictures.rendering import open_picture
from explain_lib.study.outlines import find_outlines, intersection_over_union

FILE = FOLDER / "drawn_outlines.png"
PER_CLASS, COLUMNS = 10, 10
TWICE = (*range(30, 40), *range(60, 70))
"""Places, among the drawn ones, of those that were drawn twice."""


@dataclass(frozen=True)
class DrawnOutlines(Frozen):
    """images: int64 (100,), positions among the test images. masks: bool (100, 32, 32). again: bool (20, 32, 32), of TWICE."""

    images: NDArray[np.int64]
    masks: NDArray[np.bool_]
    again: NDArray[np.bool_]


def drawn_outlines(labels: NDArray[np.int64]) -> DrawnOutlines:
    """The outlines drawn by hand. labels: int64 (N,), of the CIFAR-10 test images. Raises DataError for a damaged file."""
    images = np.sort(np.concatenate([np.flatnonzero(labels == label)[:PER_CLASS] for label in range(len(CLASSES))]))
    try:
        with open_picture(FILE) as picture:
            sheet = np.asarray(picture.convert("1"))
    except UNREADABLE as error:
        raise DataError(f"{FILE.name} cannot be read ({error}); restore it") from error
    tiles = sheet.reshape(-1, SIDE, COLUMNS, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    return DrawnOutlines(images, tiles[: len(images)], tiles[len(images) :])


def overlaps(found: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The intersection over union of each of two sets of masks bool (K, H, W): float64 (K,)."""
    return np.array([intersection_over_union(one, other) for one, other in zip(found, drawn, strict=True)])


@dataclass(frozen=True)
class Quality(Frozen):
    """How near outlines are to those drawn by hand: means of the intersection over union, in [0, 1].

    usable: of the usable outlines among the drawn, how many: count. hands: of two drawings of the same picture.
    """

    usable: float
    count: int
    hands: float


@remembered()
def outline_quality(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> Quality:
    """That of find_outlines. pixels, labels: of the CIFAR-10 test images. Errors as drawn_outlines and find_outlines."""
    drawn = drawn_outlines(labels)
    found = find_outlines(pixels[drawn.images])
    near, hands = overlaps(found.masks, drawn.masks), overlaps(drawn.masks[list(TWICE)], drawn.again)
    return Quality(float(near[found.usable].mean()), int(found.usable.sum()), float(hands.mean()))
