"""A scan in few numbers: how far two configurations are from each other, for which images, and which settings cause it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import CLASSES
from explain_lib.frozen import Frozen
from explain_lib.scan import ScanRows
from explain_lib.scan_table import true_classes

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LISTED_IMAGES = 12


@dataclass(frozen=True)
class ScanSummary(Frozen):
    """What the rows of a scan have in common; means and quantiles are over its finite rows, NaN where there are none.

    images, finite: rows, and those that are finite. mean: of the mean absolute difference, the MAE, of each image.
    quantiles: float64 (5,), 5, 25, 50, 75 and 95 % of the MAEs. class_means: float64 (classes,), the mean MAE by true class;
    class_images: int64 (classes,), over how many. right_mean, wrong_mean: the mean MAE where the prediction is right, and
    where not, of images with a known class; right_images, wrong_images: over how many. settings: those that differ.
    shares: float64 (settings,), the mean part of the MAE that each causes; fractions: float64 (settings,), the same divided by
    the mean MAE, NaN if that is 0.
    worst: int64, positions in the set of the images with the largest MAE, the largest first; typical: of those nearest to
    the median, the nearest first; both: images that are as far by position.
    """

    images: int
    finite: int
    mean: float
    quantiles: NDArray[np.float64]
    class_means: NDArray[np.float64]
    class_images: NDArray[np.int64]
    right_mean: float
    wrong_mean: float
    right_images: int
    wrong_images: int
    settings: tuple[str, ...]
    shares: NDArray[np.float64]
    fractions: NDArray[np.float64]
    worst: NDArray[np.int64]
    typical: NDArray[np.int64]


def summarise_scan(
    rows: ScanRows, labels: NDArray[np.int64], classes: tuple[str, ...] = CLASSES, *, listed: int = LISTED_IMAGES
) -> ScanSummary:
    """The summary of rows, at least one. labels, classes: see scan_table. listed: how many worst and typical images.

    Raises InputError if there are fewer labels than pictures.
    """
    finite = rows.finite
    true, mae = true_classes(rows, labels)[finite], rows.mae[finite]
    images, known = rows.images[finite], true >= 0
    right, wrong = known & (true == rows.predicted[finite]), known & (true != rows.predicted[finite])
    mean, shares = _mean(mae), rows.shares[finite]
    quantiles = np.quantile(mae, QUANTILES) if len(mae) else np.full(len(QUANTILES), np.nan)
    mean_shares = np.array([_mean(column) for column in shares.T])
    return ScanSummary(
        images=len(rows),
        finite=len(mae),
        mean=mean,
        quantiles=quantiles,
        class_means=np.array([_mean(mae[true == place]) for place in range(len(classes))]),
        class_images=np.bincount(true[known], minlength=len(classes)),
        right_mean=_mean(mae[right]),
        wrong_mean=_mean(mae[wrong]),
        right_images=int(right.sum()),
        wrong_images=int(wrong.sum()),
        settings=rows.settings,
        shares=mean_shares,
        fractions=mean_shares / mean if mean > 0 else np.full(len(mean_shares), np.nan),
        worst=images[np.lexsort((images, -mae))[:listed]],
        typical=images[np.lexsort((images, np.abs(mae - quantiles[QUANTILES.index(0.5)])))[:listed]],
    )


def _mean(values: NDArray[np.float64]) -> float:
    """The mean, NaN of nothing."""
    return float(values.mean()) if len(values) else float("nan")
