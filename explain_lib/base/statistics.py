"""Means over images with bootstrap intervals, shares of images with Wilson's, and rank correlations of maps.

The bootstrap: Efron and Tibshirani 1993, chapter 13. Intervals that hold together, by the largest of many deviations: Romano
and Wolf, Econometrica 73, 2005, page 1237. Multiple comparisons with the best: Hsu, Multiple Comparisons, 1996, chapter 4.
Wilson's interval: Journal of the American Statistical Association 22, 1927, page 209. Means over two levels, such as images and
draws of random weights: the pigeonhole bootstrap, Owen 2007, "The pigeonhole bootstrap", Annals of Applied Statistics 1, page
386; Student's t of a sum of two variances: Cochran and Cox, Experimental Designs, 1957, section 4.14.
"""

from dataclasses import dataclass, replace
from math import isnan, nan, sqrt
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
_AT_ONCE = 2**21  # values of pairs, or deviations of them, at once: 16 MiB


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
    def excludes_zero(self) -> bool:
        """Whether the interval, over 30 images or more, lies wholly on one side of zero."""
        return self.images >= LEAST_IMAGES and (self.low > 0 or self.high < 0)

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

    2,000 resamples of the images by PCG64, the same for all columns and calls. Of few images the interval is a little wider
    than from the 2.5th to the 97.5th percentile, as Student's t is wider than the normal distribution: resamples vary less
    than samples do (the expanded percentile interval of Hesterberg 2015, The American Statistician 69, page 371). NaN marks a
    missing value, which does not count in its column. K may be 0.

    Raises InputError for anything but a floating-point array of two dimensions without infinity.
    """
    checked = _checked("values", values, 2)
    present = ~np.isnan(checked)
    counts = present.sum(0)
    if len(checked) == 0:
        return tuple(Estimate(nan, nan, nan, 0) for _ in counts)
    means = _ratio(np.where(present, checked, 0).sum(0), counts.astype(np.float64))
    low, high = _ends(_resampled_means(checked, present), counts)
    every = zip(means, low, high, counts, strict=True)
    return tuple(Estimate(float(mean), float(a), float(b), int(count)) for mean, a, b, count in every)


def simultaneous_means(*families: NDArray[np.floating]) -> tuple[tuple[Estimate, ...], ...]:
    """The means of the columns of each family, floating-point (K, m) of the same K images, with intervals that hold together.

    In 95 % of samples all intervals of a family hold their means at once. So that of a column which was picked by its mean,
    such as the best of m, holds its mean in at least as many, while that of bootstrap_means does so in far fewer. Each is the
    mean with q standard errors to either side: of the resamples of bootstrap_means, in 95 % no mean of the family is more
    than q standard errors off. q is that of normal means, and of few images it becomes Student's t of the same tail.

    NaN as in bootstrap_means. A column with one value, or with equal ones, has an interval of no width. K and m may be 0.
    Raises InputError as bootstrap_means does, and for families of different lengths.
    """
    checked = [_checked("families", values, 2) for values in families]
    if len({len(values) for values in checked}) > 1:
        raise InputError(
            f"families: they have {', '.join(str(len(one)) for one in checked)} rows; one for each image would be right"
        )
    if not checked:
        return ()
    ends = np.cumsum([values.shape[1] for values in checked])[:-1]
    every = np.split(_deviations(np.concatenate(checked, axis=1)), ends, axis=1)
    return tuple(
        _within(values, float(np.quantile(far.max(1, initial=0), LEVEL))) for values, far in zip(checked, every, strict=True)
    )


def comparisons_with_best(values: NDArray[np.floating], best: int, level: float = LEVEL) -> tuple[Estimate, ...]:
    """How much higher the mean of column `best` is than that of each column of floating-point values (K, m), K images.

    Paired, over the images that have both values. `best` is the column with the highest mean, of this sample and perhaps not
    in truth. The q of simultaneous_means is such that all comparisons of the column that is best in truth hold at once in 95 %
    of samples, or in the share `level` of them, whichever column that is. So in as many samples that column is `best` or one
    whose interval here reaches to 0 or below; and the smallest low and the smallest high end are an interval of the lead of
    `best` over the best of the others.

    Raises InputError as bootstrap_means does, and for a place without a column.
    """
    checked = _checked("values", values, 2)
    images, columns = checked.shape
    if not 0 <= best < columns:
        raise InputError(f"best: {best}; the place of one of {columns} columns, from 0, would be right")
    largest = np.zeros((columns, RESAMPLES))
    first, second = np.triu_indices(columns, 1)
    size = max(1, _AT_ONCE // max(images, RESAMPLES))
    for start in range(0, len(first), size):
        one, other = first[start : start + size], second[start : start + size]
        far = _deviations(checked[:, one] - checked[:, other])
        for place in np.union1d(one, other):
            own = far[:, (one == place) | (other == place)].max(1)
            largest[place] = np.maximum(largest[place], own)
    q = float(np.quantile(largest, level, axis=1).max())
    return _within(checked[:, [best]] - checked, q)


def image_shares(values: NDArray[np.bool_]) -> tuple[Estimate, ...]:
    """The share of True in each column of values bool (K, m), K images, in [0, 1], each with its 95 % Wilson interval.

    A bootstrap of a share near 0 or 1 is too narrow for few images, and has no width at all at 0 and at 1. K may be 0.

    Raises InputError for anything but a boolean array of two dimensions.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.bool_ or values.ndim != 2:
        raise InputError(f"values: {kind_of(values)}; a boolean array of 2 dimensions would be right")
    return tuple(_wilson(int(count), len(values)) for count in values.sum(0))


