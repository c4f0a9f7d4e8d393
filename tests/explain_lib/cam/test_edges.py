"""Edges, beside SciPy, scikit-image and what can be worked out on paper."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import sobel

import explain_lib as xl
from explain_lib.cam.edges import edges_on_grid, sobel_edges


def test_a_step_of_grey_gives_four_times_its_height_on_either_side() -> None:
    picture = np.zeros((1, 5, 6, 3), np.uint8)
    picture[:, :, 3:] = 60
    expected = np.zeros((1, 5, 6))
    expected[:, :, 2:4] = 4 * 60
    edges = sobel_edges(picture)
    assert edges.dtype == np.float32
    np.testing.assert_allclose(edges, expected)


def test_a_corner_is_worked_out_by_hand() -> None:
    picture = np.zeros((1, 3, 3, 3), np.uint8)
    picture[0, 2, 2] = 30
    assert sobel_edges(picture)[0, 1, 1] == pytest.approx(np.hypot(30, 30))


def test_grey_is_the_mean_of_red_green_and_blue() -> None:
    picture = np.zeros((3, 4, 4, 3), np.uint8)
    for channel in range(3):
        picture[channel, :, 2:, channel] = 90
    edges = sobel_edges(picture)
    np.testing.assert_allclose(edges[1:], edges[:1].repeat(2, 0))
    assert edges.max() == 4 * 30


def test_edges_are_scipys_with_a_mirrored_border(study: np.ndarray) -> None:
    grey = study.mean(3, dtype=np.float64)
    expected = [np.hypot(ndimage.sobel(one, 0, mode="mirror"), ndimage.sobel(one, 1, mode="mirror")) for one in grey]
    np.testing.assert_allclose(sobel_edges(study), expected, rtol=1e-5, atol=1e-3)


def test_inside_the_border_edges_are_scikit_images_in_another_unit(study: np.ndarray) -> None:
    expected = np.stack([sobel(one) for one in study.mean(3, dtype=np.float64)]) * 4 * np.sqrt(2)
    np.testing.assert_allclose(sobel_edges(study)[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    "pixels", [np.zeros((1, 4, 4, 3), np.float32), np.zeros((4, 4, 3), np.uint8), np.zeros((1, 1, 4, 3), np.uint8), [[1]]]
)
def test_edges_of_what_is_no_picture_are_refused(pixels: object) -> None:
    with pytest.raises(xl.InputError, match=r"^pixels: .*would be right"):
        sobel_edges(pixels)  # type: ignore[arg-type]


def test_on_its_own_grid_nothing_of_the_edges_is_lost(study: np.ndarray) -> None:
    edges = sobel_edges(study)
    np.testing.assert_allclose(edges_on_grid(edges, (32, 32)), edges, rtol=1e-6)


def test_on_one_cell_the_mean_of_the_edges_is_left(study: np.ndarray) -> None:
    edges = sobel_edges(study)
    left = edges_on_grid(edges, (1, 1))
    np.testing.assert_allclose(left, np.broadcast_to(edges.mean((1, 2), keepdims=True), edges.shape), rtol=1e-5)


def test_a_grid_holds_the_means_of_its_cells() -> None:
    edges = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    left = edges_on_grid(edges, (2, 2))
    assert left[0, 0, 0] == pytest.approx(np.mean([0, 1, 4, 5]))
    assert left[0, 3, 3] == pytest.approx(np.mean([10, 11, 14, 15]))
    assert left[0, 0, 1] == pytest.approx(0.75 * 2.5 + 0.25 * 4.5)  # a quarter of the way between two cells' middles


def test_edges_of_grey_are_those_of_the_same_grey_in_colours() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 1), dtype=np.uint8)
    np.testing.assert_array_equal(sobel_edges(grey), sobel_edges(np.repeat(grey, 3, axis=3)))
