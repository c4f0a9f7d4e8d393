"""Maps laid over their pictures: pixels worked out by hand, OpenCV's colour tables, OpenCV's bilinear enlargement."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import explain_lib as xl
from explain_lib.cam.drawing import draw_on_whole
from explain_lib.pictures.geometry import Box
from explain_lib.receptive_fields.centres import CellCentres

CODES = {
    "magma": cv2.COLORMAP_MAGMA,
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "jet": cv2.COLORMAP_JET,
}
# [[black, white], [(10, 20, 30), (200, 100, 0)]]
PICTURE = np.array([[[0, 0, 0], [255, 255, 255]], [[10, 20, 30], [200, 100, 0]]], np.uint8)
VALUES = np.array([[0.0, 0.4], [1.0, 2.0]], np.float32)  # by the maximum 0, .2, .5, 1: colours 0, 51, 127.5 to even 128, 255
STEPS = np.array([[0, 51], [128, 255]])


def colours(steps: Any, palette: str = "magma") -> np.ndarray:
    """The palette's colours with these numbers, RGB, as OpenCV paints them."""
    return cv2.applyColorMap(np.asarray(steps, np.uint8), CODES[palette])[:, :, ::-1]


def quadrupled(picture: np.ndarray) -> np.ndarray:
    """Each pixel as four by four."""
    return picture.repeat(4, 0).repeat(4, 1)


@pytest.mark.parametrize("palette", CODES)
def test_at_full_strength_there_is_only_the_map(palette: Any) -> None:
    found = xl.draw_overlay(PICTURE, VALUES, xl.Drawing(palette, strength=1), side=8)
    assert (found.dtype, found.shape) == (np.uint8, (8, 8, 3))
    assert_array_equal(found, quadrupled(colours(STEPS, palette)))


@pytest.mark.parametrize("signed", [False, True])
def test_at_no_strength_there_is_only_the_picture(signed: bool) -> None:
    found = xl.draw_overlay(PICTURE, VALUES, xl.Drawing(strength=0, signed=signed), side=8)
    assert_array_equal(found, quadrupled(PICTURE))


def test_at_half_strength_each_pixel_is_the_mean_of_picture_and_colour() -> None:
    found = xl.draw_overlay(PICTURE, VALUES, xl.Drawing("jet", strength=0.5), side=2)
    # jet ends at (0, 0, 128) and (128, 0, 0): half of black and half of (200, 100, 0) are added to half of these
    assert found[0, 0].tolist() == [0, 0, 64]
    assert found[1, 1].tolist() == [164, 50, 0]
    assert_array_equal(found, np.rint((PICTURE.astype(float) + colours(STEPS, "jet")) / 2))
    quarter = xl.draw_overlay(PICTURE, VALUES, xl.Drawing("jet", strength=0.25), side=2)
    assert quarter[1, 1].tolist() == [182, 75, 0]  # .75 (200, 100, 0) + .25 (128, 0, 0)


def test_without_a_drawing_it_is_magma_at_half_strength_on_352_pixels() -> None:
    found = xl.draw_overlay(PICTURE, VALUES)
    assert found.shape == (352, 352, 3)
    right = np.rint((PICTURE.astype(float) + colours(STEPS)) / 2)
    assert_array_equal(found, right.repeat(176, 0).repeat(176, 1))


def test_a_smooth_map_is_enlarged_bilinearly_over_a_picture_that_is_not() -> None:
    values = np.array([[0.0, 1.0], [0.0, 1.0]], np.float32)
    # centres of the four columns at -.25, .25, .75, 1.25 of the grid's: 0, .25, .75, 1; colours 0, 63.75, 191.25, 255
    right = colours([[0, 64, 191, 255]] * 4)
    assert_array_equal(xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, smooth=True), side=4), right)
    half = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=0.5, smooth=True), side=4)
    assert_array_equal(half, np.rint((PICTURE.repeat(2, 0).repeat(2, 1).astype(float) + right) / 2))


def test_a_smooth_map_is_opencvs_bilinear_one() -> None:
    values = np.random.default_rng(3).random((10, 10), dtype=np.float32)
    large = cv2.resize(values / values.max(), (352, 352), interpolation=cv2.INTER_LINEAR)
    right = colours(np.rint(large * 255), "viridis").astype(int)
    black = np.zeros((32, 32, 3), np.uint8)
    smooth, cells = (
        xl.draw_overlay(black, values, xl.Drawing("viridis", strength=1, smooth=choice)).astype(int) for choice in (True, False)
    )
    assert np.abs(smooth - right).max() <= 5  # a neighbouring colour, where rounding decides
    assert np.abs(smooth - right).mean() < 0.05
    assert np.abs(cells - right).max() > 50


