"""A folder of pictures as a set, one subfolder per class or flat, whose files are read on demand."""

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np
from cachetools import LRUCache

from explain_lib.base.errors import DataError, InputError, TooLargeError
from explain_lib.base.frozen import read_only
from explain_lib.pictures.bands import ARRAY_SUFFIXES, TABLE_SUFFIXES, bands_window, preview_picture, preview_thumbnail
from explain_lib.pictures.files import MAX_BYTES, PICTURE_SUFFIXES, Window
from explain_lib.pictures.intake import Intake, set_identity
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.sets import LazyPixels

SUFFIXES = (*PICTURE_SUFFIXES, *ARRAY_SUFFIXES, *TABLE_SUFFIXES)
MASKS = "masks"
"""The folder at the top that holds a mask for pictures outside it, under the same name; its files are no pictures then."""
FITTED_BYTES = 64 * 2**20
"""How much is kept of the pictures, at the size of a network, that were read last."""


File = tuple[str, int, int]
"""The path of a picture below its folder, its bytes, and its time in nanoseconds."""


class ImageFolder:
    """The picture files below a folder, in the order of their names; hidden files and those of other kinds are skipped.

    path: the folder. files: their paths below it, with slashes. classes: the subfolders at its top that hold pictures, in
    order. labels: int64 (N,), the position in `classes` of the subfolder of each file, -1 for a file in none. identity:
    SHA-256, in hex, over names, sizes and times of the files, and where the folder is. digest: over names and sizes alone, the
    same for a copy of the folder. masks: the path below the folder of the mask of each picture that has one, by its picture's.
    """

    def __init__(self, path: Path) -> None:
        """List the folder without opening a file. Raises InputError if it is not a folder, or holds no picture."""
        if not path.is_dir():
            raise InputError(f"images: {str(path)!r} is not a folder; a folder of pictures would be right")
        found, self.masks = _without_masks(_without_tables(sorted(_files(path))))
        if not found:
            kinds = ", ".join(SUFFIXES)
            raise InputError(f"images: {str(path)!r} has no pictures; files that end with {kinds} would be right")
        self.path = path
        self.files = tuple(name for name, _, _ in found)
        tops = [name.partition("/")[0] if "/" in name else "" for name in self.files]
        self.classes = tuple(sorted({top for top in tops if top}))
        places = {name: place for place, name in enumerate(self.classes)}
        self.labels = read_only(np.array([places.get(top, -1) for top in tops], dtype=np.int64))
        self.identity = hashlib.sha256(repr((str(path.resolve()), found)).encode()).hexdigest()
        self.digest = hashlib.sha256(repr([(name, size) for name, size, _ in found]).encode()).hexdigest()
        self._stamps = {name: f"{size} {time}" for name, size, time in found}
        self._unreadable: dict[int, str] = {}
        self._fitted: LRUCache[tuple[int, str], Picture] = LRUCache(FITTED_BYTES, getsizeof=lambda one: one.nbytes)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @property
    def unreadable(self) -> dict[int, str]:
        """The reasons why files could not be read so far, by position."""
        with self._lock:
            return dict(sorted(self._unreadable.items()))

    def stamp(self, position: int) -> str:
        """Size and time of a file as listed; they change with the file."""
        return self._stamps[self.files[position]]

    def content(self, position: int) -> bytes:
        """The bytes of a file. Raises DataError if it is gone, or cannot be read."""
        path = self.path / self.files[position]
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)  # one byte too many, so that read_picture refuses it
        except OSError as error:
            raise self.refuse(position, f"it cannot be opened ({error.strerror})") from error

    def picture(self, position: int) -> Picture:
        """A picture at its own size as it is shown, uint8 (H, W, 3). Raises DataError, naming the file, if it is unreadable."""
        content = self.content(position)
        try:
            return preview_picture(content)
        except (InputError, DataError) as error:
            raise self.refuse(position, str(error)) from error

    def thumbnail(self, position: int, side: int) -> Picture:
        """The middle square of a picture, uint8 (side, side, 3). Raises DataError, naming the file, if it cannot be read."""
        content = self.content(position)
        try:
            return preview_thumbnail(content, side)
        except (InputError, DataError, TooLargeError) as error:
            raise self.refuse(position, str(error)) from error

    def refuse(self, position: int, why: str) -> DataError:
        """Note that a file cannot be read, and why; returns the exception to raise."""
        said = why.removeprefix("picture: ")
        with self._lock:
            self._unreadable[position] = said
        return DataError(f"{self.files[position]}: {said}")

    def pixels(self, seen: tuple[int, int] | Intake) -> LazyPixels:
        """All pictures as a network sees them. seen: its input size (height, width), for RGB, or model.intake()."""
        return _FolderPixels(self, seen if isinstance(seen, Intake) else Intake(seen))

    def fitted(self, position: int, intake: Intake) -> Picture:
        """One picture as a network sees it. Raises DataError, naming the file, if it is unreadable or has other channels."""
        key = position, intake.identity
        with self._lock:
            known = self._fitted.get(key)
        if known is not None:
            return known
        try:
            made = read_only(intake.read(self.content(position)))
        except (InputError, DataError) as error:
            self.picture(position)  # a file that can be shown is only refused to this network
            raise DataError(f"{self.files[position]}: {str(error).removeprefix('picture: ')}") from error
        with self._lock:
            if made.nbytes <= self._fitted.maxsize:
                self._fitted[key] = made
        return made

    def window(self, position: int, channels: int) -> Window | None:
        """The own window of a file for a network of so many channels, None for one of 8 bits; see bands_window."""
        try:
            return bands_window(self.content(position), channels)
        except InputError as error:
            raise DataError(f"{self.files[position]}: {str(error).removeprefix('picture: ')}") from error


