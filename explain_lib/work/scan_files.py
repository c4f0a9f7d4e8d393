"""Scans to a file, CSV or Parquet, which resume after a kill at any moment."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.files import check_ending, write_whole
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.compare.scan_summary import scan_table, to_csv, to_parquet
from explain_lib.networks.requests import join_rows
from explain_lib.networks.task_words import classes_judged

if TYPE_CHECKING:  # pyarrow is slow to import
    import pyarrow

WRITERS: Mapping[str, Callable[["pyarrow.Table"], bytes]] = MappingProxyType({".csv": to_csv, ".parquet": to_parquet})
"""The functions that make the bytes of a file, by the ending of its name."""


def part_path(path: Path) -> Path:
    """The file of the finished batches of an unfinished scan to `path`."""
    return path.with_name(path.name + ".part")


def scan_to_file(
    request: ScanRequest,
    labels: NDArray[np.int64],
    path: Path,
    *,
    classes: tuple[str, ...] | None = None,
    compute: Callable[[ScanRequest], Iterator[ScanRows]] = ScanRequest.rows,
    progress: Callable[[int], None] | None = None,
) -> ScanRows:
    """Write the table of a scan to `path`, whole or not at all; returns all rows, including those of an earlier run.

    Until then the finished batches are in `path` + ".part"; an interrupted scan resumes from them and ends with the same file.
    labels: int64 (N,), the true classes of the set, positions in `classes`, None for those of the model. compute: gives the
    rows of a request batch by batch, here or elsewhere. progress: called with the number of images done, first with those of
    an earlier run.

    Raises InputError for another ending than .csv or .parquet, and for a .part file of another request; DataError if a file
    cannot be read or written; and the errors of ScanRequest.
    """
    check_ending(path, WRITERS)
    part = PartFile(part_path(path), request.fingerprint)
    told = progress or (lambda _: None)
    told(part.images)
    try:
        if part.images < len(request):
            for rows in compute(request.rest(part.images)):
                part.append(rows)
                told(part.images)
    finally:
        part.close()
    if not part.parts:
        raise DataError("images: none of them can be read; others would be right")
    rows = join_rows(part.parts)
    names, known = classes or request.model.classes, classes_judged(request.model)
    table = scan_table(rows, labels, names, known=known, causes=request.causes, package=request.package)
    write_whole(path, WRITERS[path.suffix](table))
    part.remove()
    return rows


# Section: the file of finished batches, one per line

TITLE = b"explain_lib scan 1 "


class PartFile:
    """The file of one scan, created by the first batch; a file without a batch counts as missing."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Read the file if it exists. Raises InputError for the file of another request, DataError if it cannot be read."""
        self.path = path
        self.parts: list[ScanRows] = []
        self.images = 0
        self._header = TITLE + fingerprint.encode() + b"\n"
        self._is_cut, self._end = False, 0
        self._file: BinaryIO | None = None
        self._read()

    def append(self, rows: ScanRows) -> None:
        """Add a batch; after the return it survives a kill of the process. Raises DataError if it cannot be written."""
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(_line(rows, self.images))
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # closing tries to write again
                self.close()
            raise DataError(f"{self.path} cannot be written to ({error}); name another file, or make room") from error
        self.parts.append(rows)
        self.images += len(rows)

    def close(self) -> None:
        """Close the file; it can still be read by another PartFile."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def remove(self) -> None:
        """Close the file and delete it."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _open(self) -> BinaryIO:
        """The file, ready for the next batch, without an incomplete last line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        if self._is_cut:
            file.truncate(self._end)
        if file.tell() == 0:
            file.write(self._header)
        return file

    def _read(self) -> None:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise DataError(f"{self.path} cannot be read ({error}); name another file") from error
        header, *lines = content.splitlines(keepends=True) or [b""]
        if header == self._header:
            self._take_up(lines)
        elif lines or not self._header.startswith(header[: len(TITLE)]):
            raise InputError(f"out: {self.path} belongs to another scan; delete it, or name another file, would be right")
        self._is_cut = self._end < len(content)

    def _take_up(self, lines: list[bytes]) -> None:
        end = len(self._header)
        for line in lines:
            found = _batch(line)
            if found is None or found[0] > self.images:
                break
            end += len(line)
            if found[0] == self.images:  # a repeated batch was written by a second process
                self.parts.append(found[1])
                self.images += len(found[1])
        self._end = end


def _line(rows: ScanRows, start: int) -> bytes:
    arrays = {name: getattr(rows, name).tolist() for name in ("images", "predicted", "mae", "shares", "residual")}
    text = json.dumps({"start": start, "settings": rows.settings, **arrays}).encode()
    return hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n"


def _batch(line: bytes) -> tuple[int, ScanRows] | None:
    """The number of images before a batch, and its rows; None for an incomplete line."""
    digest, _, text = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or hashlib.sha256(text).hexdigest().encode() != digest:
        return None
    values = json.loads(text)
    settings = tuple(values["settings"])
    rows = ScanRows(
        np.array(values["images"], dtype=np.int64),
        np.array(values["predicted"], dtype=np.int64),
        np.array(values["mae"], dtype=np.float64),
        settings,
        np.array(values["shares"], dtype=np.float64).reshape(-1, len(settings)),
        np.array(values["residual"], dtype=np.float64),
    )
    return int(values["start"]), rows
