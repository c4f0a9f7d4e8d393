"""Where files are kept that can be made again: one folder of the user's, or a temporary one where there is none."""

import os
import shutil
import sys
import tempfile
import threading
from atexit import register
from functools import cache
from pathlib import Path

from explain_lib.base.errors import InputError

NAME = "grad-cam-dashboard"
_LOCK = threading.Lock()


def cache_folder(chosen: Path | None = None) -> Path:
    """A folder that exists and can be written to; the same one each time it is asked for.

    chosen: the folder itself, made if it is missing. None: `grad-cam-dashboard` in the platform's folder for caches
    (XDG_CACHE_HOME, else ~/.cache, on Linux), or, if that cannot be written to, a temporary folder that goes with the process.
    Raises InputError for a chosen folder that cannot be written to.
    """
    with _LOCK:
        return _usual() if chosen is None else _chosen(chosen.expanduser().absolute())


@cache
def _chosen(folder: Path) -> Path:
    try:
        _make_writable(folder)
    except OSError as error:
        said = error.strerror or "it cannot be written to"
        raise InputError(f"cache: {str(folder)!r}: {said}; a folder that can be written to would be right") from error
    return folder


@cache
def _usual() -> Path:
    caches = platform_caches()
    if caches is not None:
        try:
            _make_writable(caches / NAME)
        except OSError:
            return _temporary()  # a home that is read-only or is not there, as services have
        return caches / NAME
    return _temporary()


def _temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
    register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _make_writable(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def platform_caches() -> Path | None:
    """The folder that this platform keeps its user's caches in, whether or not it exists; None for a user without a home."""
    if sys.platform == "win32":
        given, usual = "LOCALAPPDATA", "~/AppData/Local"
    elif sys.platform == "darwin":
        given, usual = "", "~/Library/Caches"
    else:
        given, usual = "XDG_CACHE_HOME", "~/.cache"
    expanded = os.path.expanduser(usual)  # noqa: PTH111  (that of Path raises for a user without a home)
    for path in (Path(os.environ.get(given, "")), Path(expanded)):
        if path.is_absolute():  # XDG: what is not is to be ignored
            return path
    return None
