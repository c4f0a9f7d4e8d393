"""Differences and metrics of two maps: by hand, and against SciPy and a plain NumPy SSIM."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import ndimage, stats

import explain_lib as xl
from explain_lib.compare.comparison import METRICS, Metric, mean_absolute_difference

A = np.array([[0.0, 0.5], [1.0, 0.25]], np.float32)
B = np.array([[0.5, 0.5], [0.0, 0.75]], np.float32)  # b - a = [[.5, 0], [-1, .5]]


def test_differences_are_those_worked_out_by_hand() -> None:
    found = xl.compare(A, B)
    assert_array_equal(found.difference, [[0.5, 0], [-1, 0.5]])
    assert (found.mae, found.rmse, found.max_abs) == pytest.approx((0.5, np.sqrt(1.5 / 4), 1))


def random_maps(seed: int, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    a, noise = np.random.default_rng(seed).random((2, side, side), dtype=np.float32)
    smooth = ndimage.gaussian_filter(a, 2)
    return smooth, (0.5 * smooth + 0.5 * noise).round(1)  # rounded, so that there are ties


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_correlations_are_scipys(seed: int) -> None:
    a, b = random_maps(seed)
    found = xl.compare(a, b)
    assert found.pearson == pytest.approx(stats.pearsonr(a.ravel().astype(float), b.ravel().astype(float)).statistic, abs=1e-9)
    assert found.spearman == pytest.approx(stats.spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_exchanging_the_maps_changes_the_sign_of_the_difference_only(seed: int) -> None:
    a, b = random_maps(seed)
    there, back = xl.compare(a, b), xl.compare(b, a)
    assert_array_equal(there.difference, -back.difference)
    assert (there.mae, there.rmse, there.max_abs, there.iou) == (back.mae, back.rmse, back.max_abs, back.iou)
    assert (there.spearman, there.ssim) == pytest.approx((back.spearman, back.ssim))


def plain_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004 for maps in [0, 1]: a Gaussian of sigma 1.5 on 11 pixels, the border of 5 left out."""

    def blur(values: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(values, 1.5, truncate=3.5)[5:-5, 5:-5]

    x, y = a.astype(float), b.astype(float)
    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((top / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ssim_is_that_of_the_paper(seed: int) -> None:
    a, b = random_maps(seed)
    assert xl.compare(a, b).ssim == pytest.approx(plain_ssim(a, b), abs=1e-6)


def test_ssim_of_maps_smaller_than_its_window_is_not_a_number() -> None:
    a, b = random_maps(0, side=10)
    assert np.isnan(xl.compare(a, b).ssim)


def test_ssim_of_values_outside_0_to_1_uses_their_own_range() -> None:
    a, b = random_maps(3)
    assert xl.compare(4 * a, 4 * b).ssim == pytest.approx(plain_ssim(4 * a / (4 * b).max(), b / b.max()), abs=1e-6)


def ramp(*order: int) -> np.ndarray:
    return np.array(order, np.float32).reshape(2, 5)


def test_iou_is_of_exactly_the_top_fifth() -> None:
    a = ramp(9, 8, 7, 6, 5, 4, 3, 2, 1, 0)  # its two brightest pixels are 0 and 1
    b = ramp(0, 9, 8, 1, 2, 3, 4, 5, 6, 7)  # 1 and 2: one shared of three
    assert xl.compare(a, b).iou == pytest.approx(1 / 3)


def test_ties_at_the_threshold_go_by_position() -> None:
    a = ramp(9, 5, 5, 5, 0, 0, 0, 0, 0, 0)  # 0, then the first of the fives: 1
    b = ramp(9, 0, 0, 8, 0, 0, 0, 0, 0, 0)  # 0 and 3
    assert xl.compare(a, b).iou == pytest.approx(1 / 3)


def test_iou_of_two_zero_maps_is_of_the_same_first_pixels() -> None:
    zero = np.zeros((32, 32), np.float32)
    assert xl.compare(zero, zero).iou == 1.0


def named(metric: Metric) -> str:
    return metric.name


def test_the_metrics_are_the_numbers_of_a_comparison_in_their_order() -> None:
    found = xl.compare(*random_maps(6))
    numbers = [field.name for field in fields(xl.Comparison) if isinstance(getattr(found, field.name), float)]
    assert [metric.name for metric in METRICS] == numbers
    assert numbers == ["mae", "rmse", "max_abs", "pearson", "spearman", "ssim", "iou"]


@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_equal_is_the_metrics_value_for_equal_maps(metric: Metric) -> None:
    for seed in (0, 1):
        for one in random_maps(seed):
            assert getattr(xl.compare(one, one.copy()), metric.name) == pytest.approx(metric.equal, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS, ids=named)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_metric_moves_as_it_says_when_maps_become_less_alike(metric: Metric, seed: int) -> None:
    rng = np.random.default_rng(seed)
    smooth, noise = ndimage.gaussian_filter(rng.random((32, 32)), 2), rng.random((32, 32))
    blends = [((1 - share) * smooth + share * noise).astype(np.float32) for share in (0.0, 0.02, 0.1, 0.5)]
    values = [getattr(xl.compare(blends[0], blend), metric.name) for blend in blends]
    assert values == sorted(values, reverse=metric.higher_is_closer)
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("field", ["title", "word", "meaning"])
def test_every_metric_has_words_of_its_own(field: str) -> None:
    words = [getattr(metric, field) for metric in METRICS]
    assert all(words)
    assert len(set(words)) == len(METRICS)


def test_correlation_with_a_constant_map_is_not_a_number() -> None:
    a, _ = random_maps(5)
    found = xl.compare(a, np.full_like(a, 0.3))
    assert np.isnan([found.pearson, found.spearman]).all()
    assert found.mae == pytest.approx(float(np.abs(a - np.float32(0.3)).mean()), abs=1e-7)


GOOD = np.zeros((4, 4), np.float32)
WITH_NAN = np.full((4, 4), np.nan, np.float32)
BAD: list[tuple[Any, str]] = [
    ([[0.0]], r"a list; a floating-point map of shape \(H, W\)"),
    (GOOD.astype(np.uint8), r"uint8 of shape \(4, 4\); a floating-point map"),
    (GOOD[None], r"float32 of shape \(1, 4, 4\); a floating-point map of shape \(H, W\)"),
    (GOOD[:0], r"float32 of shape \(0, 4\)"),
    (WITH_NAN, r"the map contains NaN or infinity; a map of finite numbers"),
    (GOOD + np.inf, r"the map contains NaN or infinity"),
]


@pytest.mark.parametrize(("bad", "sentence"), BAD)
def test_a_bad_map_is_refused_by_its_name(bad: Any, sentence: str) -> None:
    with pytest.raises(xl.InputError, match=rf"^a: .*{sentence}"):
        xl.compare(bad, GOOD)
    with pytest.raises(xl.InputError, match=rf"^b: .*{sentence}"):
        xl.compare(GOOD, bad)


def test_maps_of_different_shapes_are_refused_with_both() -> None:
    with pytest.raises(xl.InputError, match=r"b: the shape is \(4, 3\), that of a is \(4, 4\); maps of one shape"):
        xl.compare(GOOD, GOOD[:, :3])


def test_the_mean_absolute_difference_alone_is_numpys_and_refuses_the_same() -> None:
    a, b = np.random.default_rng(0).random((2, 7, 9), dtype=np.float32)
    assert mean_absolute_difference(a, b) == pytest.approx(np.abs(b - a).mean(), rel=1e-6)
    with pytest.raises(xl.InputError, match=r"b: the shape is \(7, 8\)"):
        mean_absolute_difference(a, b[:, :8])
    with pytest.raises(xl.InputError, match="a: the map contains NaN or infinity"):
        mean_absolute_difference(a * np.float32("nan"), b)
