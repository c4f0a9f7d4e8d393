"""A folder of pictures as a set: a subfolder a class, or flat. Files are read when they are asked for."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from cachetools import LRUCache

from explain_lib.base.errors import DataError, InputError, TooLargeError
from explain_lib.base.frozen import read_only
from explain_lib.pictures.files import MAX_BYTES, PICTURE_SUFFIXES, fit_picture, read_picture, read_thumbnail
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.sets import LazyPixels

FITTED_BYTES = 64 * 2**20
"""Of pictures at a network's size, kept from when they were last read."""


class ImageFolder:
    """The picture files below a folder, in the order of their names; hidden ones and other kinds of files are passed over.

    path: the folder. files: their paths below it, with slashes. classes: the subfolders at its top that hold some, in order.
    labels: int64 (N,), the position of each file's subfolder in `classes`, -1 for a file that is in none. identity: SHA-256,
    in hex, over names, sizes and times of the files.
    """

    def __init__(self, path: Path) -> None:
        """Lists the folder, and opens none of the files. Raises InputError for what is no folder, or holds no picture."""
        if not path.is_dir():
            raise InputError(f"images: {str(path)!r} is no folder; a folder of pictures would be right")
        found = sorted(_files(path))
        if not found:
            kinds = ", ".join(PICTURE_SUFFIXES)
            raise InputError(f"images: {str(path)!r} holds no picture; files that end with {kinds} would be right")
        self.path = path
        self.files = tuple(name for name, _, _ in found)
        tops = [name.partition("/")[0] if "/" in name else "" for name in self.files]
        self.classes = tuple(sorted({top for top in tops if top}))
        places = {name: place for place, name in enumerate(self.classes)}
        self.labels = read_only(np.array([places.get(top, -1) for top in tops], dtype=np.int64))
        self.identity = hashlib.sha256(repr((str(path.resolve()), found)).encode()).hexdigest()
        self._stamps = {name: f"{size} {time}" for name, size, time in found}
        self._unreadable: dict[int, str] = {}
        self._fitted: LRUCache[tuple[int, tuple[int, int]], Picture] = LRUCache(FITTED_BYTES, getsizeof=lambda one: one.nbytes)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def name(self) -> str:
        """What the folder is called."""
        return self.path.resolve().name

    @property
    def unreadable(self) -> dict[int, str]:
        """The files that could not be read so far: why, by position."""
        with self._lock:
            return dict(sorted(self._unreadable.items()))

    def stamp(self, position: int) -> str:
        """Size and time of a file as it was listed: another one when the file was changed."""
        return self._stamps[self.files[position]]

    def content(self, position: int) -> bytes:
        """A file's bytes. Raises DataError if it is gone or cannot be read, or is too large."""
        path = self.path / self.files[position]
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)  # one more than is read at all, so that it is refused
        except OSError as error:
            raise self.refuse(position, f"it cannot be opened ({error.strerror})") from error

    def picture(self, position: int) -> Picture:
        """A picture as it is, uint8 (H, W, 3). Raises DataError, naming the file, if it cannot be read."""
        content = self.content(position)
        try:
            return read_picture(content)
        except (InputError, DataError) as error:
            raise self.refuse(position, str(error)) from error

    def thumbnail(self, position: int, side: int) -> Picture:
        """The middle square of a picture, uint8 (side, side, 3). Raises DataError, naming the file, if it cannot be read."""
        content = self.content(position)
        try:
            return read_thumbnail(content, side)
        except (InputError, DataError, TooLargeError) as error:
            raise self.refuse(position, str(error)) from error

    def refuse(self, position: int, why: str) -> DataError:
        """Note that a file cannot be read, and say so."""
        said = why.removeprefix("picture: ")
        with self._lock:
            self._unreadable[position] = said
        return DataError(f"{self.files[position]}: {said}")

    def pixels(self, size: tuple[int, int]) -> LazyPixels:
        """All pictures as a network of input size (height, width) sees them; see fit_picture."""
        return _FolderPixels(self, size)

    def fitted(self, position: int, size: tuple[int, int]) -> Picture:
        """One picture as a network of that input size sees it. Raises DataError if it cannot be read."""
        with self._lock:
            known = self._fitted.get((position, size))
        if known is not None:
            return known
        made = read_only(fit_picture(self.picture(position), size))
        with self._lock:
            if made.nbytes <= self._fitted.maxsize:
                self._fitted[position, size] = made
        return made


class _FolderPixels(LazyPixels):
    def __init__(self, folder: ImageFolder, size: tuple[int, int]) -> None:
        super().__init__(len(folder), size, hashlib.sha256(f"{folder.identity} {size}".encode()).hexdigest())
        self._folder = folder

    def read(self, position: int) -> Picture:
        return self._folder.fitted(position, self.size)


def _files(folder: Path, below: str = "") -> Iterator[tuple[str, int, int]]:
    """Path below the folder, bytes and nanoseconds of each picture file; links to folders are not followed.

    A subfolder that cannot be listed stands for its files, so that it is said to be unreadable when it is read.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if not below:
            raise InputError(f"images: {str(folder)!r}: {error.strerror}; a folder that can be read would be right") from error
        yield below.rstrip("/"), -1, -1
    else:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{below}{entry.name}/")
            elif entry.name.lower().endswith(PICTURE_SUFFIXES):
                yield f"{below}{entry.name}", *_stamp(entry)


def _stamp(entry: "os.DirEntry[str]") -> tuple[int, int]:
    try:
        status = entry.stat()
    except OSError:
        return -1, -1  # a broken link: listed, and said to be unreadable when it is read
    return status.st_size, status.st_mtime_ns
