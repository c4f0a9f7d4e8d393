"""Files written whole or not at all, files of tensors read without running code in them, and the folder for caches."""

import csv
import io
import os
import pickle
import shutil
import struct
import tempfile
import threading
from atexit import register
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch
from platformdirs import user_cache_path

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import error_words

UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    pickle.UnpicklingError,
    struct.error,
)
"""The exceptions of libraries for a file that is damaged, cut short, of another kind, or holds more than plain data."""

NAME = "grad-cam-dashboard"
_LOCK = threading.Lock()


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file by the content at once: a reader sees either the old file or the new one.

    Raises DataError if it cannot be written; then the old file is unchanged, and no part of the new one is left.
    """
    new = path.with_name(path.name + ".new.part")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}); name another file, or make room") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def csv_text(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV, a line of names first; numbers in full, None as nothing."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows(rows)
    return file.getvalue()


def check_ending(path: Path, endings: Iterable[str]) -> Path:
    """The path of a file to write. Raises InputError for a folder, and for an ending of a format that is not written."""
    if path.suffix not in endings or path.is_dir():
        *others, last = endings
        right = f"{', '.join(others)} or {last}" if others else last
        raise InputError(f"out: {path}; a file that ends in {right} would be right")
    return path


def read_tensors(path: Path) -> object:
    """The content of a file of torch.save, tensors on the CPU and plain containers only.

    Raises DataError if the file cannot be read, or holds anything else.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except UNREADABLE as error:
        raise DataError(f"{path} is damaged, or holds more than tensors ({error_words(error)})") from error


def write_tensors(state: object, path: Path) -> None:
    """Write a file for read_tensors with torch.save, whole or not at all.

    Raises DataError if it cannot be written; then an old file of that name is unchanged, and no part of the new one is left.
    """
    new = path.with_suffix(".part")  # torch.save writes the name without its suffix into the file
    try:
        torch.save(state, new)
        new.replace(path)
    except (OSError, RuntimeError) as error:  # PyTorch's own writer raises RuntimeError if the disk is full
        raise DataError(f"{path} cannot be written ({error_words(error)}); name another folder, or make room") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def cache_folder(chosen: Path | None = None) -> Path:
    """The folder for files that can be made again: it exists and can be written to, and stays the same while the process runs.

    chosen: the folder itself, made if it is missing. None: `grad-cam-dashboard` in the user's folder for caches
    (XDG_CACHE_HOME, else ~/.cache, on Linux), or a temporary folder, removed with the process, if that cannot be written to.
    Raises InputError for a chosen folder that cannot be written to.
    """
    with _LOCK:
        return _usual_cache() if chosen is None else _chosen_cache(chosen.expanduser().absolute())


@cache
def _chosen_cache(folder: Path) -> Path:
    try:
        _make_writable(folder)
    except OSError as error:
        said = error.strerror or "it cannot be written to"
        raise InputError(f"cache: {str(folder)!r}: {said}; a writable folder would be right") from error
    return folder


@cache
def _usual_cache() -> Path:
    try:
        folder = user_cache_path(NAME, appauthor=False, opinion=False)
        _make_writable(folder)
    except (OSError, RuntimeError):  # a home that is read-only or missing, as services have; no home at all
        folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
        register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _make_writable(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()
