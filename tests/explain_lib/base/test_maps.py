"""What is said of a map before it is drawn."""

import numpy as np
import pytest

import explain_lib as xl


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ([[0.0, 1.0]], xl.MapState.VARIED),
        ([[0.0, -1e-30]], xl.MapState.VARIED),
        ([[2.0, 2.0]], xl.MapState.CONSTANT),
        ([[3.0]], xl.MapState.CONSTANT),
        ([[0.0, -0.0]], xl.MapState.ZERO),
        ([[0.0, np.nan]], xl.MapState.NOT_FINITE),
        ([[np.inf, 1.0]], xl.MapState.NOT_FINITE),
    ],
)
def test_the_state_of_a_map(values: list[list[float]], state: xl.MapState) -> None:
    assert xl.map_state(np.array(values, dtype=np.float32)) is state


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (None, "a NoneType"),
        (np.zeros((2, 2), np.uint8), r"uint8 of shape \(2, 2\)"),
        (np.zeros((1, 2, 2), np.float32), r"float32 of shape \(1, 2, 2\)"),
        (np.zeros((0, 2), np.float32), r"float32 of shape \(0, 2\)"),
    ],
)
def test_what_is_no_map_is_refused(values: object, found: str) -> None:
    with pytest.raises(xl.InputError, match=rf"^values: {found}; a floating-point map of shape \(H, W\) would be right$"):
        xl.map_state(values)  # type: ignore[arg-type]  # the mistake that is tested