BLUE, WHITE, RED = [33, 102, 172], [247, 247, 247], [178, 24, 43]  # #2166ac, #f7f7f7, #b2182b


def test_a_signed_map_goes_from_blue_over_white_to_red() -> None:
    values = np.array([[-2.0, 0.0], [1.0, 2.0]], np.float32)
    found = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2)
    # .5 is step 64 of 127 above the middle: 191 of 254, or 3.0079 of the 4 intervals: f4a582 and .0079 of the way to b2182b
    assert found.tolist() == [[BLUE, WHITE], [[243, 164, 129], RED]]


def test_a_signed_map_reaches_as_far_down_as_up_and_as_far_up_as_down() -> None:
    """White stays zero, and a map with little below zero has no deep blue."""
    values = np.array([[-0.5, 0.0], [0.0, 1.0]], np.float32)
    found = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2)
    assert found[0, 1].tolist() == WHITE
    assert found[1, 1].tolist() == RED
    assert found[0, 0].tolist() == [145, 196, 222]  # -63.5 to the even -64: .9921 between 2166ac and 92c5de
    values = np.array([[-2.0, 0.0], [0.0, 1.0]], np.float32)
    found = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2)
    assert found.tolist() == [[BLUE, WHITE], [WHITE, [243, 164, 129]]]


def test_what_is_below_zero_is_the_first_colour_of_an_unsigned_map() -> None:
    found = xl.draw_overlay(PICTURE, np.array([[-1.0, 1.0]], np.float32), xl.Drawing(strength=1), side=2)
    assert_array_equal(found, colours([[0, 255]] * 2))


def test_the_reach_is_the_value_of_the_last_colour() -> None:
    values = np.array([[0.0, 0.5], [1.0, 2.0]], np.float32)
    found = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1), side=2, reach=4.0)
    assert_array_equal(found, colours([[0, 32], [64, 128]]))  # 31.875, 63.75, 127.5 to even


def test_the_reach_of_a_signed_map_is_the_value_of_the_deepest_red() -> None:
    values = np.array([[0.0, 0.5], [0.0, 1.0]], np.float32)
    found = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2, reach=1.0)
    assert found.tolist() == [[WHITE, [243, 164, 129]], [WHITE, RED]]
    weaker = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2, reach=2.0)
    assert weaker[1, 1].tolist() == [243, 164, 129]


def test_values_beyond_the_reach_take_the_end_colours() -> None:
    values = np.array([[-5.0, 5.0]], np.float32)
    signed = xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1, signed=True), side=2, reach=1.0)
    assert signed.tolist() == [[BLUE, RED]] * 2
    assert_array_equal(xl.draw_overlay(PICTURE, values, xl.Drawing(strength=1), side=2, reach=1.0), colours([[0, 255]] * 2))


@pytest.mark.parametrize("reach", [None, 0.0, 1.0])
@pytest.mark.parametrize("smooth", [False, True])
def test_a_zero_map_is_all_of_the_first_colour_or_white_if_signed(reach: float | None, smooth: bool) -> None:
    zero = np.zeros((2, 2), np.float32)
    plain = xl.draw_overlay(PICTURE, zero, xl.Drawing("viridis", 1, smooth), side=4, reach=reach)
    assert_array_equal(plain, colours(np.zeros((4, 4)), "viridis"))
    signed = xl.draw_overlay(PICTURE, zero, xl.Drawing("viridis", 1, smooth, signed=True), side=4, reach=reach)
    assert signed.tolist() == [[WHITE] * 4] * 4


def test_a_share_that_follows_the_map_is_full_at_the_last_colour_and_none_at_zero() -> None:
    found = xl.draw_overlay(PICTURE, VALUES, xl.Drawing("jet", strength=0.5, follows=True), side=2)
    parts = (VALUES.astype(float) / 2 * 0.5)[:, :, None]  # half of 0, .2, .5 and 1
    assert_array_equal(found, np.rint((1 - parts) * PICTURE + parts * colours(STEPS, "jet")))
    assert found[0, 0].tolist() == PICTURE[0, 0].tolist()
    signed = xl.draw_overlay(PICTURE, -VALUES, xl.Drawing(strength=1, signed=True, follows=True), side=2)
    assert signed[1, 1].tolist() == BLUE
    assert signed[0, 0].tolist() == PICTURE[0, 0].tolist()


