"""Edges and rank correlations, beside SciPy, scikit-image and what can be worked out on paper."""

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import spearmanr
from skimage.filters import sobel

import explain_lib as xl
from explain_lib.base.statistics import rank_correlations, standard_ranks
from explain_lib.cam.edges import edges_on_grid, sobel_edges


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).random((20, 9, 7)).astype(np.float32)


# Section: edges


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
    "pixels",
    [
        np.zeros((1, 4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 1), np.uint8),
        np.zeros((1, 1, 4, 3), np.uint8),
        [[1]],
    ],
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


# Section: ranks


def test_correlations_are_scipys_for_each_pair(noise: np.ndarray) -> None:
    others = noise[::-1] ** 2 + noise
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(noise, others, strict=True)]
    np.testing.assert_allclose(rank_correlations(noise, others), expected, atol=1e-12)


def test_ties_share_their_rank_as_in_scipy(noise: np.ndarray) -> None:
    coarse, others = np.round(noise * 3) / 3, np.round(noise[::-1] * 2) + np.round(noise)
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(coarse, others, strict=True)]
    np.testing.assert_allclose(rank_correlations(coarse, others), expected, atol=1e-12)


def test_the_order_of_the_pixels_alone_counts(noise: np.ndarray) -> None:
    doubled = noise.astype(np.float64)
    np.testing.assert_allclose(rank_correlations(doubled, doubled**3 + 7), 1)
    np.testing.assert_allclose(rank_correlations(doubled, -np.sqrt(doubled)), -1)


def test_a_constant_map_and_one_that_is_not_finite_have_no_correlation(noise: np.ndarray) -> None:
    maps = noise[:5].copy()
    maps[0], maps[1], maps[2, 0, 0], maps[3, 1, 1] = 0, 0.3, np.nan, np.inf
    for first, second in ((maps, noise[5:10]), (noise[5:10], maps)):
        assert np.isnan(rank_correlations(first, second)).tolist() == [True, True, True, True, False]


def test_standard_ranks_have_mean_0_and_length_1(noise: np.ndarray) -> None:
    ranks = standard_ranks(noise)
    assert ranks.shape == (20, 63)
    np.testing.assert_allclose(ranks.mean(1), 0, atol=1e-15)
    np.testing.assert_allclose((ranks**2).sum(1), 1)


@pytest.mark.parametrize("maps", [np.zeros((2, 3), np.float32), np.zeros((1, 2, 3), np.uint8), "map"])
def test_ranks_of_what_is_no_stack_of_maps_are_refused(maps: object) -> None:
    with pytest.raises(xl.InputError, match=r"^maps: .*would be right"):
        standard_ranks(maps)  # type: ignore[arg-type]


def test_maps_of_unlike_shapes_are_refused(noise: np.ndarray) -> None:
    with pytest.raises(xl.InputError, match=r"^others: the shape is \(19, 9, 7\)"):
        rank_correlations(noise, noise[1:])
