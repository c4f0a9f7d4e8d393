"""Thumbnails of the pictures of a folder, made once, in the background, and kept in a file."""

import sqlite3
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from PIL import Image

from explain_lib.base.errors import DataError
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.rendering import Picture, open_picture

SIDE = 96
QUALITY = 85
HELD = 4096
TOGETHER = 64
"""How many thumbnails are written to the file at once."""
PAUSE_SECONDS = 0.002
PATIENCE_SECONDS = 10.0

_TABLE = "CREATE TABLE IF NOT EXISTS thumbnails (file TEXT PRIMARY KEY, stamp TEXT, jpeg BLOB, error TEXT) WITHOUT ROWID"
_KEEP = "INSERT OR REPLACE INTO thumbnails VALUES (?, ?, ?, ?)"
_FIND = "SELECT jpeg FROM thumbnails WHERE file = ? AND stamp = ?"


@dataclass(frozen=True)
class ThumbnailProgress:
    """How far the thumbnails of a folder are.

    done: files with a thumbnail, or known to be unreadable. total: all files. running: whether more are being made. problem:
    the reason why thumbnails are not kept in the file, None as long as they are.
    """

    done: int
    total: int
    running: bool
    problem: str | None


class Thumbnails:
    """The thumbnails of a folder, uint8 (96, 96, 3): the middle square of each picture, kept as JPEG.

    One thread makes them, the requested ones first, and ends when all are made.
    """

    def __init__(self, folder: ImageFolder, kept: Path) -> None:
        """kept: a writable folder; one file in it holds the thumbnails, also for later."""
        self.folder = folder
        self._file = kept / f"thumbnails-{sha256(str(folder.path.resolve()).encode()).hexdigest()[:16]}.sqlite"
        self._held: LRUCache[int, bytes] = LRUCache(HELD)
        self._known: set[int] = set()
        self._wanted: list[int] = []
        self._problem: str | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Make the missing thumbnails in the background; does nothing while that goes on, or if none is missing."""
        with self._lock:
            if self._thread is None and not self._closed and len(self._known) < len(self.folder):
                self._thread = threading.Thread(target=self._work, name="thumbnails", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop the thread, and wait for its end."""
        with self._lock:
            self._closed, thread = True, self._thread
        if thread is not None:
            thread.join()

    @property
    def progress(self) -> ThumbnailProgress:
        """How many are done, and whether more are being made."""
        with self._lock:
            return ThumbnailProgress(len(self._known), len(self.folder), self._thread is not None, self._problem)

    def ready(self, positions: Sequence[int]) -> int:
        """How many of these are done, or known to be unreadable; the missing ones are made next."""
        with self._lock:
            missing = [position for position in positions if position not in self._known]
            self._wanted = missing[::-1]
            return len(positions) - len(missing)

    def find(self, positions: Sequence[int]) -> list[Picture | None]:
        """The thumbnails at these positions; None for one that is not made yet, or cannot be made."""
        with self._lock:
            held = {position: self._held[position] for position in positions if position in self._held}
            rest = [position for position in positions if position in self._known and position not in held]
        held |= self._kept(rest)
        with self._lock:
            self._held.update(held)
        return [_decoded(held[position]) if position in held else None for position in positions]

    def _kept(self, positions: Sequence[int]) -> dict[int, bytes]:
        """Those of these thumbnails that the file holds."""
        if not positions or not self._file.exists():
            return {}
        folder = self.folder
        found: dict[int, bytes] = {}
        try:
            with closing(self._open()) as database:
                for position in positions:
                    row = database.execute(_FIND, (folder.files[position], folder.stamp(position))).fetchone()
                    if row is not None and row[0] is not None:
                        found[position] = row[0]
        except sqlite3.Error as error:
            self._forgo(error)
        return found

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=PATIENCE_SECONDS)

    def _forgo(self, error: sqlite3.Error) -> None:
        """Give up the file; thumbnails that are not in memory have to be made again."""
        with self._lock:
            self._problem = f"{self._file.name} cannot be used ({error}); make room, or delete it"
            self._known = {position for position in self._known if position in self._held}

    def _work(self) -> None:
        try:
            self._recall()
            while batch := self._next_batch():
                self._keep([self._make(position) for position in batch])
        finally:
            with self._lock:
                self._thread = None

    def _recall(self) -> None:
        """Note which thumbnails the file holds from earlier."""
        places = {name: position for position, name in enumerate(self.folder.files)}
        try:
            with closing(self._open()) as database, database:
                database.execute(_TABLE)
                rows = database.execute("SELECT file, stamp, error FROM thumbnails").fetchall()
        except sqlite3.Error as error:
            self._forgo(error)
            return
        for name, stamp, why in rows:
            position = places.get(name)
            if position is not None and stamp == self.folder.stamp(position):
                if why is not None:
                    self.folder.refuse(position, why)
                with self._lock:
                    self._known.add(position)

    def _next_batch(self) -> list[int]:
        """The requested ones first, then the others in order."""
        with self._lock:
            if self._closed:
                return []
            wanted = [self._wanted.pop() for _ in range(min(TOGETHER, len(self._wanted)))]
            chosen = [position for position in wanted if position not in self._known]
            missing = (position for position in range(len(self.folder)) if position not in self._known)
            return chosen or list(islice(missing, TOGETHER))

    def _make(self, position: int) -> tuple[int, bytes | None, str | None]:
        time.sleep(PAUSE_SECONDS)  # the threads of the pages go first
        try:
            thumbnail = self.folder.thumbnail(position, SIDE)
        except DataError:
            return position, None, self.folder.unreadable[position]
        file = BytesIO()
        Image.fromarray(thumbnail).save(file, "JPEG", quality=QUALITY)
        return position, file.getvalue(), None

    def _keep(self, made: Sequence[tuple[int, bytes | None, str | None]]) -> None:
        folder = self.folder
        with self._lock:
            for position, jpeg, _ in made:
                self._known.add(position)
                if jpeg is not None:
                    self._held[position] = jpeg
        if self._problem is not None:
            return
        rows = [(folder.files[position], folder.stamp(position), jpeg, why) for position, jpeg, why in made]
        try:
            with closing(self._open()) as database, database:
                database.executemany(_KEEP, rows)
        except sqlite3.Error as error:
            self._forgo(error)


def _decoded(jpeg: bytes) -> Picture:
    with open_picture(BytesIO(jpeg), ("JPEG",)) as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.uint8)
