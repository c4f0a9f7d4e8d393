"""Weight files from outside, .pt of torch.save and .safetensors, checked before memory is allocated for their tensors.

Nothing in a file is ever run. The tensors have no more bytes than the file, whatever it declares.
"""

import math
import struct
import sys
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE
from explain_lib.base.words import error_words, few_names, one_line
from explain_lib.loading.older_weight_files import START as OLDER
from explain_lib.loading.older_weight_files import open_older
from explain_lib.loading.pickle_outline import MAX_BYTES, DeclaredTensor, PickleOutline, RefusedFileError, outline

RIGHT = "a file of torch.save(network.state_dict(), FILE), or of safetensors, would be right"
MAX_RECORDS = 20_000
MAX_NAME, MAX_DEPTH = 256, 5
"""Names of weights have fewer characters, and checkpoints keep them less deep."""
_ZIP, _ZIP_ENTRY = b"PK\x03\x04", b"PK\x01\x02"
_PICKLE = b"\x80"
_HEADER_LENGTH = struct.Struct("<Q")
_DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "torch.DoubleStorage": torch.float64, "torch.FloatStorage": torch.float32, "torch.HalfStorage": torch.float16,
        "torch.BFloat16Storage": torch.bfloat16, "torch.LongStorage": torch.int64, "torch.IntStorage": torch.int32,
        "torch.ShortStorage": torch.int16, "torch.CharStorage": torch.int8, "torch.ByteStorage": torch.uint8,
        "torch.BoolStorage": torch.bool, "torch.ComplexDoubleStorage": torch.complex128,
        "torch.ComplexFloatStorage": torch.complex64,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A tensor in a file: its shape, its dtype, and the number of characters in its name before that in its own dictionary."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    place: int


@dataclass(frozen=True)
class WeightFile:
    """The tensors of a file by name: the keys of all dictionaries around a tensor and its own, joined by dots.

    take: reads some of them by name, on the CPU, unchanged.
    """

    held: Mapping[str, Held]
    take: Callable[[Iterable[str]], dict[str, Tensor]]


def read_weights(content: bytes, name: str) -> WeightFile:
    """The tensors of a file, of which none is read before it is asked for; they have at most as many bytes as the file.

    content: the whole file, which decides on the format. name: its name in messages.

    Raises DataError for a file that is empty, damaged, cut short, compressed, of another kind, that holds anything but tensors,
    plain values and those of common training programs, or that declares more than it holds. Nothing in it is run.
    """
    try:
        file = _open(content, name)
    except RefusedFileError as error:
        raise DataError(f"{name}: {error}; {RIGHT}") from error

    def take(names: Iterable[str]) -> dict[str, Tensor]:
        try:
            return file.take(names)
        except (zipfile.BadZipFile, *UNREADABLE) as error:
            raise DataError(f"{name}: it is damaged or cut short ({error_words(error, 200)}); {RIGHT}") from error

    return WeightFile(file.held, take)


def _open(content: bytes, name: str) -> WeightFile:
    if not content:
        raise RefusedFileError("it is empty")
    if content.startswith(_ZIP):
        return _open_archive(content)
    if content.startswith(OLDER):
        older = open_older(content)
        return _of_outline(older.found, older, "little")
    if content.startswith(_PICKLE):
        raise RefusedFileError("it is a bare pickle, which could run code and is not read")
    if content[8:9] == b"{" or name.endswith(".safetensors"):
        return _open_safetensors(content)
    raise RefusedFileError("it is neither a file of torch.save nor of safetensors")


def _open_safetensors(content: bytes) -> WeightFile:
    declared = _HEADER_LENGTH.unpack(content[:8])[0] if len(content) >= 8 else 0
    if declared > min(MAX_BYTES, len(content) - 8):
        raise RefusedFileError(
            f"its header declares {declared:,} bytes; the file has {len(content):,}, and a header may have {MAX_BYTES:,}"
        )
    try:
        loaded = load_safetensors(content)
    except (SafetensorError, *UNREADABLE) as error:
        raise RefusedFileError(
            f"it is damaged, cut short, or declares what it does not hold ({error_words(error, 200)})"
        ) from error

    if not loaded:
        raise RefusedFileError("it holds nothing, not tensors by name")
    held = {name: Held(tuple(tensor.shape), tensor.dtype, 0) for name, tensor in loaded.items()}
    return WeightFile(held, lambda names: {name: loaded[name] for name in names})


# Section: files of torch.save


class _Records(Protocol):
    """Records of bytes by name, data/KEY for a storage."""

    def read(self, record: str) -> bytes: ...

    def size(self, record: str) -> int | None: ...


@dataclass(frozen=True)
class _Archive:
    """An archive whose records match its directory."""

    file: zipfile.ZipFile
    folder: str
    sizes: dict[str, int]

    def read(self, record: str) -> bytes:
        return self.file.read(f"{self.folder}/{record}")

    def size(self, record: str) -> int | None:
        return self.sizes.get(f"{self.folder}/{record}")


def _open_archive(content: bytes) -> WeightFile:
    if content.count(_ZIP_ENTRY) > MAX_RECORDS:  # before zipfile creates an object for each
        raise RefusedFileError(f"it has more than {MAX_RECORDS:,} records")
    try:
        archive = _checked_archive(zipfile.ZipFile(BytesIO(content)), len(content))
        found = outline(archive.read("data.pkl"))
        order = archive.read("byteorder").decode() if archive.size("byteorder") in (3, 6) else "little"
    except (zipfile.BadZipFile, EOFError, NotImplementedError, struct.error, ValueError) as error:
        raise RefusedFileError(f"it is damaged or cut short ({error_words(error, 200)})") from error
    return _of_outline(found, archive, order)


