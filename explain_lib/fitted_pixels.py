"""Pictures in memory as a network with another input size sees them."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import STUDY_BATCH
from explain_lib.lazy_pixels import LazyPixels
from explain_lib.picture_files import fit_picture
from explain_lib.rendering import Picture


class FittedPixels(LazyPixels):
    """Pictures in memory, uint8 (N, h, w, 3), as a network with another input size sees them; see fit_picture."""

    batch = STUDY_BATCH

    def __init__(self, pictures: NDArray[np.uint8], size: tuple[int, int], identity: str) -> None:
        """identity: of the pictures in memory."""
        super().__init__(len(pictures), size, hashlib.sha256(f"{identity} {size}".encode()).hexdigest())
        self._pictures = pictures

    def read(self, position: int) -> Picture:
        return fit_picture(self._pictures[position], self.size)
