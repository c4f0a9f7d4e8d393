"""Intervals of means and shares, beside SciPy's and what the normal distribution says."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

import explain_lib as xl
from explain_lib.base.statistics import RESAMPLES, bootstrap_difference, bootstrap_mean, bootstrap_means, image_shares


@pytest.fixture(scope="module")
def skewed() -> np.ndarray:
    return np.random.default_rng(5).exponential(2.0, (300, 3)) + np.array([0, 10, -10])


def scipy_interval(values: np.ndarray) -> tuple[float, float]:
    generator = np.random.default_rng(99)
    found = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=generator, batch=1000)
    return found.confidence_interval.low, found.confidence_interval.high


def test_the_interval_is_scipys_up_to_chance(skewed: np.ndarray) -> None:
    for column, found in zip(skewed.T, bootstrap_means(skewed), strict=True):
        low, high = scipy_interval(column)
        assert found.mean == pytest.approx(column.mean())
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))
        assert found.images == 300


def test_of_many_normal_values_it_is_the_textbooks() -> None:
    values = np.random.default_rng(2).normal(3, 2, 10_000)
    found = bootstrap_mean(values)
    half = 1.959964 * values.std() / 100
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.07 * half)


def test_of_few_images_it_is_as_much_wider_as_students_t_is() -> None:
    values = np.random.default_rng(6).normal(3, 2, 12)
    found = bootstrap_mean(values)
    half = stats.t.ppf(0.975, 11) * values.std(ddof=1) / 12**0.5
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    narrow = np.subtract(*scipy_interval(values)[::-1])
    assert found.high - found.low > 1.08 * narrow


def test_the_mean_of_thirty_skewed_values_is_in_it_as_often_as_it_says() -> None:
    drawn = np.random.default_rng(7).exponential(1.0, (30, 4000))
    inside = np.mean([one.low <= 1 <= one.high for one in bootstrap_means(drawn)])
    assert 0.927 <= inside <= 0.95  # 0.918 between the plain percentiles; the deviation of the share is 0.004


def test_columns_are_those_of_the_values_one_by_one(skewed: np.ndarray) -> None:
    for column, found in zip(skewed.T, bootstrap_means(skewed), strict=True):
        alone = bootstrap_mean(column)
        assert (found.mean, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high), rel=1e-12)


def test_what_is_nan_does_not_count(skewed: np.ndarray) -> None:
    values = skewed.copy()
    values[:100, 1] = np.nan
    full, holed, other = bootstrap_means(values)
    assert (full, other) == (bootstrap_means(skewed)[0], bootstrap_means(skewed)[2])
    low, high = scipy_interval(skewed[100:, 1])
    assert holed.images == 200
    assert holed.mean == pytest.approx(skewed[100:, 1].mean())
    assert (holed.low, holed.high) == pytest.approx((low, high), abs=0.08 * (high - low))


def test_without_values_there_is_no_mean() -> None:
    for values in (np.zeros((0, 2)), np.full((5, 2), np.nan)):
        for found in bootstrap_means(values):
            assert found.images == 0
            assert np.isnan([found.mean, found.low, found.high]).all()


def test_one_value_and_equal_values_have_an_interval_of_no_width() -> None:
    for values in (np.array([0.25]), np.full(40, 0.25)):
        found = bootstrap_mean(values)
        assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_a_value_that_is_seldom_drawn_leaves_resamples_without_one() -> None:
    found = bootstrap_mean(np.array([2.0, *[np.nan] * 9]))
    assert (found.mean, found.low, found.high, found.images) == (2.0, 2.0, 2.0, 1)


def test_a_difference_is_paired() -> None:
    generator = np.random.default_rng(3)
    a = generator.normal(0, 10, 400)
    b = a + generator.normal(1, 0.1, 400)
    found = bootstrap_difference(a, b)
    assert found.mean == pytest.approx(1, abs=0.02)
    assert found.high - found.low < 0.05  # unpaired it would be a hundred times as wide
    assert (found.low, found.high) == pytest.approx(scipy_interval(b - a), abs=0.003)


def test_a_pair_counts_if_both_are_there() -> None:
    a, b = np.array([1.0, np.nan, 3.0, 4.0]), np.array([2.0, 2.0, np.nan, 7.0])
    found = bootstrap_difference(a, b)
    assert (found.mean, found.images) == (2.0, 2)


def test_memory_is_bounded_however_many_images() -> None:
    values = np.random.default_rng(0).random((50_000, 2))
    tracemalloc.start()
    bootstrap_means(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # all resamples at once would be 800 MB
    assert RESAMPLES == 2000


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros(3, np.int64), np.array([1, np.inf]), [1.0], None])
def test_other_values_are_refused(values: object) -> None:
    with pytest.raises(xl.InputError, match=r"^values: .*would be right"):
        bootstrap_mean(values)  # type: ignore[arg-type]


def test_unlike_lengths_are_refused() -> None:
    with pytest.raises(xl.InputError, match=r"^b: there are 2 values, and 3 of a"):
        bootstrap_difference(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize(("count", "images"), [(0, 30), (1, 30), (15, 30), (30, 30), (1, 1), (40, 1000), (9_999, 10_000)])
def test_a_share_has_scipys_wilson_interval(count: int, images: int) -> None:
    values = np.arange(images)[:, None] < count
    (found,) = image_shares(values)
    right = stats.binomtest(count, images).proportion_ci(0.95, method="wilson")
    assert (found.mean, found.images) == (count / images, images)
    assert (found.low, found.high) == pytest.approx((right.low, right.high), abs=1e-12)
    assert 0 <= found.low <= found.mean <= found.high <= 1


def test_a_share_of_4_percent_of_30_images_is_covered_as_often_as_the_interval_says() -> None:
    """A bootstrap covers it in 69 % of samples: those without one of the few have an interval without any width."""
    drawn = np.random.default_rng(0).random((30, 4000)) < 0.04
    covered = [share.low <= 0.04 <= share.high for share in image_shares(drawn)]
    assert 0.93 <= np.mean(covered) <= 0.99


def test_no_image_gives_no_share() -> None:
    (found,) = image_shares(np.zeros((0, 1), np.bool_))
    assert np.isnan([found.mean, found.low, found.high]).all()
    assert found.images == 0


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros(3, np.bool_), [[True]], None])
def test_other_shares_are_refused(values: object) -> None:
    with pytest.raises(xl.InputError, match=r"^values: .*a boolean array of 2 dimensions would be right"):
        image_shares(values)  # type: ignore[arg-type]
