"""In which order pixels are removed: by a map, and without one, by chance, from the centre, or by edges."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explain_lib.frozen import read_only
from explain_lib.maps import Map

Orders = NDArray[np.int64]
SEED = 0


def pixel_ranks(maps: Map) -> Orders:
    """The place of each pixel when pixels are sorted by their value, highest first, ties by position.

    maps: (..., H, W). Gives int64 (..., H * W), 0 for the first pixel to be removed.
    """
    flat = maps.reshape(*maps.shape[:-2], -1)
    order = np.argsort(-flat, axis=-1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(flat.shape[-1]), order.shape), axis=-1)
    return ranks


@lru_cache(maxsize=8)
def centre_map(height: int, width: int) -> Map:
    """A blob in the middle: minus the distance to the centre, in pixels, float32 (H, W).

    Only the order of its values is used, which it shares with every blob that falls off evenly on all sides.
    """
    row, column = np.mgrid[:height, :width]
    distance = np.hypot(row - (height - 1) / 2, column - (width - 1) / 2)
    return read_only(-distance.astype(np.float32))


def random_map(image: int, height: int, width: int) -> Map:
    """Each pixel a different number, in an order by chance that belongs to the image's position in its set: float32 (H, W)."""
    order = np.random.default_rng((SEED, image, 1)).permutation(height * width)
    return order.reshape(height, width).astype(np.float32)
