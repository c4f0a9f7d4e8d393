"""The ZIP file of a view: its pictures, its raw arrays, and their computations. Nothing in a file is ever run."""

import hashlib
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from explain_lib.base.errors import DataError
from explain_lib.base.frozen import Frozen
from explain_lib.take_home.json_form import Computation, Json

# Section: arrays under readable names

Array = NDArray[np.generic]
KINDS = "biuf"
"""The kinds of dtypes that are kept: booleans, signed and unsigned integers, floating point."""

_HARMLESS = " #()+,-_&'@="


def named_arrays(key: str, result: object) -> dict[str, Array]:
    """The arrays and numbers in a result, each under a name that begins with the key.

    Numbers become arrays of shape (). Texts, targets and settings are left out: they belong to the request. Characters that a
    file name may not have are written as in a URL.
    """
    return dict(_walk(quote(key, safe=_HARMLESS), result))


def _walk(key: str, value: object) -> Iterator[tuple[str, Array]]:
    if isinstance(value, np.ndarray):
        if value.dtype.kind in KINDS:
            yield key, value
    elif isinstance(value, bool | int | float | np.generic):
        yield key, np.asarray(value)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _walk(_below(key, str(name)), one)
    elif isinstance(value, Frozen):
        yield from _fields(key, value)


def _fields(key: str, result: Frozen) -> Iterator[tuple[str, Array]]:
    assert is_dataclass(result)
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, tuple) and all(isinstance(one, Frozen) for one in value):
            for name, one in zip(_labels(result, value), value, strict=True):
                yield from _walk(_below(key, name), one)
        else:
            yield from _walk(_below(key, field.name), value)


def _labels(result: Frozen, parts: tuple[object, ...]) -> list[str]:
    """The names of the parts of a result, or numbers if it has no names."""
    names: tuple[str, ...] = getattr(result, "names", ())
    return list(names) if len(names) == len(parts) else [str(place) for place in range(len(parts))]


def _below(key: str, name: str) -> str:
    return f"{key}.{quote(name, safe=_HARMLESS)}"


# Section: writing

FORMAT = "grad-cam-view"
VERSION = 1
SETTINGS, ARRAYS, PICTURES = "settings.json", "maps.npz", "pictures.npz"
MAX_FILE = 512 * 2**20
MAX_ARRAYS = 256 * 2**20
MAX_SETTINGS = 32 * 2**20
MAX_ENTRIES = 20_000
MAX_UNPACKED = 1024 * 2**20
RIGHT = "a ZIP file from the dashboard's “Everything (ZIP)” would be right"
_UNREADABLE = (BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError)
_STORED = (".png", ".npz")
_CHUNK = 2**20
_DAWN = (1980, 1, 1, 0, 0, 0)
"""The date of every entry, so that the same view gives the same bytes."""


@dataclass(frozen=True)
class ViewFile:
    """The content of a file, without the parts that are only looked at.

    settings: all of settings.json. models: the description of each model, by name. computations: those of the arrays.
    arrays: the numbers, by key. marks: the SHA-256 of each array when the file was written. pictures: uint8 arrays (K, H, W,
    C) of pictures that are not test images. changed: the parts of the ZIP file that were changed since, by name, each
    "changed", "added" or "missing"; None if the file has no digests to tell.
    """

    settings: Json
    models: Mapping[str, Json]
    computations: tuple[Computation, ...]
    arrays: Mapping[str, Array]
    marks: Mapping[str, str]
    pictures: Mapping[str, Array]
    changed: Mapping[str, str] | None


def sealed(settings: Json, parts: Mapping[str, bytes]) -> Json:
    """The settings with the SHA-256 of every part of the file but maps.npz, and with their own."""
    marked = settings | {"parts": {name: hashlib.sha256(one).hexdigest() for name, one in parts.items() if name != ARRAYS}}
    return marked | {"sha256": _settings_mark(marked)}


