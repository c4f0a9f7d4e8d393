"""Regions: masks as runs, on grids of other sizes, and in JSON."""

import json
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import explain_lib as xl
from explain_lib.regions.region import read_region

MASKS = {
    "middle": [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]],
    "all": [[1, 1], [1, 1]],
    "first and last": [[1, 0, 0], [0, 0, 1]],
}


@pytest.mark.parametrize("rows", MASKS.values(), ids=MASKS)
def test_a_mask_becomes_a_region_and_back(rows: list[list[int]]) -> None:
    mask = np.array(rows, np.bool_)
    region = xl.region_of(mask)
    assert_array_equal(region.mask, mask)
    assert (region.area, region.share) == (mask.sum(), mask.mean())
    assert read_region(json.loads(json.dumps(region.to_json()))) == region
    assert not region.mask.flags.writeable


def test_the_runs_alternate_outside_and_inside() -> None:
    assert xl.region_of(np.array(MASKS["middle"], np.bool_)).runs == (5, 2, 2, 1, 2)
    assert xl.region_of(np.array(MASKS["all"], np.bool_)).runs == (0, 4)
    assert xl.pixel_region((3, 4), 1, 2) == xl.Region((3, 4), (6, 1, 5), "pixel")


def test_a_region_on_a_finer_grid_has_the_places_within_it() -> None:
    region = xl.region_of(np.array([[0, 1], [1, 0]], np.bool_))
    assert_array_equal(region.on((4, 3)), np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 1, 0]], np.bool_))


def test_a_pixel_is_not_lost_on_a_coarser_grid() -> None:
    for row, column in np.ndindex(8, 6):
        found = xl.pixel_region((8, 6), row, column).on((3, 2))
        assert_array_equal(np.argwhere(found), [[row * 3 // 8, column * 2 // 6]])


WRONG: list[tuple[Any, str]] = [
    (lambda: xl.region_of(np.zeros((2, 2), np.bool_)), "no place belongs to it"),
    (lambda: xl.region_of(np.zeros((0, 2), np.bool_)), "whole numbers from 1"),
    (lambda: xl.region_of(np.ones((2, 2))), "a mask, bool"),
    (lambda: xl.Region((2, 2), (1, 2)), r"its runs have 3 places; those of a grid of \(2, 2\)"),
    (lambda: xl.Region((2, 2), (1, "3")), "whole numbers from 0"),  # type: ignore[arg-type]
    (lambda: xl.Region((2, 2), (1, 3), "round"), "one of drawn, pixel, predicted"),  # type: ignore[arg-type]
    (lambda: xl.pixel_region((4, 5), 4, 0), "rows 0 to 3 and columns 0 to 4"),
    (lambda: read_region({"rows": 3}), "its size, runs and kind"),
]


@pytest.mark.parametrize(("make", "sentence"), WRONG)
def test_what_is_no_region_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(xl.InputError, match=sentence):
        make()
