"""Outlines by GrabCut, beside shapes that are known."""

import time

import cv2
import numpy as np
import pytest
from skimage.filters import threshold_otsu

import explain_lib as xl
from explain_lib.study.outlines import outline_masks, usable_outlines


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def noisy(shape: np.ndarray, inside: tuple[int, int, int], outside: tuple[int, int, int]) -> np.ndarray:
    """A picture with one colour inside the shape, another outside, and noise over both."""
    clean = np.where(shape[..., None], np.array(inside), np.array(outside))
    return np.clip(clean + np.random.default_rng(0).normal(0, 12, clean.shape), 0, 255).astype(np.uint8)


def ellipse(middle: tuple[float, float], radii: tuple[float, float], side: int = 32) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return ((rows - middle[0]) / radii[0]) ** 2 + ((columns - middle[1]) / radii[1]) ** 2 <= 1


@pytest.fixture(scope="module")
def frogs(images: xl.ImageSet) -> np.ndarray:
    return images.pixels[np.flatnonzero(images.labels == 6)[:60]]


SHAPES = {
    "round": ellipse((15.5, 15.5), (9, 9)),
    "flat, off the middle": ellipse((18, 14), (6, 11)),
    "large": ellipse((16, 16), (13, 12)),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_on_another_colour_is_found(shape: np.ndarray) -> None:
    picture = noisy(shape, (60, 140, 50), (150, 110, 80))
    (mask,) = outline_masks(picture[None])
    assert mask.dtype == bool
    assert mask.shape == (32, 32)
    assert overlap(mask, shape) > 0.9


def test_frogs_on_white_are_what_otsus_threshold_parts_from_white(images: xl.ImageSet) -> None:
    pixels = images.pixels[images.labels == 6]
    border = np.concatenate([pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]], 1).min(2)
    on_white = pixels[(border > 215).mean(1) > 0.93]
    darkest = on_white.min(3)
    expected = [picture <= threshold_otsu(picture) for picture in darkest]
    overlaps = [overlap(a, b) for a, b in zip(outline_masks(on_white), expected, strict=True)]
    assert len(overlaps) > 10
    assert np.mean(overlaps) > 0.88
    assert min(overlaps) > 0.75


def test_pieces_that_do_not_touch_the_middle_are_left_out() -> None:
    shape, speck = ellipse((17, 16), (8, 8)), np.zeros((32, 32), bool)
    speck[4:7, 4:7] = True
    (mask,) = outline_masks(noisy(shape | speck, (200, 60, 40), (40, 60, 200))[None])
    assert not mask[speck].any()
    assert overlap(mask, shape) > 0.9


def test_an_outline_depends_on_nothing_but_its_picture(frogs: np.ndarray) -> None:
    together = outline_masks(frogs[:12])
    cv2.setRNGSeed(12345)
    np.testing.assert_array_equal(outline_masks(frogs[:12][::-1])[::-1], together)
    np.testing.assert_array_equal(outline_masks(frogs[7:8])[0], together[7])


def test_nearly_all_frogs_get_an_outline(frogs: np.ndarray) -> None:
    masks = outline_masks(frogs)
    assert usable_outlines(masks).mean() > 0.9
    assert 0.2 < masks.mean() < 0.5
    assert masks[:, 12:20, 12:20].all()
    assert not masks[:, 0].any()


def test_a_picture_of_one_colour_has_no_usable_outline() -> None:
    masks = outline_masks(np.full((2, 32, 32, 3), 128, np.uint8))
    assert not usable_outlines(masks).any()


def test_next_to_nothing_and_next_to_everything_are_not_usable() -> None:
    masks = np.zeros((6, 32, 32), bool)
    masks[1, 12:20, 12:20] = True  # the square that is taken for granted
    masks[2, 11:21, 11:21] = True
    masks[3, 3:29, 3:29] = True
    masks[4, 1:31, 1:31] = True  # all but the edge
    masks[5] = True
    assert usable_outlines(masks).tolist() == [False, False, True, True, False, False]


def test_larger_pictures_have_outlines_too() -> None:
    shape = ellipse((30, 33), (20, 17), side=64)
    (mask,) = outline_masks(noisy(shape, (60, 140, 50), (150, 110, 80))[None])
    assert overlap(mask, shape) > 0.9


def test_an_outline_takes_some_milliseconds(frogs: np.ndarray) -> None:
    start = time.thread_time()
    outline_masks(frogs[:20])
    assert (time.thread_time() - start) / 20 < 0.25  # some 7 ms, on a machine of its own


@pytest.mark.parametrize(
    "pixels", [np.zeros((1, 32, 32, 3)), np.zeros((32, 32, 3), np.uint8), np.zeros((1, 7, 9, 3), np.uint8), 3]
)
def test_other_pictures_are_refused(pixels: object) -> None:
    with pytest.raises(xl.InputError, match=r"^pixels: .*would be right"):
        outline_masks(pixels)  # type: ignore[arg-type]
