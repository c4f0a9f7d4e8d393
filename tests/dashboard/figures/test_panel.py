"""Panels of the stage: their sizes, their states, and the pixels that are drawn of them."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.array_message import ArrayMessage
from dashboard.figures.panel import NO_EVIDENCE, Panel

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
VARIED = np.array([[0.0, 1.0], [2.0, 4.0]], np.float32)


@pytest.mark.parametrize(
    ("panel", "size"),
    [
        (Panel("p", "", 60, picture=PICTURE), (40, 60)),  # ten pixels for each of the picture's
        (Panel("p", "", 61, picture=PICTURE), (40, 60)),  # never more than the width, so that the screen leaves none out
        (Panel("p", "", 60, picture=PICTURE, values=VARIED), (40, 60)),
        (Panel("p", "", 61, values=VARIED), (60, 60)),
        (Panel("p", "", 4, picture=PICTURE), (4, 6)),  # a large picture keeps its pixels
    ],
)
def test_a_pixel_of_a_picture_and_a_cell_of_a_map_is_a_whole_number_of_pixels(panel: Panel, size: tuple[int, int]) -> None:
    assert panel.size == size
    drawn = panel.drawn()
    assert drawn is not None
    assert drawn.shape == (*size, 3)


def test_a_picture_by_itself_is_repeated_pixels() -> None:
    assert_array_equal(Panel("p", "", 12, picture=PICTURE).drawn(), PICTURE.repeat(2, 0).repeat(2, 1))


def test_a_map_by_itself_is_in_its_own_cells_and_has_no_line() -> None:
    drawing = xl.Drawing("viridis", smooth=True, contour=True)
    drawn = Panel("p", "", 4, values=VARIED, drawing=drawing).drawn()
    whole = xl.draw_overlay(np.zeros((2, 2, 3), np.uint8), VARIED, xl.Drawing("viridis", strength=1), side=4)
    assert_array_equal(drawn, whole)


@pytest.mark.parametrize(
    ("values", "badge"),
    [
        (np.zeros((2, 2), np.float32), NO_EVIDENCE),
        (np.ones((2, 2), np.float32), "The same everywhere: the map does not distinguish any place."),
        (np.array([[0, np.nan]], np.float32), "Not finite: the map contains NaN or infinity."),
        (VARIED, ""),
    ],
)
def test_a_map_with_nothing_to_paint_has_a_badge_and_leaves_the_picture(values: NDArray[np.float32], badge: str) -> None:
    over, alone = Panel("p", "", 12, picture=PICTURE, values=values), Panel("p", "", 12, values=values)
    assert over.badge == alone.badge == badge
    if badge:
        assert_array_equal(over.drawn(), PICTURE.repeat(2, 0).repeat(2, 1))
        assert alone.drawn() is None


def test_an_array_is_in_a_message_once_and_each_begins_at_a_multiple_of_four() -> None:
    message = ArrayMessage()
    odd = np.arange(5, dtype=np.uint8)
    assert [message.add(one) for one in (odd, VARIED, odd.copy(), None, VARIED.copy())] == [0, 1, 0, None, 1]
    packed = message.packed({"name": "x"})
    length = int.from_bytes(packed[:4], "little")
    assert len(packed) == 4 + length + 8 + 16
    assert_array_equal(np.frombuffer(packed, np.float32, 4, 4 + length + 8).reshape(2, 2), VARIED)
