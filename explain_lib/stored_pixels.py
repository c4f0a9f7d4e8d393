"""A set of pictures of which only some are at hand, as they were stored beside a computation that looks at no others."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from explain_lib.errors import DataError
from explain_lib.lazy_pixels import LazyPixels
from explain_lib.rendering import Picture


class StoredPixels(LazyPixels):
    """A set of `count` pictures, of which those at `places` int64 (K,) are at hand: uint8 (K, H, W, 3)."""

    def __init__(self, pictures: NDArray[np.uint8], places: NDArray[np.int64], count: int, batch: int) -> None:
        """batch: see LazyPixels. Raises DataError for places that are not one a picture, in order, within the set."""
        ordered = bool((np.diff(places) > 0).all())
        if len(places) != len(pictures) or len(places) == 0 or not ordered or places[0] < 0 or places[-1] >= count:
            raise DataError(f"places: {len(places):,} for {len(pictures):,} pictures; one a picture, in order, would be right")
        if not 1 <= batch <= count or count > 10_000_000:
            raise DataError(f"batch: {batch} of {count:,} pictures; a number from 1 up would be right")
        identity = hashlib.sha256(repr((pictures.shape, count, batch)).encode() + places.tobytes() + pictures.tobytes())
        super().__init__(count, (pictures.shape[1], pictures.shape[2]), identity.hexdigest())
        self.batch = batch
        self._pictures, self._places = pictures, places

    def read(self, position: int) -> Picture:
        place = int(np.searchsorted(self._places, position))
        if place == len(self._places) or self._places[place] != position:
            raise DataError(f"image {position:,}: it is not stored; it could not be read, or nothing looked at it")
        return np.asarray(self._pictures[place])
