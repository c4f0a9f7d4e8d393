"""Maps as arrays: their check, and their state before they are drawn."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError

Map = NDArray[np.float32]


class MapState(Enum):
    """Whether there is anything to draw."""

    VARIED = "varied"
    CONSTANT = "constant"
    ZERO = "zero"
    NOT_FINITE = "not finite"


def check_map(argument: str, values: object) -> None:
    """Raise InputError, naming the argument, for anything but a floating-point map (H, W) with at least one cell."""
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.ndim != 2 or values.size == 0:
        found = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else f"a {type(values).__name__}"
        raise InputError(f"{argument}: {found}; a floating-point map of shape (H, W) would be right")


def map_state(values: Map) -> MapState:
    """Whether a map (H, W) varies, is constant, is zero everywhere, or holds NaN or infinity.

    Raises InputError for anything but a floating-point map with at least one cell.
    """
    check_map("values", values)
    if not np.isfinite(values).all():
        return MapState.NOT_FINITE
    if not values.any():
        return MapState.ZERO
    return MapState.CONSTANT if values.min() == values.max() else MapState.VARIED
