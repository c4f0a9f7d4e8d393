"""Covered and shuffled parts of pictures, by hand and beside SciPy."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

import explain_lib as xl
from explain_lib.study.covers import COVERS, Cover, covered, equal_parts, shuffled_alike
from explain_lib.study.outline_density import outline_parts
from explain_lib.study.outlines import find_outlines


@pytest.fixture(scope="module")
def some(images: xl.ImageSet) -> tuple[np.ndarray, np.ndarray]:
    found = find_outlines(images.pixels[:60])
    usable = found.usable & outline_parts(found.masks)[1].any((1, 2))
    return images.pixels[:60][usable], found.masks[usable]


# Section: covers


@pytest.mark.parametrize("cover", COVERS)
def test_what_is_not_covered_stays_and_what_is_does_not_tell_the_object(
    cover: Cover, some: tuple[np.ndarray, np.ndarray]
) -> None:
    pixels, masks = some
    found = covered(pixels, masks, cover)
    np.testing.assert_array_equal(found[~masks], pixels[~masks])
    if cover in ("grey", "white", "black"):
        assert set(found[masks].ravel()) == {{"grey": 128, "white": 255, "black": 0}[cover]}
    else:  # the contrast of single pixels is gone
        assert np.abs(np.diff(found.astype(int), axis=1)).mean() < 0.9 * np.abs(np.diff(pixels.astype(int), axis=1)).mean()


def test_a_blur_is_scipys_gaussian_of_an_eighth_of_the_height(some: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, masks = some[0][:5], some[1][:5]
    found = covered(pixels, masks, "blurred")
    for picture, mask, one in zip(pixels, masks, found, strict=True):
        smooth = ndimage.gaussian_filter(picture.astype(float), (4, 4, 0), mode="mirror")
        assert np.abs(one[mask] - smooth[mask]).max() < 2.5  # OpenCV's kernel is cut off, and its values are whole


def test_what_is_filled_in_comes_from_around() -> None:
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[:, :, 8:] = 200
    places = np.zeros((1, 16, 16), bool)
    places[:, 6:10, 1:5] = True
    picture[places] = 77  # what is covered must not matter
    assert (covered(picture, places, "filled in")[places] < 5).all()


def test_another_cover_gets_a_sentence() -> None:
    with pytest.raises(xl.InputError, match=r"^cover: 'pink'; grey, white, black, blurred, filled in would be right"):
        covered(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8), bool), "pink")  # type: ignore[arg-type]


# Section: parts of equal area


def test_equal_parts_are_the_smaller_one_and_the_nearest_pixels_of_the_larger(some: tuple[np.ndarray, np.ndarray]) -> None:
    masks = some[1]
    for mask, inner, outer in zip(masks, *equal_parts(masks), strict=True):
        assert inner.sum() == outer.sum() == min(mask.sum(), (~mask).sum())
        assert not (inner & ~mask).any()
        assert not (outer & mask).any()
        larger, kept = (mask, inner) if mask.sum() > (~mask).sum() else (~mask, outer)
        distance = ndimage.distance_transform_edt(larger)
        if kept.sum() < larger.sum():
            assert distance[kept].max() <= distance[larger & ~kept].min() + 1e-6


def test_the_border_of_the_picture_is_no_outline() -> None:
    mask = np.zeros((1, 8, 8), bool)
    mask[:, :, :6] = True  # the outline is at its right side alone
    inner, outer = equal_parts(mask)
    assert outer[0, :, 6:].all()
    assert inner[0, :, 4:6].all()
    assert inner.sum() == 16


# Section: shuffling


def test_a_shuffled_part_keeps_its_colours_and_all_else_its_place(some: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, masks = some
    parts = outline_parts(masks)
    pairs = zip(pixels, *parts, *shuffled_alike(pixels, parts, 0), strict=True)
    whole = 0
    for picture, band, inside, outline_shuffled, inside_shuffled in pairs:
        for part, shuffled in ((band, outline_shuffled), (inside, inside_shuffled)):
            np.testing.assert_array_equal(shuffled[~part], picture[~part])
            whole += sorted(map(tuple, shuffled[part])) == sorted(map(tuple, picture[part]))
    assert whole >= len(pixels)  # one of the two is not faded


def test_both_parts_are_changed_by_as_much(some: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, masks = some
    first, second = shuffled_alike(pixels, outline_parts(masks), 1)
    changes = [((one.astype(float) - pixels) ** 2).sum((1, 2, 3)) for one in (first, second)]
    np.testing.assert_allclose(changes[0], changes[1], rtol=0.02)
    assert min(map(np.min, changes)) > 0


def test_a_part_of_one_colour_cannot_be_changed_and_so_nothing_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    inside = np.zeros((1, 8, 8), bool)
    inside[:, 2:5, 2:5] = True
    picture[inside] = 90
    for found in shuffled_alike(picture, (~inside, inside), 0):
        np.testing.assert_array_equal(found, picture)


def test_other_draws_are_other_orders(some: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, masks = some
    one, other = (shuffled_alike(pixels, outline_parts(masks), draw)[0] for draw in (0, 1))
    again = shuffled_alike(pixels[3:5], outline_parts(masks[3:5]), 0)[0]
    assert (one != other).any()
    np.testing.assert_array_equal(one[3:5], again)  # a picture's order does not depend on its company
    assert cv2.norm(one[0], other[0]) > 0
