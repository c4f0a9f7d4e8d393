"""The summary of a scan over images, by class, outcome and setting, and its rows as a table, as CSV and as Parquet."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.compare.scan import ScanRows
from explain_lib.pictures.dataset import CLASSES

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LISTED_IMAGES = 12


@dataclass(frozen=True)
class ScanSummary(Frozen):
    """The summary of a scan; means and quantiles are over its finite rows, NaN if there are none.

    images, finite: how many rows there are, and how many are finite. mean: of the mean absolute differences, MAEs, of the
    images. quantiles: float64 (5,), at 5, 25, 50, 75 and 95 %, of the MAEs. class_means: float64 (classes,), the mean MAE by
    true class; class_images: int64 (classes,), the images of each. right_mean, wrong_mean: the mean MAE of images with a right
    and with a wrong prediction, where the network knows the class; right_images, wrong_images: the images of each. settings:
    those that differ. shares: float64 (settings,), the mean part of the MAE that each causes; fractions: float64 (settings,),
    the same divided by the mean MAE, NaN if that is 0.
    worst: int64, positions in the set of the images with the largest MAE, the largest first. typical: int64, those of the
    images nearest to the median, the nearest first. In both, ties are in the order of positions.
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
    rows: ScanRows,
    labels: NDArray[np.int64],
    classes: tuple[str, ...] = CLASSES,
    *,
    known: int | None = None,
    listed: int = LISTED_IMAGES,
) -> ScanSummary:
    """The summary of rows, at least one. labels, classes, known: see scan_table. listed: how many worst and typical images.

    Raises InputError if there are fewer labels than pictures.
    """
    finite = rows.finite
    true, mae = true_classes(rows, labels)[finite], rows.mae[finite]
    images, is_right = rows.images[finite], true == rows.predicted[finite]
    judged = _judged(true, known)
    right, wrong = judged & is_right, judged & ~is_right
    mean, shares = _mean(mae), rows.shares[finite]
    quantiles = np.quantile(mae, QUANTILES) if len(mae) else np.full(len(QUANTILES), np.nan)
    mean_shares = np.array([_mean(column) for column in shares.T])
    return ScanSummary(
        images=len(rows),
        finite=len(mae),
        mean=mean,
        quantiles=quantiles,
        class_means=np.array([_mean(mae[true == place]) for place in range(len(classes))]),
        class_images=np.bincount(true[true >= 0], minlength=len(classes)),
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


def _judged(true: NDArray[np.int64], known: int | None) -> NDArray[np.bool_]:
    """Whether the prediction of each image is right or wrong: not where its class is unknown, or one that the network lacks."""
    return (true >= 0) & (true < (known if known is not None else np.inf))


def _mean(values: NDArray[np.float64]) -> float:
    """The mean; NaN without values."""
    return float(values.mean()) if len(values) else float("nan")


# Section: tables

if TYPE_CHECKING:  # pyarrow is slow to import, and only tables need it
    import pyarrow

FINITE, NOT_FINITE = "ok", "not finite"


def scan_table(
    rows: ScanRows,
    labels: NDArray[np.int64],
    classes: tuple[str, ...] = CLASSES,
    *,
    known: int | None = None,
    causes: bool = True,
    package: bool = False,
) -> "pyarrow.Table":
    """The rows as a table, in their order, one row per image.

    labels: int64 (N,), the true class of every picture of the set, -1 if unknown. classes: their names. known: how many of
    them, from the first, the network knows: predictions for others are neither right nor wrong; None for all, 0 for a task
    without right and wrong. causes, package: whether the scan computed shares and residual. Columns: image int64, its position
    in the set; true_class, predicted_class text; right bool; state text, "ok" or "not finite"; mae float64; with causes one
    cause_NAME float64 per setting, with package residual float64. Unknown numbers are null. Raises InputError
    for labels that do not fit the rows or the classes.
    """
    import pyarrow

    true = true_classes(rows, labels)
    if min(true.min() + 1, rows.predicted.min()) < 0 or max(true.max(), rows.predicted.max()) >= len(classes):
        raise InputError(f"classes: {len(classes)} names; one for each class of the labels and the network would be right")
    names = np.asarray([*classes, None], dtype=object)
    right = (true == rows.predicted).astype(object)
    right[~_judged(true, known)] = None
    columns: dict[str, NDArray[np.generic]] = {
        "image": rows.images,
        "true_class": names[true],
        "predicted_class": names[rows.predicted],
        "right": right,
        "state": np.where(rows.finite, FINITE, NOT_FINITE),
        "mae": rows.mae,
    }
    if causes:
        columns |= {f"cause_{name}": rows.shares[:, place] for place, name in enumerate(rows.settings)}
    if package:
        columns["residual"] = rows.residual
    return pyarrow.table({name: pyarrow.array(values, from_pandas=True) for name, values in columns.items()})


def true_classes(rows: ScanRows, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The true class of each row, int64 (K,). Raises InputError if there are fewer labels than pictures."""
    if len(labels) <= rows.images.max():
        raise InputError(f"labels: {len(labels)} of them; one for each picture of the set that was scanned would be right")
    return np.asarray(labels[rows.images])


def to_csv(table: "pyarrow.Table") -> bytes:
    """The table as CSV in UTF-8: a line of names, then one line per row; numbers in full, unknown ones empty."""
    from pyarrow import csv

    file = io.BytesIO()
    csv.write_csv(table, file)
    return file.getvalue()


def to_parquet(table: "pyarrow.Table") -> bytes:
    """The table as a Parquet file."""
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()
