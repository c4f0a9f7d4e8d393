"""The comparison of two maps: their difference at each pixel, and metrics over all pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import check_map

TOP_SHARE = 0.2


@dataclass(frozen=True)
class Metric:
    """A field of Comparison in words.

    name: that of the field. title: as a heading. word: its aspect, in few words. meaning: one sentence. equal: its value for
    equal maps. higher_is_closer: whether a larger value means that the maps are more alike.
    """

    name: str
    title: str
    word: str
    meaning: str
    equal: float
    higher_is_closer: bool


METRICS = (
    Metric("mae", "Mean |b − a|", "the average gap", "The mean absolute difference over all pixels.", 0, False),
    Metric("rmse", "RMS of b − a", "large gaps count more", "The root of the mean of (b − a)².", 0, False),
    Metric("max_abs", "Largest |b − a|", "the worst pixel", "The largest difference of any pixel.", 0, False),
    Metric(
        "pearson",
        "Pearson",
        "rise and fall together",
        "The correlation of the values: scale and offset do not count. 0: unrelated, −1: opposite.",
        1,
        True,
    ),
    Metric(
        "spearman",
        "Spearman",
        "same order of pixels",
        "The correlation of the ranks: only the order of the pixels counts. 0: unrelated, −1: opposite.",
        1,
        True,
    ),
    Metric("ssim", "SSIM", "same structure", "Similarity in brightness, contrast and shape, in windows of 11 pixels.", 1, True),
    Metric(
        "iou",
        "IoU, top 20 %",
        "same hot spots",
        "Intersection over union of the brightest fifth of the pixels of either map.",
        1,
        True,
    ),
)
"""Every number of a Comparison, in the order of its fields."""

SSIM_WINDOW = 11


@dataclass(frozen=True)
class Comparison(Frozen):
    """Two maps (H, W) compared, in the units of the maps.

    difference: float32 (H, W), b - a. mae, rmse, max_abs: mean, root mean square and largest of |b - a|, 0 for equal maps.
    pearson, spearman: correlation of values and of ranks, in [-1, 1], NaN where a map is constant. ssim: structural
    similarity (Wang et al. 2004, Gaussian window of 11 pixels), 1 for equal maps, NaN for maps smaller than the window.
    iou: of the brightest 20 % of pixels of each, ties by position, in [0, 1].
    """

    difference: NDArray[np.float32]
    mae: float
    rmse: float
    max_abs: float
    pearson: float
    spearman: float
    ssim: float
    iou: float


def compare(a: NDArray[np.float32], b: NDArray[np.float32]) -> Comparison:
    """Compare two maps (H, W) of floating-point numbers.

    Raises InputError if a map is not a floating-point array (H, W), contains NaN or infinity, or the shapes differ.
    """
    gap = _difference(a, b)
    first, second = a.astype(np.float64), b.astype(np.float64)
    return Comparison(
        difference=b.astype(np.float32) - a.astype(np.float32),
        mae=float(np.abs(gap).mean()),
        rmse=float(np.sqrt((gap**2).mean())),
        max_abs=float(np.abs(gap).max()),
        pearson=_pearson(first, second),
        spearman=_spearman(first, second),
        ssim=_ssim(first, second),
        iou=_iou(first, second),
    )


def mean_absolute_difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """compare(a, b).mae alone, at a hundredth of the cost of all seven numbers. Arguments and errors are the same."""
    return float(np.abs(_difference(a, b)).mean())


def _difference(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """The difference b - a of two maps, after checking them."""
    _check_finite("a", a)
    _check_finite("b", b)
    if a.shape != b.shape:
        raise InputError(f"b: the shape is {b.shape}, that of a is {a.shape}; maps of one shape would be right")
    return b.astype(np.float64) - a.astype(np.float64)


def _check_finite(argument: str, values: NDArray[np.float32]) -> None:
    check_map(argument, values)
    if not np.isfinite(values).all():
        raise InputError(f"{argument}: the map contains NaN or infinity; a map of finite numbers would be right")


def _pearson(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if a.min() == a.max() or b.min() == b.max():
        return float("nan")
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata  # a third of a second to import

    return _pearson(rankdata(a), rankdata(b))


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    from skimage.metrics import structural_similarity  # half a second to import

    if min(a.shape) < SSIM_WINDOW:
        return float("nan")
    low, high = min(a.min(), b.min(), 0.0), max(a.max(), b.max(), 1.0)
    return float(
        structural_similarity(a, b, data_range=float(high - low), gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    )


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    top_a, top_b = brightest_pixels(a), brightest_pixels(b)
    return float((top_a & top_b).sum() / (top_a | top_b).sum())


def brightest_pixels(values: NDArray[np.floating]) -> NDArray[np.bool_]:
    """The brightest 20 % of a map's pixels, bool (H, W), for a map (H, W): exactly so many, ties by position."""
    top = np.zeros(values.size, dtype=bool)
    top[np.argsort(-values.ravel(), kind="stable")[: max(1, round(TOP_SHARE * values.size))]] = True
    return top.reshape(values.shape)
