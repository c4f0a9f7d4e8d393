"""Alternative text of maps: where they are large, worked out by hand."""

import numpy as np
import pytest

from dashboard.figures.class_figure import probabilities_words
from dashboard.figures.map_words import map_words, where_words


def as_map(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_the_peak_and_the_halves() -> None:
    values = as_map([0, 1, 0, 0], [0, 2, 0, 1], [0, 0, 4, 0], [1, 0, 0, 1])  # 10 in all: 4 above, 1 + 3 on the left
    assert where_words(values) == (
        "peak at row 2, column 2, counted from 0; 40 % of the map in the upper half, 40 % in the left"
    )


def test_a_middle_row_counts_half_to_either_side() -> None:
    values = as_map([1, 0, 0], [0, 2, 0], [0, 0, 5])  # above: 1 + 2 / 2 = 2 of 8, and so on the left
    assert where_words(values) == "peak at row 2, column 2, counted from 0; 25 % of the map in the upper half, 25 % in the left"


def test_one_row_is_half_above() -> None:
    assert "50 % of the map in the upper half, 0 % in the left" in where_words(as_map([0, 0, 3, 1]))


def test_of_a_signed_map_what_is_above_zero_counts() -> None:
    values = as_map([3, -1], [1, -2])
    assert where_words(values) == (
        "peak at row 0, column 0, counted from 0; 75 % of what is above zero in the upper half, 100 % in the left"
    )


def test_the_lowest_is_named_where_it_is_further_from_zero() -> None:
    assert where_words(as_map([3, -1], [1, -4])).startswith("lowest at row 1, column 1, counted from 0; 75 % of")


def test_a_map_without_anything_above_zero() -> None:
    assert where_words(as_map([-3, -1])) == "lowest at row 0, column 0, counted from 0; nothing above zero"


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "zero everywhere"), (2.0, "the same everywhere"), (np.nan, "it contains NaN or infinity")]
)
def test_a_flat_map_has_no_peak(value: float, words: str) -> None:
    assert where_words(np.full((3, 3), value, dtype=np.float32)) == words


def test_a_map_is_named_with_its_grid_and_range() -> None:
    assert map_words("a", as_map([0, 0.25], [0.5, 1])) == (
        "a: 2 by 2 cells from 0.000 to 1.000, peak at row 1, column 1, counted from 0; "
        "14 % of the map in the upper half, 29 % in the left"
    )


def test_probabilities_are_said_the_likeliest_first() -> None:
    shares = np.array([0.1, 0.6, 0.05, 0.25], dtype=np.float32)
    assert probabilities_words(("plane", "car", "bird", "cat"), shares, 2) == (
        "Probability of each class, the likeliest first: car 60.0 %, cat 25.0 %, plane 10.0 %; bird, explained, 5.0 %"
    )
