"""Figures: what is drawn is what was computed."""

import numpy as np
import pytest

from dashboard.figures.class_figure import OTHER_COLOUR, TARGET_COLOUR, probabilities_figure
from dashboard.figures.map_figure import diverging, map_figure, map_words, sequential

A = np.array([[0.0, 0.25], [0.5, 1.0]], dtype=np.float32)
B = np.array([[0.1, 0.25], [0.2, 1.0]], dtype=np.float32)


def test_a_map_is_drawn_unsmoothed_over_the_range_it_was_given() -> None:
    (heat,) = map_figure(A, sequential(0, 2), {"a": A}, width=300).data
    np.testing.assert_array_equal(heat.z, A)
    assert (heat.zmin, heat.zmax) == (0, 2)
    assert heat.zsmooth is None
    assert list(heat.colorbar.ticktext) == ["0", "1", "2"]
    assert list(heat.colorbar.tickvals) == pytest.approx([0, 1, 2], abs=1e-3)


def test_the_first_row_of_a_map_is_at_the_top() -> None:
    low, high = map_figure(A, sequential(0, 1), {"a": A}, width=300).layout.yaxis.range
    assert low > high


def test_under_the_pointer_stand_the_values_of_every_map_at_that_pixel() -> None:
    (heat,) = map_figure(B - A, diverging(B - A), {"a": A, "b": B, "b - a": B - A}, width=300).data
    np.testing.assert_array_equal(heat.customdata[1, 0], np.array([0.5, 0.2, 0.2 - 0.5], dtype=np.float32))
    assert heat.hovertemplate.startswith("row %{y}, column %{x}<br>a: %{customdata[0]:.4f}<br>b: %{customdata[1]:.4f}")


def test_a_signed_map_has_white_at_zero_and_as_much_room_on_either_side() -> None:
    scale = diverging(B - A)
    assert scale.high == pytest.approx(0.3)
    assert scale.low == -scale.high
    assert scale.colours[2] == [0.5, "#f7f7f7"]


def test_the_words_for_a_map_name_grid_range_and_peak() -> None:
    assert map_words("a", A) == "a: 2 by 2 cells from 0.000 to 1.000, largest at row 1, column 1"


def test_the_explained_class_has_a_colour_and_a_word() -> None:
    (bars,) = probabilities_figure(("cat", "dog"), np.array([0.25, 0.75], dtype=np.float32), target=1, true=0).data
    assert list(bars.y) == ["cat (true)", "dog (explained, predicted)"]
    assert list(bars.marker.color) == [OTHER_COLOUR, TARGET_COLOUR]
    assert list(bars.text) == ["25.0 %", "75.0 %"]
