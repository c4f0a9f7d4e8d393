"""The finished batches of a scan on disk: a line a batch, so that a scan that was killed goes on where it stood.

The first line holds the fingerprint of the request. Each other line holds the SHA-256 of its batch, and the batch as JSON
with the number of images before it. What does not fit its SHA-256, such as a line that was cut short, ends the file.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explain_lib.errors import DataError, InputError
from explain_lib.scan import ScanRows

TITLE = b"explain_lib scan 1 "


class PartFile:
    """The file of one scan; it is made by the first batch, and one that holds no batch counts as none."""

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Read what is there. Raises InputError for the file of another request, DataError if it cannot be read."""
        self.path = path
        self.parts: list[ScanRows] = []
        self.images = 0
        self._header = TITLE + fingerprint.encode() + b"\n"
        self._is_cut, self._end = False, 0
        self._file: BinaryIO | None = None
        self._read()

    def append(self, rows: ScanRows) -> None:
        """Add a batch; once this returns, it outlives the process. Raises DataError if it cannot be written."""
        try:
            if self._file is None:
                self._file = self._open()
            self._file.write(_line(rows, self.images))
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # closing tries to write once more
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
        """The file, ready for the next batch, without what was cut short."""
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
            if found[0] == self.images:  # a batch that is there already was written by a second process
                self.parts.append(found[1])
                self.images += len(found[1])
        self._end = end


def _line(rows: ScanRows, start: int) -> bytes:
    arrays = {name: getattr(rows, name).tolist() for name in ("images", "predicted", "mae", "shares", "residual")}
    text = json.dumps({"start": start, "settings": rows.settings, **arrays}).encode()
    return hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n"


def _batch(line: bytes) -> tuple[int, ScanRows] | None:
    """The number of images before a batch, and its rows; None for a line that is not whole."""
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