def test_the_line_runs_inside_what_is_at_least_half_the_maps_own_maximum_with_a_black_one_around_it() -> None:
    values = np.zeros((3, 3), np.float32)
    values[1, 1], values[0, 0] = 2.0, 0.9  # below half
    grey = np.full((3, 3, 3), 100, np.uint8)
    found = xl.draw_overlay(grey, values, xl.Drawing(strength=0, contour=True), side=24, reach=8.0)[:, :, 0]
    right = np.full((24, 24), 100)
    right[7:17, 8:16] = right[8:16, 7:17] = 0  # one pixel outside, without the corners
    right[8:16, 8:16] = 255
    right[10:14, 10:14] = 100
    assert_array_equal(found, right)


def test_a_map_that_is_nowhere_above_zero_has_no_line() -> None:
    values = np.array([[-1.0, 0.0]], np.float32)
    drawing = xl.Drawing(strength=0, signed=True, contour=True)
    assert_array_equal(xl.draw_overlay(PICTURE, values, drawing, side=8), quadrupled(PICTURE))


def test_an_overlay_has_the_proportions_of_its_picture() -> None:
    assert xl.draw_overlay(np.zeros((20, 40, 3), np.uint8), VALUES, side=80).shape == (40, 80, 3)


def test_a_map_that_is_read_only_or_of_double_precision_is_drawn_alike() -> None:
    frozen = VALUES.copy()
    frozen.flags.writeable = False
    for smooth in (False, True):
        drawing = xl.Drawing(smooth=smooth)
        right = xl.draw_overlay(PICTURE, VALUES, drawing, side=8)
        assert_array_equal(xl.draw_overlay(PICTURE, frozen, drawing, side=8), right)
        double = xl.draw_overlay(PICTURE, VALUES.astype(np.float64), drawing, side=8)
        assert np.abs(double.astype(int) - right).max() <= 2  # a neighbouring colour, where rounding decides


BAD_MAPS: list[tuple[Any, str]] = [
    (
        np.array([[0.0, np.nan]], np.float32),
        r"values: the map contains NaN or infinity; a map of finite numbers would be right",
    ),
    (np.array([[0.0, -np.inf]], np.float32), r"values: the map contains NaN or infinity"),
    ([[0.0]], r"values: a list; a floating-point map of shape \(H, W\) would be right"),
    (np.zeros((2, 2), np.uint8), r"values: uint8 of shape \(2, 2\); a floating-point map"),
    (np.zeros((1, 2, 2), np.float32), r"values: float32 of shape \(1, 2, 2\); a floating-point map"),
    (np.zeros((0, 2), np.float32), r"values: float32 of shape \(0, 2\); a floating-point map"),
]


@pytest.mark.parametrize(("values", "sentence"), BAD_MAPS, ids=["NaN", "infinity", "list", "uint8", "batch", "empty"])
def test_anything_but_a_finite_map_is_refused(values: Any, sentence: str) -> None:
    for signed in (False, True):
        with pytest.raises(xl.InputError, match=sentence):
            xl.draw_overlay(PICTURE, values, xl.Drawing(signed=signed), reach=1.0)


@pytest.mark.parametrize("reach", [-1.0, float("nan"), float("inf")])
def test_a_reach_that_is_below_zero_or_not_finite_is_refused(reach: float) -> None:
    with pytest.raises(xl.InputError, match=rf"reach: {reach}; a finite number from 0 up would be right"):
        xl.draw_overlay(PICTURE, VALUES, reach=reach)


