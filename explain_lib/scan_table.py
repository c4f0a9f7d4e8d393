"""The rows of a scan as a table with named columns, as CSV and as Parquet."""

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import CLASSES
from explain_lib.errors import InputError
from explain_lib.scan import ScanRows

if TYPE_CHECKING:  # pyarrow is slow to import, and only those who want a table wait for it
    import pyarrow

FINITE, NOT_FINITE = "ok", "not finite"


def scan_table(
    rows: ScanRows,
    labels: NDArray[np.int64],
    classes: tuple[str, ...] = CLASSES,
    *,
    causes: bool = True,
    package: bool = False,
) -> "pyarrow.Table":
    """The rows as a table, in their order: a row an image.

    labels: int64 (N,), the true class of every picture of the set, -1 where it is not known. classes: their names. causes,
    package: whether the scan was asked for shares and residual. Columns: image int64, its position in the set; true_class,
    predicted_class text; right bool; state text, "ok" or "not finite"; mae float64; with causes one cause_NAME float64 a
    setting, with package residual float64. Numbers that are not known are null. Raises InputError for labels that do not fit
    the rows or the classes.
    """
    import pyarrow

    true = true_classes(rows, labels)
    if min(true.min() + 1, rows.predicted.min()) < 0 or max(true.max(), rows.predicted.max()) >= len(classes):
        raise InputError(f"classes: {len(classes)} names; one for each class of the labels and the network would be right")
    names = np.asarray([*classes, None], dtype=object)
    right = (true == rows.predicted).astype(object)
    right[true < 0] = None
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
    """The table as CSV in UTF-8: a line of names, then a line a row; numbers in full, nothing where one is not known."""
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