class _FolderPixels(LazyPixels):
    def __init__(self, folder: ImageFolder, intake: Intake) -> None:
        super().__init__(len(folder), intake.size, set_identity(folder.identity, intake), intake.channels)
        self._folder, self._intake = folder, intake

    def read(self, position: int) -> Picture:
        return self._folder.fitted(position, self._intake)


def _without_tables(found: list[File]) -> list[File]:
    """The files without tables, which are labels or notes beside pictures; where there is nothing else, they are signals."""
    others = [file for file in found if not file[0].lower().endswith(TABLE_SUFFIXES)]
    return others or found


def _without_masks(found: list[File]) -> tuple[list[File], Mapping[str, str]]:
    """The files that are pictures, and the mask of each by its path.

    A folder called "masks" that has anything but the names of pictures outside is a class like others.
    """
    masks = {_stem(name.partition("/")[2]): name for name, _, _ in found if name.startswith(f"{MASKS}/")}
    pictures = [file for file in found if not file[0].startswith(f"{MASKS}/")]
    named = {_stem(name): name for name, _, _ in pictures}
    if not masks or not set(masks) <= set(named):
        return found, MappingProxyType({})
    return pictures, MappingProxyType({named[stem]: mask for stem, mask in masks.items()})


def _stem(name: str) -> str:
    """A path without the ending of its file."""
    return str(PurePosixPath(name).with_suffix(""))


def _files(folder: Path, below: str = "") -> Iterator[File]:
    """Path below the folder, bytes and nanoseconds of each picture file; links to folders are not followed.

    A subfolder that cannot be listed takes the place of its files, so that reading it reports the error.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        if not below:
            raise InputError(f"images: {str(folder)!r}: {error.strerror}; a readable folder would be right") from error
        yield below.rstrip("/"), -1, -1
    else:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{below}{entry.name}/")
            elif entry.name.lower().endswith(SUFFIXES):
                yield f"{below}{entry.name}", *_stamp(entry)


def _stamp(entry: "os.DirEntry[str]") -> tuple[int, int]:
    try:
        status = entry.stat()
    except OSError:
        return -1, -1  # a broken link: listed, so that reading it reports the error
    return status.st_size, status.st_mtime_ns
