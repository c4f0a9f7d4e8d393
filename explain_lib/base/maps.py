"""Maps as arrays: their check, and their state before they are drawn."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of

Map = NDArray[np.float32]


class MapState(Enum):
    """Whether there is anything to draw."""

    VARIED = "varied"
    CONSTANT = "constant"
    ZERO = "zero"
    NOT_FINITE = "not finite"


def check_floats(argument: str, values: object, axes: int, right: str) -> None:
    """Raise InputError, with what would be right, for anything but a floating-point array with so many axes."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.ndim != axes:
        raise InputError(f"{argument}: {kind_of(values)}; {right} would be right")


def check_map(argument: str, values: Map) -> None:
    """Raise InputError, naming the argument, for anything but a floating-point map (H, W) with at least one cell."""
    right = "a floating-point map of shape (H, W)"
    check_floats(argument, values, 2, right)
    if values.size == 0:
        raise InputError(f"{argument}: {kind_of(values)}; {right} would be right")


def map_state(values: Map) -> MapState:
    """Whether a map (H, W) varies, is constant, is zero everywhere, or contains NaN or infinity.

    Raises InputError for anything but a floating-point map with at least one cell.
    """
    check_map("values", values)
    if not np.isfinite(values).all():
        return MapState.NOT_FINITE
    if not values.any():
        return MapState.ZERO
    return MapState.CONSTANT if values.min() == values.max() else MapState.VARIED