@pytest.mark.parametrize("strength", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_strength_outside_0_to_1_is_refused(strength: float) -> None:
    with pytest.raises(xl.InputError, match=rf"strength: {strength}; a number from 0 to 1 would be right"):
        xl.Drawing(strength=strength)


def test_an_unknown_palette_of_a_drawing_is_refused() -> None:
    with pytest.raises(xl.InputError, match=r"palette: 'rainbow'; one of magma, inferno, viridis, cividis, jet would be right"):
        xl.Drawing("rainbow")  # type: ignore[arg-type]  # the mistake tested


# Section: cells where they look. On 8 x 8 pixels two cells of each axis look at 3 and 5: halfway lies 4, and their ends are 2
# and 6, so that the border is 2.5 and 1.5 pixels wide, of the 1 that half a cell has.

WIDE = np.zeros((8, 8, 3), np.uint8)
LOOKS = np.stack(np.meshgrid([3, 5], [3, 5], indexing="ij"), 2).astype(np.float32)
OPAQUE = xl.Drawing(strength=1, border=False)


def test_each_pixel_has_the_cell_that_looks_nearest_and_beyond_the_outermost_it_holds() -> None:
    found = xl.draw_overlay(WIDE, VALUES, OPAQUE, side=8, centres=LOOKS)
    nearest = np.array([0, 0, 0, 0, 1, 1, 1, 1])  # 4 is halfway, and belongs to the cell after
    assert_array_equal(found, colours(STEPS)[nearest[:, None], nearest])


def test_smooth_cells_are_mixed_between_their_centres() -> None:
    found = xl.draw_overlay(WIDE, VALUES, replace(OPAQUE, smooth=True), side=8, centres=LOOKS)
    along = np.clip((np.arange(8) - 3) / 2, 0, 1)  # 0 0 0 0 .5 1 1 1
    corners = VALUES.astype(float) / 2
    rows = corners[0] * (1 - along[:, None]) + corners[1] * along[:, None]
    right = rows[:, :1] * (1 - along) + rows[:, 1:] * along
    assert_array_equal(found, colours(np.rint(right * 255)))


def test_the_border_that_no_cell_is_centred_on_is_marked() -> None:
    plain = xl.draw_overlay(WIDE, VALUES, OPAQUE, side=80, centres=LOOKS)
    marked = xl.draw_overlay(WIDE, VALUES, replace(OPAQUE, border=True), side=80, centres=LOOKS)
    # ten pixels of the drawing a pixel: those whose middle is in 2 to 6 begin at (2 + .5) 10 = 25 and end before 65
    line = np.zeros((80, 80), bool)
    line[[25, 64], 25:65] = line[25:65, [25, 64]] = True
    dashes = np.add.outer(np.arange(80), np.arange(80)) // 4 % 2 * 255
    assert_array_equal(marked, np.where(line[:, :, None], dashes[:, :, None], plain))


def test_a_border_of_less_than_half_a_cell_is_not_marked() -> None:
    whole = np.stack(np.meshgrid([1, 5], [2, 5], indexing="ij"), 2).astype(np.float32)  # ends -1 and 7, .5 and 6.5
    drawings = [
        xl.draw_overlay(WIDE, VALUES, replace(OPAQUE, border=border), side=80, centres=whole) for border in (True, False)
    ]
    assert_array_equal(*drawings)


def test_stretched_centres_draw_what_no_centres_draw() -> None:
    stretched = np.stack(np.meshgrid([1.5, 5.5], [1.5, 5.5], indexing="ij"), 2).astype(np.float32)
    for smooth in (False, True):
        drawing = replace(OPAQUE, smooth=smooth, border=True)
        found = [xl.draw_overlay(WIDE, VALUES, drawing, side=40, centres=centres) for centres in (None, stretched)]
        assert_array_equal(*found)


@pytest.mark.parametrize(
    ("centres", "sentence"),
    [
        (
            LOOKS[:1],
            r"centres: .*; floating-point centres \(2, 2, 2\) in rows and columns, as from cell_centres, would be right",
        ),
        (LOOKS[::-1].copy(), "centres: they do not rise from cell to cell"),
        (LOOKS + np.float32([[[0, 0], [0, 0]], [[0, 1], [0, 1]]]), "centres: they do not rise|in rows and columns"),
        (LOOKS.astype(int), "centres: .*floating-point"),
    ],
)
def test_centres_of_another_grid_or_in_disorder_are_refused(centres: Any, sentence: str) -> None:
    with pytest.raises(xl.InputError, match=sentence):
        xl.draw_overlay(WIDE, VALUES, centres=centres)


# Section: on the whole picture, of which the network sees a square

GREY = np.full((12, 8, 3), 100, np.uint8)


def test_on_the_whole_picture_the_map_lies_where_the_network_looks_and_the_rest_is_dark() -> None:
    found = draw_on_whole(GREY, Box(4, 0, 12, 8, (12, 8)), VALUES, OPAQUE)
    assert_array_equal(found[4:], quadrupled(colours(STEPS)))
    assert (found[:4] == 40).all()


def test_what_the_network_sees_beyond_the_picture_is_left_out() -> None:
    found = draw_on_whole(GREY[:4], Box(-2, 0, 6, 8, (4, 8)), VALUES, OPAQUE)
    assert_array_equal(found, quadrupled(colours(STEPS))[2:6])


def test_on_the_whole_picture_cells_lie_where_they_look_in_the_input() -> None:
    """The input of 8 x 8 pixels is drawn on 16 x 16: what looks at 3 and 5 lies at 6.5 and 10.5, and halfway is 8.5."""
    centres = CellCentres(np.float32([3, 5]), np.float32([3, 5]), (8, 8), "read")
    found = draw_on_whole(np.zeros((16, 20, 3), np.uint8), Box(0, 4, 16, 20, (16, 20)), VALUES, OPAQUE, centres=centres)
    nearest = (np.arange(16) >= 8.5).astype(int)
    assert_array_equal(found[:, 4:], colours(STEPS)[nearest[:, None], nearest])
    assert not found[:, :4].any()
