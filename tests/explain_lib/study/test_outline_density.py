"""Outline against object: filled objects below zero, outlines above, blobs at zero, on real outlines; numbers by hand."""

import cv2
import numpy as np
import pytest

import explain_lib as xl
from explain_lib.base.statistics import Estimate, bootstrap_mean
from explain_lib.study.outline_density import outline_densities, outline_parts
from explain_lib.study.outlines import find_outlines


def a_square(top: int, left: int, side: int, size: int = 8) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_the_band_is_a_pixel_to_either_side_and_none_lies_along_the_border() -> None:
    bands, insides = outline_parts(np.stack([a_square(2, 2, 4), a_square(0, 0, 4)]))
    right = a_square(1, 1, 6) & ~a_square(3, 3, 2)
    np.testing.assert_array_equal(bands[0], right)
    np.testing.assert_array_equal(insides[0], a_square(3, 3, 2))
    np.testing.assert_array_equal(insides[1], a_square(0, 0, 3))
    np.testing.assert_array_equal(bands[1], a_square(0, 0, 5) & ~a_square(0, 0, 3))


def test_densities_are_counted_by_hand() -> None:
    masks = np.stack([a_square(2, 2, 4), a_square(0, 0, 4)])
    maps = np.zeros((2, 8, 8), np.float32)
    maps[0, 2, 2], maps[0, 3, 3] = 3, 1
    maps[1, 4, 4] = 5
    along, inside = outline_densities(maps, masks)
    # band and inside have 32 and 4 of 64 pixels in the first picture, 16 and 9 in the second
    np.testing.assert_allclose(along, [(3 / 4) / (32 / 64), 1 / (16 / 64)])
    np.testing.assert_allclose(inside, [(1 / 4) / (4 / 64), 0])


def test_an_even_map_is_as_dense_everywhere() -> None:
    found = outline_densities(np.full((2, 8, 8), 0.3, np.float32), np.stack([a_square(2, 2, 4), a_square(1, 3, 4)]))
    np.testing.assert_allclose(found, 1)


def test_maps_without_a_sum_and_objects_without_an_inside_have_no_value() -> None:
    maps = np.ones((3, 8, 8))
    maps[0], maps[1, 0, 0] = 0, np.nan
    along, inside = outline_densities(maps, np.stack([a_square(2, 2, 4), a_square(2, 2, 4), a_square(4, 4, 2)]))
    assert np.isnan(along).tolist() == [True, True, False]
    assert np.isnan(inside).tolist() == [True, True, True]


# Section: real outlines


@pytest.fixture(scope="module")
def outlines(images: xl.ImageSet) -> np.ndarray:
    found = find_outlines(images.pixels[:400])
    return found.masks[found.usable]


def coarse(maps: np.ndarray, grid: int) -> np.ndarray:
    """Maps as a network's are, from a grid of cells, enlarged bilinearly."""
    cells = [cv2.resize(one.astype(np.float32), (grid, grid), interpolation=cv2.INTER_AREA) for one in maps]
    return np.stack([cv2.resize(one, (32, 32), interpolation=cv2.INTER_LINEAR) for one in cells])


def beyond(maps: np.ndarray, masks: np.ndarray) -> Estimate:
    """Along less inside, less the same with the next picture's outline: the number of the rule, mean and interval."""
    own, other = (np.subtract(*outline_densities(maps, one)) for one in (masks, np.roll(masks, -1, axis=0)))
    return bootstrap_mean(own - other)


@pytest.mark.parametrize("grid", [32, 16, 8])
def test_filled_objects_are_below_zero_and_outlines_above(outlines: np.ndarray, grid: int) -> None:
    filled = beyond(coarse(outlines, grid), outlines)
    band = beyond(coarse(outline_parts(outlines)[0], grid), outlines)
    assert filled.high < 0
    assert band.low > 0


def test_a_blob_in_the_middle_is_about_zero(outlines: np.ndarray) -> None:
    row = np.exp(-(((np.arange(32) - 15.5) / 6) ** 2))
    found = beyond(np.tile(row[:, None] * row, (len(outlines), 1, 1)), outlines)
    assert abs(found.mean) < 0.02
    assert not found.excludes_zero
    moved = np.stack([np.roll(row[:, None] * row, (k % 7 - 3, k % 5 - 2), (0, 1)) for k in range(len(outlines))])
    assert not beyond(moved, outlines).excludes_zero


# Section: bad input


@pytest.mark.parametrize(
    ("maps", "masks", "words"),
    [
        (np.ones((2, 8, 8), int), np.ones((2, 8, 8), bool), "maps"),
        (-np.ones((2, 8, 8)), np.ones((2, 8, 8), bool), "maps"),
        (np.ones((2, 8, 8)), np.ones((2, 8, 8)), "masks"),
        (np.ones((2, 8, 8)), np.ones((2, 8, 9), bool), "masks"),
    ],
)
def test_other_maps_or_masks_get_a_sentence(maps: np.ndarray, masks: np.ndarray, words: str) -> None:
    with pytest.raises(xl.InputError, match=rf"^{words}: .* would be right"):
        outline_densities(maps, masks)
