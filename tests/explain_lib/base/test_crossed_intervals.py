"""Intervals of means over images and draws, beside loops in plain NumPy, SciPy's quantiles and simulated samples."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import explain_lib as xl
from explain_lib.base.statistics import bootstrap_means, crossed_means, crossed_shares, image_shares, simultaneous_means

WIDE = (-100.0, 100.0)


def drawn(chance: np.random.Generator, images: int, draws: int, columns: int, *, of_draws: float) -> NDArray[np.float64]:
    """Values with mean 0: a part of the image, one of the draw with this deviation, and one of both."""
    parts = ((images, 1, columns), 1.0), ((1, draws, columns), of_draws), ((images, draws, columns), 1.0)
    return np.asarray(sum(size * chance.normal(0, 1, shape) for shape, size in parts))


def error_by_loop(values: NDArray[np.float64], resamples: int = 3000) -> float:
    """The deviation of the mean over resamples of rows and columns, one after the other."""
    chance, (images, draws) = np.random.default_rng(77), values.shape
    means = []
    for _ in range(resamples):
        rows, columns = chance.integers(0, images, images), chance.integers(0, draws, draws)
        means.append(np.nanmean(values[np.ix_(rows, columns)]))
    return float(np.std(means))


@pytest.mark.parametrize("holes", [False, True])
def test_of_long_tables_the_interval_is_that_of_resampled_rows_and_columns(holes: bool) -> None:
    values = drawn(np.random.default_rng(1), 80, 60, 1, of_draws=0.8)
    if holes:
        values[np.random.default_rng(2).random(values.shape) < 0.3] = np.nan
    (found,) = crossed_means(values, WIDE)
    assert found.mean == pytest.approx(np.nanmean(values))
    assert (found.high - found.low) / 2 == pytest.approx(1.98 * error_by_loop(values[:, :, 0]), rel=0.06)
    assert (found.high + found.low) / 2 == pytest.approx(found.mean)
    assert found.images == 80


def test_where_only_the_draw_matters_it_is_students_over_draws() -> None:
    of_draws = np.array([0.3, -0.1, 0.25, 0.0, 0.6, 0.1, -0.3, 0.2, 0.15, 0.4])
    (found,) = crossed_means(np.broadcast_to(of_draws[None, :, None], (200, 10, 1)).copy(), WIDE)
    half = stats.t.ppf(0.975, 9) * of_draws.std(ddof=1) / np.sqrt(10)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)
    (over_images,) = bootstrap_means(np.broadcast_to(of_draws[None], (200, 10)).copy()[:, :1])
    assert over_images.high == pytest.approx(over_images.low)  # images alone know nothing of that


@pytest.mark.parametrize(("draws", "of_draws"), [(2, 1.0), (3, 0.2), (10, 1.0), (10, 0.2), (10, 0.0)])
def test_it_holds_the_mean_of_all_draws_and_images_as_often_as_it_says(draws: int, of_draws: float) -> None:
    found = crossed_means(drawn(np.random.default_rng(4), 30, draws, 1000, of_draws=of_draws), WIDE)
    covered = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.93 <= covered <= 0.995  # two deviations of the share are 0.014


def test_an_interval_over_images_alone_would_hold_it_far_less_often() -> None:
    """What the test above would see if the draws were not resampled."""
    values = drawn(np.random.default_rng(4), 30, 10, 1000, of_draws=1.0)
    assert np.mean([one.low <= 0 <= one.high for one in bootstrap_means(values.mean(1))]) < 0.8


def test_together_the_intervals_hold_all_means_of_a_family() -> None:
    chance, held = np.random.default_rng(8), []
    for _ in range(150):
        found = crossed_means(drawn(chance, 40, 10, 4, of_draws=0.5), WIDE, together=True)
        held.append(all(one.low <= 0 <= one.high for one in found))
    assert np.mean(held) >= 0.92
    alone = crossed_means(drawn(np.random.default_rng(8), 40, 10, 4, of_draws=0.5), WIDE)
    both = crossed_means(drawn(np.random.default_rng(8), 40, 10, 4, of_draws=0.5), WIDE, together=True)
    for one, wider in zip(alone, both, strict=True):
        assert wider.mean == pytest.approx(one.mean)
        assert 1.1 < (wider.high - wider.low) / (one.high - one.low) < 1.6  # of four independent ones 1.27 and Student's share


def test_one_draw_has_the_interval_over_images() -> None:
    values = drawn(np.random.default_rng(3), 50, 1, 2, of_draws=0.5)
    assert crossed_means(values, WIDE) == bootstrap_means(values[:, 0])
    assert crossed_means(values, WIDE, together=True) == simultaneous_means(values[:, 0])[0]
    assert crossed_shares(values > 0) == image_shares(values[:, 0] > 0)


def test_no_interval_leaves_the_bounds_and_where_one_draw_has_values_it_is_as_wide() -> None:
    values = drawn(np.random.default_rng(3), 50, 2, 2, of_draws=0.2)
    values[:, 1] += 0.8
    values[:, 1, 1] = np.nan
    first, second = crossed_means(values, (-1.0, 1.5))
    assert (first.low, first.high) == (-1.0, 1.5)  # Student's t of two draws, 12.7
    assert (second.low, second.high, second.images) == (-1.0, 1.5, 50)
    assert second.mean == pytest.approx(values[:, 0, 1].mean())


def test_without_values_there_is_no_mean() -> None:
    for values in (np.zeros((0, 3, 1)), np.full((5, 3, 1), np.nan)):
        (found,) = crossed_means(values, WIDE)
        assert np.isnan([found.mean, found.low, found.high]).all()
        assert found.images == 0


def test_shares_are_covered_where_draws_differ() -> None:
    chance = np.random.default_rng(5)
    of_draw = chance.beta(2, 8, (1, 10, 1500))  # mean 0.2
    covered = [one.low <= 0.2 <= one.high for one in crossed_shares(chance.random((40, 10, 1500)) < of_draw)]
    assert 0.93 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("share", [0, 1])
def test_a_share_of_none_or_all_is_that_of_as_many_values_as_there_are_draws(share: int) -> None:
    (found,) = crossed_shares(np.full((500, 10, 1), share, np.bool_))
    right = stats.binomtest(10 * share, 10).proportion_ci(0.95, method="wilson")
    assert (found.mean, found.low, found.high) == pytest.approx((share, right.low, right.high))
    assert found.images == 500


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros((2, 0, 1)), np.full((2, 2, 1), np.inf), None])
def test_other_values_are_refused(values: object) -> None:
    with pytest.raises(xl.InputError, match=r"^values: "):
        crossed_means(values, WIDE)  # type: ignore[arg-type]
    with pytest.raises(xl.InputError, match=r"^values: .*a boolean array of 3 dimensions"):
        crossed_shares(values)  # type: ignore[arg-type]
