"""Outlines by GrabCut, beside shapes that are known and outlines that were drawn by hand."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.filters import threshold_otsu

import explain_lib as xl
from explain_lib.study.drawn_outlines import DrawnOutlines, drawn_outlines, outline_quality, overlaps
from explain_lib.study.outlines import Outlines, find_outlines, intersection_over_union, outline_masks, write_outlines


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
    found = find_outlines(frogs)
    masks = found.masks
    assert found.usable.mean() > 0.75
    assert 0.2 < masks.mean() < 0.5
    assert masks[:, 12:20, 12:20].all()
    assert not masks[:, 0].any()


def test_a_picture_of_one_colour_has_no_usable_outline() -> None:
    assert not find_outlines(np.full((2, 32, 32, 3), 128, np.uint8)).usable.any()


def test_next_to_nothing_and_next_to_everything_are_not_usable() -> None:
    masks = np.zeros((6, 32, 32), bool)
    masks[1, 12:20, 12:20] = True  # the square that is taken for granted
    masks[2, 11:21, 11:21] = True
    masks[3, 3:29, 3:29] = True
    masks[4, 1:31, 1:31] = True  # all but the edge
    masks[5] = True
    assert Outlines(masks, np.ones(6, np.float32)).usable.tolist() == [False, False, True, True, False, False]


def test_outlines_that_depend_on_the_start_are_not_usable(frogs: np.ndarray) -> None:
    found = find_outlines(frogs)
    assert (found.agreement >= 0).all()
    assert (found.agreement <= 1).all()
    halved = Outlines(found.masks, np.where(np.arange(len(frogs)) % 2, 0.79, 0.81).astype(np.float32))
    assert not halved.usable[1::2].any()
    assert halved.usable[::2].mean() > 0.9


def test_larger_pictures_have_outlines_too() -> None:
    shape = ellipse((30, 33), (20, 17), side=64)
    (mask,) = outline_masks(noisy(shape, (60, 140, 50), (150, 110, 80))[None])
    assert overlap(mask, shape) > 0.9


def test_an_outline_takes_some_milliseconds(frogs: np.ndarray) -> None:
    start = time.thread_time()
    outline_masks(255 - frogs[:5])  # not the bundled ones
    assert (time.thread_time() - start) / 5 < 2  # some 170 ms, on a machine of its own


# Section: the bundled ones, and those drawn by hand


def test_bundled_outlines_are_those_that_are_found(images: xl.ImageSet, tmp_path: Path) -> None:
    chosen = images.pixels[[0, 4, 123, 4567, 9999]]
    bundled = find_outlines(chosen)
    write_outlines(chosen, tmp_path / "outlines.npz")
    with np.load(tmp_path / "outlines.npz") as file:
        masks = np.unpackbits(file["bits"], axis=1).reshape(-1, 32, 32).astype(bool)
        np.testing.assert_array_equal(masks, bundled.masks)
        np.testing.assert_allclose(file["agreement"], bundled.agreement)


def test_every_test_image_has_a_bundled_outline(images: xl.ImageSet) -> None:
    start = time.thread_time()
    assert len(find_outlines(images.pixels).masks) == 10_000
    assert time.thread_time() - start < 60  # none of them is found anew, which would take half an hour


@pytest.fixture(scope="module")
def drawn(images: xl.ImageSet) -> DrawnOutlines:
    return drawn_outlines(images.labels)


def test_ten_of_each_class_are_drawn_and_twenty_of_them_twice(images: xl.ImageSet, drawn: DrawnOutlines) -> None:
    assert np.bincount(images.labels[drawn.images]).tolist() == [10] * 10
    assert (len(drawn.masks), len(drawn.again)) == (100, 20)
    assert drawn.masks.any((1, 2)).all()
    assert not drawn.masks.all((1, 2)).any()
    twice = [*range(30, 40), *range(60, 70)]
    agree = [overlap(a, b) for a, b in zip(drawn.masks[twice], drawn.again, strict=True)]
    assert np.mean(agree) == pytest.approx(0.915, abs=0.001)


def test_usable_outlines_are_nearer_to_those_drawn_by_hand_than_one_pass_of_grabcut(
    images: xl.ImageSet, drawn: DrawnOutlines
) -> None:
    pictures = images.pixels[drawn.images]
    found = find_outlines(pictures)
    mine = overlaps(found.masks, drawn.masks)
    np.testing.assert_allclose(mine, [overlap(a, b) for a, b in zip(found.masks, drawn.masks, strict=True)])
    near = outline_quality(images.pixels, images.labels)
    assert (near.usable, near.count) == (pytest.approx(mine[found.usable].mean()), found.usable.sum())
    assert near.hands == pytest.approx(0.915, abs=0.001)
    plain = np.array([overlap(one_pass(a), b) for a, b in zip(pictures, drawn.masks, strict=True)])
    assert plain.mean() == pytest.approx(0.60, abs=0.01)
    assert mine.mean() == pytest.approx(0.66, abs=0.01)
    assert mine[found.usable].mean() == pytest.approx(0.70, abs=0.01)
    assert found.usable.sum() > 65


def one_pass(picture: np.ndarray) -> np.ndarray:
    """GrabCut as it is mostly called, on pixels repeated twice."""
    told = np.full((32, 32), cv2.GC_PR_BGD, np.uint8)
    told[3:29, 3:29], told[12:20, 12:20] = cv2.GC_PR_FGD, cv2.GC_FGD
    told[[0, -1]] = told[:, [0, -1]] = cv2.GC_BGD
    large, shown = (one.repeat(2, 0).repeat(2, 1) for one in (told, picture))
    cv2.setRNGSeed(0)
    cv2.grabCut(shown, large, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    _, pieces = cv2.connectedComponents(np.isin(large[::2, ::2], (1, 3)).astype(np.uint8), connectivity=4)
    middle = np.unique(pieces[12:20, 12:20])
    return np.isin(pieces, middle[middle > 0])


def test_the_overlap_of_two_masks_by_hand() -> None:
    one, other = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    one[:2], other[1:3] = True, True
    assert intersection_over_union(one, other) == pytest.approx(4 / 12)
    assert intersection_over_union(one & ~one, one & ~one) == 1


@pytest.mark.parametrize(
    "pixels", [np.zeros((1, 32, 32, 3)), np.zeros((32, 32, 3), np.uint8), np.zeros((1, 7, 9, 3), np.uint8), 3]
)
def test_other_pictures_are_refused(pixels: object) -> None:
    with pytest.raises(xl.InputError, match=r"^pixels: .*would be right"):
        outline_masks(pixels)  # type: ignore[arg-type]