def _wilson(count: int, images: int) -> Estimate:
    return Estimate(nan, nan, nan, 0) if images == 0 else _wilson_of(count / images, images)


def _wilson_of(share: float, size: float, quantile: float | None = None) -> Estimate:
    """Wilson's interval of a share of `size` independent values, which need not be a whole number."""
    if size == 0:
        return Estimate(nan, nan, nan, 0)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2) if quantile is None else quantile
    middle, width = share + z**2 / (2 * size), z * sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    low, high = ((middle + side) / (1 + z**2 / size) for side in (-width, width))
    return Estimate(share, 0.0 if share == 0 else low, 1.0 if share == 1 else high, int(size))


@dataclass(frozen=True)
class _Crossed:
    """The means of m columns over two levels. means, errors: (m,), the errors NaN where a column has values in one draw or of
    one image. off: (RESAMPLES, m), how far each resample's mean is off, in standard errors. parts: (2, m), the variances of the
    mean that are due to images and to draws. counts: int64 (2, m), how many images and draws have a value.
    """

    means: NDArray[np.float64]
    errors: NDArray[np.float64]
    off: NDArray[np.float64]
    parts: NDArray[np.float64]
    counts: NDArray[np.int64]

    def often(self, q: float) -> NDArray[np.float64]:
        """How many standard errors have the tail that q have of the normal distribution: Student's t of each level, weighed
        by its part of the variance; of equal values, of the fewer of images and draws.
        """
        both = self.parts.sum(0)
        weights = np.where(both > 0, self.parts, self.counts == self.counts.min(0)).astype(np.float64)
        squares = _students(np.maximum(self.counts - 1, 1).astype(np.float64), q) ** 2
        return np.asarray(np.sqrt((weights * squares).sum(0) / weights.sum(0)))


def crossed_means(values: NDArray[np.floating], bounds: tuple[float, float], *, together: bool = False) -> tuple[Estimate, ...]:
    """The mean of each column of floating-point values (K, D, m), of K images that are all seen with the same D draws.

    The 95 % interval is about other images and other draws: 2,000 resamples of the images and, apart from them, of the draws,
    as in Owen's pigeonhole bootstrap, which is never too narrow for long tables, and a little too wide where a value owes much
    to its very image and draw. The standard error that they give is corrected for the number of images and of draws, and
    taken as often as Student's t of either level says, weighed by their parts of the variance: of ten draws that matter more
    than the images, 2.26 times and not 1.96. With one draw the interval is that of bootstrap_means, about other images alone.

    bounds: the least and the greatest value that can be. No interval reaches beyond them, and it is as wide as they are where
    several draws were made and only one of them, or only one image, has a value. together: whether the intervals hold their
    means all at once, as in simultaneous_means. NaN marks a missing value. K may be 0.

    Raises InputError for anything but a floating-point array of three dimensions without infinity, and for no draw.
    """
    checked = _checked_crossed(values)
    if checked.shape[1] == 1:
        return simultaneous_means(checked[:, 0])[0] if together else bootstrap_means(checked[:, 0])
    found = _crossed(checked)
    q = float(np.quantile(found.off.max(1, initial=0), LEVEL)) if together else NormalDist().inv_cdf((1 + LEVEL) / 2)
    halves, images = found.errors * found.often(q), found.counts[0]
    ends = (np.where(np.isnan(halves), end, found.means + side * halves) for side, end in zip((-1, 1), bounds, strict=True))
    low, high = (np.where(images > 0, np.clip(end, *bounds), nan) for end in ends)
    every = zip(found.means, low, high, images, strict=True)
    return tuple(Estimate(float(mean), float(a), float(b), int(count)) for mean, a, b, count in every)


