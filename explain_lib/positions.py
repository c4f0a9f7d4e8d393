"""Checks of the positions of pictures in a set."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explain_lib.errors import InputError


def check_positions(
    images: Sequence[int] | NDArray[np.int64], count: int, least: int = 1, argument: str = "images"
) -> NDArray[np.int64]:
    """The positions of some of `count` pictures as int64 (K,), in the order given.

    Raises InputError, naming the argument, for fewer than `least`, for what is no whole number from 0 to count - 1, and for a
    position that is there twice.
    """
    chosen = np.asarray(images)
    if chosen.ndim != 1 or len(chosen) < least or chosen.dtype.kind not in "iu":
        few = "one position" if least == 1 else f"{least} positions"
        raise InputError(f"{argument}: at least {few} of pictures, as whole numbers, would be right")
    if chosen.min() < 0 or chosen.max() >= count or len(np.unique(chosen)) < len(chosen):
        raise InputError(f"{argument}: positions from 0 to {count - 1}, each at most once, would be right")
    return chosen.astype(np.int64)