def _settings_mark(settings: Json) -> str:
    """SHA-256, in hex, over the values of the settings, without this digest and whatever their spacing and order."""
    said = {name: value for name, value in settings.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def array_mark(array: Array) -> str:
    """SHA-256, in hex, over dtype, shape and numbers."""
    content = np.ascontiguousarray(array)
    return hashlib.sha256(f"{content.dtype.str} {content.shape} ".encode() + content.tobytes()).hexdigest()


def arrays_file(arrays: Mapping[str, Array]) -> bytes:
    """The arrays as a NumPy .npz file, in their own dtypes; the same arrays give the same bytes."""
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            content = BytesIO()
            npy.write_array(content, np.asanyarray(array), allow_pickle=False)
            archive.writestr(_entry(f"{name}.npy", ZIP_DEFLATED), content.getvalue())
    return file.getvalue()


def packed(parts: Mapping[str, bytes]) -> bytes:
    """Files by name as one ZIP; the same files give the same bytes."""
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(_entry(name, ZIP_STORED if name.endswith(_STORED) else ZIP_DEFLATED), content)
    return file.getvalue()


def _entry(name: str, compression: int) -> ZipInfo:
    entry = ZipInfo(name, _DAWN)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry


# Section: reading


def read_view_file(path: Path) -> ViewFile:
    """The view in a file. Raises DataError, saying what is wrong, for anything else; nothing is unpacked to the disk."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise DataError(f"{path}: it has {size / 2**20:,.0f} MiB; the limit is {MAX_FILE // 2**20}; {RIGHT}")
        with ZipFile(path) as archive:
            settings = _settings(_part(archive, SETTINGS, MAX_SETTINGS, path), path)
            arrays = _arrays(_part(archive, ARRAYS, MAX_ARRAYS, path), path, ARRAYS)
            stored = PICTURES in archive.namelist()
            pictures = _arrays(_part(archive, PICTURES, MAX_ARRAYS, path), path, PICTURES) if stored else {}
            changed = _changes(settings, archive, path)
    except _UNREADABLE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no ZIP file, or a damaged one"
        raise DataError(f"{path}: it cannot be read ({why}); {RIGHT}") from error
    return _checked(settings, arrays, pictures, changed, path)


def _part(archive: ZipFile, name: str, most: int, path: Path) -> bytes:
    """The content of an entry, limited in length whatever it declares."""
    if len(archive.infolist()) > MAX_ENTRIES or archive.namelist().count(name) != 1:
        raise DataError(f"{path}: it does not have one {name}; {RIGHT}")
    with archive.open(name) as entry:
        content = entry.read(most + 1)
    if len(content) > most:
        raise DataError(f"{path}: {name} has more than {most // 2**20} MiB; {RIGHT}")
    return content


def _arrays(content: bytes, path: Path, name: str) -> dict[str, Array]:
    arrays, room = {}, MAX_ARRAYS
    with ZipFile(BytesIO(content)) as archive:
        for entry in archive.namelist():
            raw = _part(archive, entry, room, path)
            room -= len(raw)
            arrays[entry.removesuffix(".npy")] = _array(raw, f"{path}: {entry} in {name}")
    return arrays


def _array(content: bytes, where: str) -> Array:
    """An array in NumPy's format; its header is checked before memory is allocated for it, and nothing is unpickled."""
    file = BytesIO(content)
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise DataError(f"{where}: it is in another version of NumPy's format; {RIGHT}")
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read_header(file)
    data = content[file.tell() :]
    if dtype.kind not in KINDS or dtype.itemsize * math.prod(shape) != len(data) or min(shape, default=0) < 0:
        raise DataError(f"{where}: its content does not match its header; {RIGHT}")
    flat = np.frombuffer(data, dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _settings(content: bytes, path: Path) -> Json:
    try:
        settings = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {SETTINGS} is not JSON; {RIGHT}") from error
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        raise DataError(f"{path}: {SETTINGS} does not describe a view; {RIGHT}")
    if settings.get("version") != VERSION:
        raise DataError(f"{path}: it has version {settings.get('version')!r} of the format, and {VERSION} is read here")
    return settings


def _changes(settings: Json, archive: ZipFile, path: Path) -> dict[str, str] | None:
    """The parts that were changed, added or removed since the file was written; arrays have digests of their own."""
    said = settings.get("parts")
    if not isinstance(said, dict):
        return None
    changes = {} if settings.get("sha256") == _settings_mark(settings) else {SETTINGS: "changed"}
    here = _digests(archive, path)
    for name in dict.fromkeys([*said, *here]):
        if name not in here or name not in said:
            changes[name] = "added" if name in here else "missing"
        elif here[name] != said[name]:
            changes[name] = "changed"
    return changes


def _digests(archive: ZipFile, path: Path) -> dict[str, str]:
    """SHA-256 of every part but settings and arrays, read piece by piece; "twice" for a part that occurs twice."""
    digests: dict[str, str] = {}
    room = MAX_UNPACKED
    for entry in archive.infolist():
        if entry.filename in (SETTINGS, ARRAYS) or entry.is_dir():
            continue
        digest = hashlib.sha256()
        with archive.open(entry) as content:
            while piece := content.read(_CHUNK):
                room -= len(piece)
                if room < 0:
                    raise DataError(f"{path}: unpacked it has more than {MAX_UNPACKED // 2**20} MiB; {RIGHT}")
                digest.update(piece)
        digests[entry.filename] = "twice" if entry.filename in digests else digest.hexdigest()
    return digests


def _checked(
    settings: Json, arrays: Mapping[str, Array], pictures: Mapping[str, Array], changed: Mapping[str, str] | None, path: Path
) -> ViewFile:
    wrong = f"{path}: {SETTINGS} is not as the dashboard writes it; {RIGHT}"
    listed, models, marks = settings.get("computations"), settings.get("models"), settings.get("arrays")
    if not isinstance(listed, list) or not isinstance(models, dict) or not isinstance(marks, dict):
        raise DataError(wrong)
    if not all(isinstance(one, dict) for one in (*models.values(), *marks.values())):
        raise DataError(wrong)
    if any(one.dtype != np.uint8 or one.ndim != 4 or one.size == 0 for one in pictures.values()):
        raise DataError(f"{path}: {PICTURES} holds something other than pictures; {RIGHT}")
    computations = tuple(_computation(one, wrong) for one in listed)
    digests = {key: str(one.get("sha256")) for key, one in marks.items()}
    return ViewFile(settings, models, computations, arrays, digests, pictures, changed)


def _computation(content: object, wrong: str) -> Computation:
    match content:
        case {"key": str() as key, "name": str() as name, "arguments": dict() as arguments}:
            return Computation(key, name, arguments)
    raise DataError(wrong)