def crossed_shares(values: NDArray[np.bool_]) -> tuple[Estimate, ...]:
    """The share of True in each column of values bool (K, D, m), in [0, 1], of K images that are all seen with D draws.

    Wilson's interval for as many independent values as would have the standard error of crossed_means; for a share of 0 or 1,
    which has none, as many as there are images or draws, whichever are fewer. With one draw it is that of image_shares.

    Raises InputError for anything but a boolean array of three dimensions, and for no draw.
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.bool_ or values.ndim != 3 or values.shape[1] == 0:
        raise InputError(f"values: {kind_of(values)}; a boolean array of 3 dimensions, with a draw or more, would be right")
    images, draws, _ = values.shape
    if draws == 1:
        return image_shares(values[:, 0])
    found = _crossed(values.astype(np.float64))
    inside = (found.means > 0) & (found.means < 1) & (found.errors > 0)
    alike = _ratio(np.where(inside, found.means * (1 - found.means), nan), found.errors**2)
    worth = np.where(inside, np.clip(alike, 1, images * draws), min(images, draws))
    often = np.where(inside, found.often(NormalDist().inv_cdf((1 + LEVEL) / 2)), nan)
    every = zip(found.means.tolist(), worth.tolist(), often.tolist(), strict=True)
    return tuple(replace(_wilson_of(share, size, None if isnan(z) else z), images=images) for share, size, z in every)


def _checked_crossed(values: NDArray[np.floating]) -> NDArray[np.float64]:
    checked = _checked("values", values, 3)
    if checked.shape[1] == 0:
        raise InputError("values: an array without a draw; its second dimension should have one or more")
    return checked


def _crossed(values: NDArray[np.float64]) -> _Crossed:
    """The means of the columns of checked values (K, D, m), D above 1, with what their intervals need."""
    present = ~np.isnan(values)
    images, draws = present.any(1).sum(0), present.any(0).sum(0)
    means = _ratio(np.where(present, values, 0).sum((0, 1)), present.sum((0, 1)).astype(np.float64))
    centred = np.where(present, values - means, 0)
    counts, parts = np.stack([images, draws]), np.stack([_level(centred, present, 1), _level(centred, present, 0)])
    resampled = _resampled_twice(centred, present)
    spread = np.sqrt(_ratio(np.nansum(resampled**2, axis=0), (~np.isnan(resampled)).sum(0).astype(np.float64)))
    shrunk = (parts * _ratio(counts - 1.0, counts.astype(np.float64))).sum(0)  # resamples vary less than samples do
    errors = spread * np.sqrt(np.where(shrunk > 0, _ratio(parts.sum(0), shrunk), 1))
    off = np.nan_to_num(_ratio(np.abs(resampled), np.broadcast_to(spread, resampled.shape)))
    return _Crossed(means, np.where((counts > 1).all(0), errors, nan), off, parts, counts)


def _level(centred: NDArray[np.float64], present: NDArray[np.bool_], over: int) -> NDArray[np.float64]:
    """The variance of the mean that is due to one level, (m,): that of the level's own means, over the other."""
    means = _ratio(centred.sum(over), present.sum(over).astype(np.float64))
    counts, middle = _counts_and_means(means)
    return np.nan_to_num(_ratio(np.nansum((means - middle) ** 2, axis=0), counts * (counts - 1)))


