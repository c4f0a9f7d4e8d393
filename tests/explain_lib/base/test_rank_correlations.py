"""Rank correlations, beside SciPy."""

import numpy as np
import pytest
from scipy.stats import spearmanr

import explain_lib as xl
from explain_lib.base.statistics import rank_correlations, standard_ranks


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).random((20, 9, 7)).astype(np.float32)


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