def _of_outline(found: PickleOutline, records: _Records, order: str) -> WeightFile:
    """The tensors that a pickle declares, of records of bytes in that order, little or big."""
    _check_declared(found.tensors, records)
    declared = _tensors_by_name(found.content)
    held = {name: Held(tensor.size, _DTYPES[tensor.storage.kind], place) for name, (tensor, place) in declared.items()}
    return WeightFile(
        held, lambda names: _built({name: declared[name][0] for name in names}, records, swapped=order != sys.byteorder)
    )


def _checked_archive(file: zipfile.ZipFile, length: int) -> _Archive:
    entries = file.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise RefusedFileError(f"it is compressed: {length:,} bytes that become {unpacked:,}, which torch.save never does")
    if unpacked > length or any(entry.file_size != entry.compress_size for entry in entries):
        raise RefusedFileError(f"its directory declares {unpacked:,} bytes, and the file has {length:,}")
    if any(entry.flag_bits & 1 for entry in entries):
        raise RefusedFileError("it is encrypted")
    sizes = {entry.filename: entry.file_size for entry in entries}
    if len(sizes) != len(entries):
        raise RefusedFileError("it holds a record twice")
    return _Archive(file, _folder(sizes), sizes)


def _folder(names: Iterable[str]) -> str:
    folders = [name.removesuffix("/data.pkl") for name in names if name.endswith("/data.pkl")]
    if len(folders) != 1:
        raise RefusedFileError("it is a zip archive of something else")
    if f"{folders[0]}/constants.pkl" in names:
        raise RefusedFileError("it is a TorchScript program, not its weights alone")
    return folders[0]


def _check_declared(tensors: Iterable[DeclaredTensor], archive: _Records) -> None:
    for tensor in tensors:
        storage = tensor.storage
        held = archive.size(f"data/{storage.key}")
        if held != storage.nbytes:
            raise RefusedFileError(f"it declares a piece of {storage.nbytes:,} bytes, and holds {held or 0:,} of it")
        numbers = math.prod(tensor.size)
        if numbers > storage.count:
            shape = " x ".join(map(str, tensor.size))
            raise RefusedFileError(
                f"it declares a tensor of {shape} = {numbers:,} numbers, and holds {storage.count:,} of them"
            )
        reach = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.size, tensor.stride, strict=True)) + 1
        if numbers > 0 and reach > storage.count:
            raise RefusedFileError(f"it declares a tensor that reaches to number {reach:,} of {storage.count:,}")


def _built(tensors: Mapping[str, DeclaredTensor], archive: _Records, *, swapped: bool) -> dict[str, Tensor]:
    """The tensors, made of their records. swapped: whether the bytes of a number are in the other order than this machine's."""
    storages: dict[str, Tensor] = {}
    built = {}
    for name, tensor in tensors.items():
        key, dtype = tensor.storage.key, _DTYPES[tensor.storage.kind]
        if tensor.storage.count == 0:
            built[name] = torch.empty(tensor.size, dtype=dtype)
            continue
        if key not in storages:
            storages[key] = _storage(archive.read(f"data/{key}"), dtype, swapped=swapped)
        built[name] = storages[key].view(dtype).as_strided(tensor.size, tensor.stride, tensor.offset)
    return built


def _storage(record: bytes, dtype: torch.dtype, *, swapped: bool) -> Tensor:
    """The bytes of a record, uint8, in this machine's order."""
    numbers = np.frombuffer(record, np.uint8)
    if swapped:
        width = dtype.itemsize // (2 if dtype.is_complex else 1)
        return torch.from_numpy(numbers.reshape(-1, width)[:, ::-1].copy()).reshape(-1)
    return torch.from_numpy(numbers.copy())


# Section: names


def _tensors_by_name(content: object) -> dict[str, tuple[DeclaredTensor, int]]:
    """The tensors in dictionaries by their dotted names, with the length of the part of the name that leads to the dictionary.

    A dictionary that is held twice, or by itself, is read once.
    """
    if not isinstance(content, dict):
        kind = "Tensor" if isinstance(content, DeclaredTensor) else _KINDS.get(type(content), "value")
        raise RefusedFileError(f"it holds a {kind}, not tensors by name")
    found: dict[str, tuple[DeclaredTensor, int]] = {}
    seen, waiting = {id(content)}, deque([("", content, 0)])
    while waiting:
        before, into, depth = waiting.popleft()
        for key, value in into.items():
            if isinstance(value, DeclaredTensor) and isinstance(key, str):
                found.setdefault(f"{before}{_short(key)}", (value, len(before)))
            elif isinstance(value, dict) and depth < MAX_DEPTH and id(value) not in seen:
                seen.add(id(value))
                waiting.append((f"{before}{_short(key)}.", value, depth + 1))
    if not found:
        raise RefusedFileError(f"it holds {few_names([one_line(key) for key in content], 3) or 'nothing'}, not tensors by name")
    return found


_KINDS: Mapping[type, str] = MappingProxyType({list: "list", tuple: "tuple", str: "str", int: "int", float: "float"})


def _short(key: object) -> str:
    name = str(key)
    if len(name) > MAX_NAME:
        raise RefusedFileError(f"a name in it, {one_line(name)}, has {len(name):,} characters, and at most {MAX_NAME} are read")
    return name
