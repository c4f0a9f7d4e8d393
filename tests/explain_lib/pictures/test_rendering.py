"""Pictures: palettes, overlays, and the study's own ways of drawing."""

from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from pytorch_grad_cam.utils.image import show_cam_on_image

import explain_lib as xl
from explain_lib.pictures.palettes import DIVERGING, colour, colour_signed, diverging_table, palette_table
from explain_lib.pictures.rendering import (
    enlarge,
    mosaic,
    overlay,
    png,
    study_heatmap,
    study_manual_overlay,
    study_package_overlay,
    webp,
)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture
def heat() -> NDArray[np.float32]:
    values = np.random.default_rng(6).random((32, 32), dtype=np.float32)
    return (values - values.min()) / (values.max() - values.min())


@pytest.mark.parametrize("palette", ["magma", "inferno", "viridis", "cividis"])
def test_the_uniform_palettes_are_matplotlibs(palette: str) -> None:
    expected = mpl.colormaps[palette](np.arange(256), bytes=True)[:, :3]
    # the two tables are rounded differently from the same floating-point colours
    assert np.abs(palette_table(palette).astype(int) - expected).max() <= 1


def test_an_unknown_palette_is_refused_by_name() -> None:
    with pytest.raises(xl.InputError, match=r"palette: 'rainbow'; one of magma, inferno, viridis, cividis, jet would be right"):
        palette_table("rainbow")


def red_to_blue() -> list[tuple[float, ...]]:
    """Five of the eleven colours of ColorBrewer's RdBu, every second one, as matplotlib has them, blue first."""
    return [mpl.colormaps["RdBu_r"](place)[:3] for place in (0.1, 0.3, 0.5, 0.7, 0.9)]


def test_the_diverging_colours_are_colorbrewers() -> None:
    brewer = [mpl.colors.to_rgb(code) for code in ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b")]
    assert [mpl.colors.to_rgb(code) for code in DIVERGING] == brewer
    assert np.abs(np.array(brewer) - red_to_blue()).max() < 0.02  # matplotlib's table has no entry at just these places


def test_the_diverging_table_is_matplotlibs_of_the_same_colours() -> None:
    table = diverging_table()
    right = mpl.colors.LinearSegmentedColormap.from_list("", [*DIVERGING], N=255)(np.arange(255), bytes=True)[:, :3]
    assert (table.dtype, table.shape) == (np.uint8, (255, 3))
    assert np.abs(table.astype(int) - right).max() <= 1
    assert table[[0, 127, 254]].tolist() == [[0x21, 0x66, 0xAC], [0xF7, 0xF7, 0xF7], [0xB2, 0x18, 0x2B]]


def test_a_signed_value_takes_the_nearest_of_255_colours_and_the_ends_beyond() -> None:
    values = np.array([[-9.0, -2.0, -0.01, 0.0, 0.007, 0.01, 1.0, 2.0, 9.0]], np.float32)
    # of a reach of 2 in 127 steps to each side: -.635, .4445, .635, 63.5 to even
    assert_array_equal(colour_signed(values, 2.0)[0], diverging_table()[[0, 0, 126, 127, 127, 128, 191, 254, 254]])


def test_a_signed_map_is_matplotlibs_two_slope_picture() -> None:
    values = np.random.default_rng(8).normal(size=(10, 10)).astype(np.float32)
    table = mpl.colors.LinearSegmentedColormap.from_list("", [*DIVERGING], N=255)
    scale = plt.cm.ScalarMappable(norm=mpl.colors.Normalize(-1.5, 1.5), cmap=table)
    expected = scale.to_rgba(values, bytes=True)[:, :, :3]
    assert np.abs(colour_signed(values, 1.5).astype(int) - expected).max() <= 4  # a neighbouring colour at most


@pytest.mark.parametrize("reach", [0.0, 1.0])
def test_zero_is_white_whatever_the_reach(reach: float) -> None:
    assert colour_signed(np.zeros((1, 2), np.float32), reach).tolist() == [[[247, 247, 247]] * 2]


def test_a_value_takes_the_nearest_of_256_colours_and_the_ends_beyond() -> None:
    values = np.array([[-1.0, 0.0, 0.4999, 1.0, 7.0]], dtype=np.float32)
    assert_array_equal(colour(values)[0], palette_table("magma")[[0, 0, 127, 255, 255]])


def test_enlarging_repeats_pixels() -> None:
    small = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], dtype=np.uint8)
    assert_array_equal(enlarge(small, 6, 6), small.repeat(3, 0).repeat(3, 1))


def test_an_overlay_is_the_weighted_mean_rounded() -> None:
    black, grey = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 101, np.uint8)
    assert overlay(black, grey, 0.5).tolist() == [[[50, 50, 50]]]  # 50.5, to the even neighbour
    assert overlay(black, grey, 0.25).tolist() == [[[25, 25, 25]]]  # 25.25


def test_an_overlay_of_two_sizes_is_refused() -> None:
    with pytest.raises(xl.InputError, match=r"coloured: the shape is \(2, 2, 3\); that of the picture, \(1, 1, 3\)"):
        overlay(np.zeros((1, 1, 3), np.uint8), np.zeros((2, 2, 3), np.uint8))


def test_the_studys_heatmap_is_what_matplotlib_draws() -> None:
    values = np.random.default_rng(7).random((10, 10), dtype=np.float32) * 0.06
    expected = plt.cm.ScalarMappable(cmap="viridis").to_rgba(values, bytes=True)[:, :, :3]
    assert np.abs(study_heatmap(values).astype(int) - expected).max() <= 1


def test_the_studys_first_overlay_adds_two_units_and_cuts(picture: NDArray[np.uint8], heat: NDArray[np.float32]) -> None:
    import cv2

    jet = cv2.applyColorMap(np.uint8(255 * heat), cv2.COLORMAP_JET)
    image = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) / 255
    expected = (np.clip(jet * 0.4 + image, 0, 1) * 255).astype(np.uint8)
    assert np.abs(study_manual_overlay(picture, heat).astype(int) - expected).max() <= 1


def test_the_studys_second_overlay_is_the_packages_on_a_bgr_picture(
    picture: NDArray[np.uint8], heat: NDArray[np.float32]
) -> None:
    image = np.float32(picture[:, :, ::-1]) / 255
    expected = show_cam_on_image(image, heat, use_rgb=True)
    assert np.abs(study_package_overlay(picture, heat).astype(int) - expected).max() <= 1


def test_a_mosaic_fills_rows_and_leaves_the_rest_black() -> None:
    pixels = np.arange(1, 4, dtype=np.uint8)[:, None, None, None] * np.ones((3, 1, 1, 3), np.uint8)
    assert mosaic(pixels, 2)[:, :, 0].tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize("write", [png, webp])
def test_files_are_written_without_loss(write: object, picture: NDArray[np.uint8]) -> None:
    assert callable(write)
    assert_array_equal(np.asarray(Image.open(BytesIO(write(picture))).convert("RGB")), picture)
