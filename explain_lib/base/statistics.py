"""Means over images with bootstrap intervals, shares of images with Wilson's, and rank correlations of maps.

The bootstrap: Efron and Tibshirani 1993, chapter 13. Wilson's interval: Journal of the American Statistical Association 22,
1927, page 209.
"""

from dataclasses import dataclass
from math import nan, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import check_floats

RESAMPLES = 2000
LEVEL = 0.95
LEAST_IMAGES = 30
"""The least number of images for a statement that goes beyond them."""
SEED = 0
_DRAWS = 2**18  # images drawn at once: 2 MiB of positions, and as much again of counts


@dataclass(frozen=True)
class Estimate(Frozen):
    """A mean over images, in the unit of the values, with the ends of its 95 % interval.

    mean, low, high: NaN if no image has a value. images: how many have one.
    """

    mean: float
    low: float
    high: float
    images: int

    @property
    def negated(self) -> "Estimate":
        """The mean of the negated values."""
        return Estimate(-self.mean, -self.high, -self.low, self.images)


def bootstrap_mean(values: NDArray[np.floating]) -> Estimate:
    """The mean of floating-point values (K,), one per image, with its interval; see bootstrap_means."""
    return bootstrap_means(_checked("values", values, 1)[:, None])[0]


def bootstrap_difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> Estimate:
    """The mean of the paired differences b - a over images: a and b are floating-point (K,), an image counts if it has both.

    Raises InputError as bootstrap_means does, and for arrays of different lengths.
    """
    first, second = _checked("a", a, 1), _checked("b", b, 1)
    if len(first) != len(second):
        raise InputError(f"b: there are {len(second)} values, and {len(first)} of a; as many would be right")
    return bootstrap_mean(second - first)


def bootstrap_means(values: NDArray[np.floating]) -> tuple[Estimate, ...]:
    """The mean of each column of floating-point values (K, m), K images, each with its 95 % percentile interval.

    2,000 resamples of the images by PCG64, the same for all columns and calls. NaN marks a missing value, which does
    not count in its column. K may be 0.

    Raises InputError for anything but a floating-point array of two dimensions without infinity.
    """
    checked = _checked("values", values, 2)
    present = ~np.isnan(checked)
    counts = present.sum(0)
    if len(checked) == 0:
        return tuple(Estimate(nan, nan, nan, 0) for _ in counts)
    means = _ratio(np.where(present, checked, 0).sum(0), counts.astype(np.float64))
    low, high = _ends(_resampled_means(checked, present))
    every = zip(means, low, high, counts, strict=True)
    return tuple(Estimate(float(mean), float(a), float(b), int(count)) for mean, a, b, count in every)


def image_shares(values: NDArray[np.bool_]) -> tuple[Estimate, ...]:
    """The share of True in each column of values bool (K, m), K images, in [0, 1], each with its 95 % Wilson interval.

    A bootstrap of a share near 0 or 1 is too narrow for few images, and has no width at all at 0 and at 1. K may be 0.

    Raises InputError for anything but a boolean array of two dimensions.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.bool_ or values.ndim != 2:
        raise InputError(f"values: {kind_of(values)}; a boolean array of 2 dimensions would be right")
    return tuple(_wilson(int(count), len(values)) for count in values.sum(0))


def _wilson(count: int, images: int) -> Estimate:
    if images == 0:
        return Estimate(nan, nan, nan, 0)
    share, z = count / images, NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle, width = share + z**2 / (2 * images), z * sqrt(share * (1 - share) / images + z**2 / (4 * images**2))
    low, high = ((middle + side) / (1 + z**2 / images) for side in (-width, width))
    return Estimate(share, 0.0 if count == 0 else low, 1.0 if count == images else high, images)


def standard_ranks(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks of each map's pixels, ties averaged, centred and scaled to length 1: maps (N, H, W) to float64 (N, H * W).

    The scalar product of two rows is the Spearman correlation of their maps. A row is NaN if its map is constant or holds NaN
    or infinity. Raises InputError for anything but floating-point maps (N, H, W).
    """
    from scipy.stats import rankdata  # a third of a second to import

    check_floats("maps", maps, 3, "floating-point maps (N, H, W)")
    flat = maps.reshape(len(maps), -1)
    ranks = np.asarray(rankdata(flat, axis=1), dtype=np.float64)
    ranks -= (flat.shape[1] + 1) / 2
    lengths = np.sqrt((ranks**2).sum(1))
    lengths[~np.isfinite(flat).all(1) | (lengths == 0)] = np.nan
    return np.asarray(ranks / lengths[:, None])


def rank_correlations(maps: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman correlation of each map with the one at the same place in `others`: (N, H, W) each, to float64 (N,) in [-1, 1].

    NaN where either map is constant or holds NaN or infinity. Raises InputError for anything else, and for different shapes.
    """
    first, second = standard_ranks(maps), standard_ranks(others)
    if maps.shape != others.shape:
        raise InputError(f"others: the shape is {others.shape}; that of the maps, {maps.shape}, would be right")
    return np.asarray((first * second).sum(1))


def _checked(argument: str, values: NDArray[np.floating], dimensions: int) -> NDArray[np.float64]:
    right = f"a floating-point array of {dimensions} dimension{'s' * (dimensions > 1)}, NaN where there is no value,"
    check_floats(argument, values, dimensions, right)
    if np.isinf(values).any():
        raise InputError(f"{argument}: the array holds infinity; {right} would be right")
    return values.astype(np.float64)


def _resampled_means(values: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The means of the columns in each resample, (RESAMPLES, m); NaN where a resample holds no value of a column."""
    generator, images = np.random.default_rng(SEED), len(values)
    filled, counted = np.where(present, values, 0), present.astype(np.float64)
    rows = max(1, _DRAWS // images)
    parts = []
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        drawn = generator.integers(0, images, (size, images)) + images * np.arange(size)[:, None]
        often = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images).astype(np.float64)
        parts.append(_ratio(often @ filled, often @ counted))
    return np.concatenate(parts)


def _ratio(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(sums, counts, out=np.full_like(sums, nan), where=counts > 0))


def _ends(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both ends of each column's interval, (2, m); NaN for a column without values."""
    ends = np.full((2, means.shape[1]), nan)
    some = ~np.isnan(means).all(0)
    ends[:, some] = np.nanquantile(means[:, some], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return ends