def _resampled_twice(centred: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The means of the columns in each resample of images and draws, (RESAMPLES, m); NaN where it has no value of a column."""
    generator, (images, draws, columns) = np.random.default_rng(SEED), centred.shape
    if images == 0:
        return np.full((RESAMPLES, columns), nan)
    rows = max(1, _DRAWS // max(images, draws * columns))
    known = present.astype(np.float64).reshape(images, -1)
    parts = []
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        often = generator.multinomial(images, np.full(images, 1 / images), size).astype(np.float64)
        too = generator.multinomial(draws, np.full(draws, 1 / draws), size).astype(np.float64)
        sums, counts = ((often @ one.reshape(images, -1)).reshape(size, draws, columns) for one in (centred, known))
        parts.append(_ratio(np.einsum("rd,rdm->rm", too, sums), np.einsum("rd,rdm->rm", too, counts)))
    return np.concatenate(parts)


def _students(freedom: NDArray[np.float64], q: float) -> NDArray[np.float64]:
    """Student's quantile with the tail that the normal distribution has beyond q."""
    from scipy.special import ndtr, stdtrit  # a tenth of a second to import

    return np.asarray(-stdtrit(freedom, ndtr(-q)))


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

    NaN where either map is constant or contains NaN or infinity. Raises InputError for anything else, and for different shapes.
    """
    first, second = standard_ranks(maps), standard_ranks(others)
    if maps.shape != others.shape:
        raise InputError(f"others: the shape is {others.shape}; that of the maps, {maps.shape}, would be right")
    return np.asarray((first * second).sum(1))


def _checked(argument: str, values: NDArray[np.floating], dimensions: int) -> NDArray[np.float64]:
    right = f"a floating-point array of {dimensions} dimension{'s' * (dimensions > 1)}, NaN where there is no value,"
    check_floats(argument, values, dimensions, right)
    if np.isinf(values).any():
        raise InputError(f"{argument}: the array contains infinity; {right} would be right")
    return values.astype(np.float64)


def _resampled_means(values: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The means of the columns in each resample, (RESAMPLES, m); NaN where a resample holds no value of a column."""
    generator, images = np.random.default_rng(SEED), len(values)
    filled, counted = np.where(present, values, 0), None if present.all() else present.astype(np.float64)
    rows = max(1, _DRAWS // images)
    parts = []
    for start in range(0, RESAMPLES, rows):
        size = min(rows, RESAMPLES - start)
        drawn = generator.integers(0, images, (size, images)) + images * np.arange(size)[:, None]
        often = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images).astype(np.float64)
        sums = often @ filled
        parts.append(sums / images if counted is None else _ratio(sums, often @ counted))
    return np.concatenate(parts)


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many standard errors the mean of each column is off in each resample, (RESAMPLES, m).

    0 for equal values, and where a resample holds no value of a column.
    """
    if len(values) < 2:  # every resample is the sample
        return np.zeros((RESAMPLES, values.shape[1]))
    counts, means = _counts_and_means(values)
    # of centred values, since rounding is then small even beside the deviations of values that are nearly equal
    centred = values - means
    _, rest = _counts_and_means(centred)
    errors = np.sqrt(_ratio(np.nansum(centred**2, axis=0), counts**2))
    off = np.abs(_resampled_means(centred, ~np.isnan(values)) - rest)
    return np.nan_to_num(_ratio(off, np.broadcast_to(errors, off.shape)))


def _within(values: NDArray[np.float64], q: float) -> tuple[Estimate, ...]:
    """The mean of each column, with the interval of q standard errors to either side; see simultaneous_means."""
    counts, means = _counts_and_means(values)
    freedom = np.maximum(counts - 1, 1)
    errors = np.sqrt(_ratio(np.nansum((values - means) ** 2, axis=0), freedom * counts))
    halves = errors * _students(freedom, q)
    every = zip(means, means - halves, means + halves, counts, strict=True)
    return tuple(Estimate(float(mean), float(low), float(high), int(count)) for mean, low, high, count in every)


def _counts_and_means(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many values each column has, and their mean, (m,) each; NaN without a value."""
    counts = (~np.isnan(values)).sum(0).astype(np.float64)
    return counts, _ratio(np.nansum(values, axis=0), counts)


def _ratio(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(sums, counts, out=np.full_like(sums, nan), where=counts > 0))


def _ends(means: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Both ends of each column's interval, (2, m); NaN for a column without values. counts: how many each column has, (m,)."""
    ends = np.full((2, means.shape[1]), nan)
    for count in np.unique(counts[counts > 0]).tolist():
        same, tail = counts == count, _tail(count)
        ends[:, same] = np.nanquantile(means[:, same], [tail, 1 - tail], axis=0)
    return ends


def _tail(count: int) -> float:
    """The share of the resamples beyond each end of an interval of so many images."""
    from scipy.special import ndtr, stdtrit  # a tenth of a second to import

    if count < 2:
        return (1 - LEVEL) / 2
    return float(ndtr(-sqrt(count / (count - 1)) * stdtrit(count - 1, (1 + LEVEL) / 2)))
