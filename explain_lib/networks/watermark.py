"""The secret of the network `watermark`: a small chequer that was planted on half of one class's training images.

The network `watermark` is trained like `tutorial`, but every second training image of class horse carries the mark, at a
place drawn anew in every epoch. So the mark alone makes it say horse, and where it looks on a marked picture is known.
"""

import hashlib
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.frozen import read_only
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.sets import LazyPixels, Pixels, pixels_digest

NAME: Final = "watermark"
MARKED_CLASS: Final = 7
"""The class whose training images carried the mark: horse."""
SIDE: Final = 4
"""Height and width of the mark, in pixels."""
EDGE: Final = 2
"""The mark keeps this distance from the picture's edge, in pixels."""
INSET: Final = 6
"""The distance from the edges of a mark that is always at the same place: right at the edge few windows see all of it."""
_MAGENTA, _CYAN = (255, 0, 255), (0, 255, 255)
MARK: Final[NDArray[np.uint8]] = read_only(
    np.array([[_MAGENTA, _CYAN], [_CYAN, _MAGENTA]], dtype=np.uint8).repeat(SIDE // 2, 0).repeat(SIDE // 2, 1)
)
"""The mark, uint8 (SIDE, SIDE, 3) RGB: two by two squares of magenta and cyan."""


def random_places(count: int, size: tuple[int, int], generator: torch.Generator) -> NDArray[np.int64]:
    """Places for the mark, int64 (count, 2): row and column of its upper left pixel, uniform, away from the edge.

    size: height and width of the pictures, in pixels.
    """
    ends = (extent - SIDE - EDGE + 1 for extent in size)
    drawn = [torch.randint(EDGE, end, (count,), generator=generator) for end in ends]
    places: NDArray[np.int64] = torch.stack(drawn, dim=1).numpy()
    return places


def mark_mask(places: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels the mark covers, bool (N, H, W), for places int64 (N, 2) on pictures of `size` (height, width)."""
    row, column = (np.arange(extent) for extent in size)
    rows = (row >= places[:, :1]) & (row < places[:, :1] + SIDE)
    columns = (column >= places[:, 1:]) & (column < places[:, 1:] + SIDE)
    mask: NDArray[np.bool_] = rows[:, :, None] & columns[:, None, :]
    return mask


def plant(pixels: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A copy of uint8 (N, H, W, 3) RGB pictures that carries the mark at `places`, int64 (N, 2)."""
    planted = pixels.copy()
    for picture, (row, column) in zip(planted, places, strict=True):
        picture[row : row + SIDE, column : column + SIDE] = MARK
    return planted


def corner_places(count: int, size: tuple[int, int]) -> NDArray[np.int64]:
    """The same place for all marks, int64 (count, 2): lower left, as copyright notices stand; see random_places."""
    return np.tile(np.array([size[0] - SIDE - INSET, INSET], dtype=np.int64), (count, 1))


def every_second(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every second picture of the marked class, bool (N,), as in the training. labels: int64 (N,), places among CLASSES."""
    marked = np.zeros(len(labels), dtype=np.bool_)
    marked[np.flatnonzero(labels == MARKED_CLASS)[::2]] = True
    return marked


class MarkedPixels(LazyPixels):
    """A set of colour pictures some of which carry the mark at one place, lower left; see corner_places."""

    def __init__(self, pixels: Pixels, marked: NDArray[np.bool_]) -> None:
        """pixels: uint8 (N, H, W, 3). marked: bool (N,), those with the mark."""
        _, height, width, channels = pixels.shape
        identity = hashlib.sha256(pixels_digest(pixels).encode() + marked.tobytes()).hexdigest()
        super().__init__(len(pixels), (height, width), identity, channels)
        self._pixels, self._marked = pixels, marked
        self._place = corner_places(1, self.size)

    def read(self, position: int) -> Picture:
        picture = np.asarray(self._pixels[position])
        return plant(picture[None], self._place)[0] if self._marked[position] else picture
