"""A painted region beside a map: the share inside, the share of the picture, and the overlap as xl.compare has it."""

import numpy as np
import pytest
from numpy.typing import NDArray

import explain_lib as xl
from explain_lib.trust.region import map_by_cell

RNG = np.random.default_rng(4)


def pixels_of(cells: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Pixel by pixel, as the cover's documentation has it."""
    return np.array([[cells[16 * y // height, 16 * x // width] for x in range(width)] for y in range(height)])


def test_a_region_over_two_cells_has_the_numbers_that_a_hand_counts() -> None:
    values = np.zeros((32, 32), np.float32)
    values[0:2, 0:2] = 3  # one cell with 12 of 20
    values[4, 4:8] = 2  # half of two cells, with 4 each
    cells = np.zeros((16, 16), bool)
    cells[0, 0] = cells[2, 2] = True
    found = map_by_cell(values).beside(cells)
    assert found.inside == 16 / 20
    assert found.area == 8 / 1024
    # the brightest 205 pixels: the 8 above zero, then 197 zeros from the top left: rows 0 to 5 and the 9 first of row 6, less
    # the 8 above zero there. Of the region's 8 pixels all are among them
    assert found.iou == 8 / 205


@pytest.mark.parametrize("size", [(32, 32), (20, 16), (37, 50)])
def test_shares_are_those_of_the_pixels_themselves(size: tuple[int, int]) -> None:
    values, cells = RNG.random(size, np.float32) ** 3, RNG.random((16, 16)) < 0.3
    region, found = pixels_of(cells, *size), map_by_cell(values).beside(cells)
    assert found.inside == pytest.approx(values[region].sum() / values.sum(), abs=1e-5)
    assert found.area == region.mean()
    top = np.zeros(values.size, bool)
    top[np.argsort(-values.ravel(), kind="stable")[: round(0.2 * values.size)]] = True
    top = top.reshape(size)
    assert found.iou == (top & region).sum() / (top | region).sum()


def test_the_overlap_is_that_of_compare_where_a_fifth_is_painted() -> None:
    values = RNG.random((20, 16), np.float32)  # 320 pixels: rows of one and of two pixels a cell
    sizes = np.bincount(16 * np.arange(20) // 20)
    cells = np.zeros((16, 16), bool)
    cells[np.flatnonzero(sizes == 1)[:4]] = True  # 64 pixels
    region = pixels_of(cells, 20, 16)
    assert region.sum() == 64
    assert map_by_cell(values).beside(cells).iou == xl.compare(region.astype(np.float32), values).iou


def test_a_region_that_holds_all_of_the_map_has_exactly_all_of_it() -> None:
    values = np.zeros((32, 32), np.float32)
    values[7:20, 3:21] = RNG.random((13, 18), np.float32)
    cells = np.zeros((16, 16), bool)
    cells[3:10, 1:11] = True
    assert map_by_cell(values).beside(cells).inside == 1
    assert map_by_cell(values).beside(~cells).inside == 0


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (np.zeros((32, 32), np.float32), "zero"),
        (np.ones((32, 32), np.float32), "constant"),
        (np.array([[0, np.nan]], np.float32), "not finite"),
        (np.array([[0, -1]], np.float32), "negative in places"),
    ],
)
def test_a_map_without_brightest_pixels_is_refused(values: NDArray[np.float32], what: str) -> None:
    with pytest.raises(xl.InputError, match=f"^values: the map is {what}; one that varies and is nowhere below zero"):
        map_by_cell(values)


def test_a_region_without_a_cell_is_refused() -> None:
    with pytest.raises(xl.InputError, match=r"^region: no cell of it is painted; one cell or more would be right"):
        map_by_cell(RNG.random((32, 32), np.float32)).beside(np.zeros((16, 16), bool))
