"""A scan into a file, CSV or Parquet, that can be killed at any moment and goes on where it stood."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explain_lib.errors import InputError
from explain_lib.scan import ScanRows, join_rows
from explain_lib.scan_part import PartFile
from explain_lib.scan_request import ScanRequest
from explain_lib.scan_table import scan_table, to_csv, to_parquet
from explain_lib.whole_file import write_whole

if TYPE_CHECKING:  # pyarrow is slow to import
    import pyarrow

WRITERS: Mapping[str, Callable[["pyarrow.Table"], bytes]] = MappingProxyType({".csv": to_csv, ".parquet": to_parquet})
"""What makes the bytes of a file, by the ending of its name."""


def part_path(path: Path) -> Path:
    """Where the finished batches of the scan into `path` are while it is not whole."""
    return path.with_name(path.name + ".part")


def check_ending(path: Path) -> Path:
    """The path itself. Raises InputError for a folder, and unless its ending names a kind of file that can be written."""
    if path.suffix not in WRITERS or path.is_dir():
        raise InputError(f"out: {path}; a file that ends in {' or '.join(WRITERS)} would be right")
    return path


def scan_to_file(
    request: ScanRequest,
    labels: NDArray[np.int64],
    path: Path,
    *,
    compute: Callable[[ScanRequest], Iterator[ScanRows]] = ScanRequest.rows,
    progress: Callable[[int], None] | None = None,
) -> ScanRows:
    """Write the table of a scan to `path`, whole or not at all; returns all rows, those of an earlier run included.

    Until then the finished batches are in `path` with .part behind it; a scan that was broken off goes on from them and
    ends with the same file. labels: int64 (N,), the true classes of the set. compute: gives the rows of a request batch by
    batch, here or elsewhere. progress: called with the number of images done, first with those of an earlier run. Raises
    InputError for another ending than .csv or .parquet, and where the .part file is that of another request; DataError if
    a file cannot be read or written; and the errors of scan.
    """
    check_ending(path)
    part = PartFile(part_path(path), request.fingerprint)
    told = progress or _tell_nobody
    told(part.images)
    try:
        if part.images < len(request):
            for rows in compute(request.rest(part.images)):
                part.append(rows)
                told(part.images)
    finally:
        part.close()
    rows = join_rows(part.parts)
    table = scan_table(rows, labels, request.model.classes, causes=request.causes, package=request.package)
    write_whole(path, WRITERS[path.suffix](table))
    part.remove()
    return rows


def _tell_nobody(_: int) -> None:
    pass
