"""Weight files from outside, .pt of torch.save and .safetensors, checked before memory is allocated for their tensors.

Nothing in a file is ever run. The tensors have no more bytes than the file, whatever it declares.
"""

import math
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from explain_lib.base.errors import DataError
from explain_lib.base.files import UNREADABLE
from explain_lib.base.words import error_words, few_names, one_line
from explain_lib.loading.pickle_outline import MAX_BYTES, DeclaredTensor, RefusedFileError, declared_tensors

RIGHT = "a file of torch.save(network.state_dict(), FILE), or of safetensors, would be right"
MAX_RECORDS = 20_000
_NESTED = ("state_dict", "model_state_dict", "model")
_WRAPPER = "module."
_ZIP, _ZIP_ENTRY = b"PK\x03\x04", b"PK\x01\x02"
_PICKLE, _LEGACY = b"\x80", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_HEADER_LENGTH = struct.Struct("<Q")


def read_weights(content: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a state dict by name, on the CPU, unchanged; they have at most as many bytes as the file.

    content: the whole file, which decides on the format. name: its name in messages. A state dict inside a training checkpoint
    is found under state_dict, model_state_dict or model, and the prefix “module.” of DataParallel is removed.

    Raises DataError for a file that is empty, damaged, cut short, compressed, of another kind, that holds anything but tensors
    and plain values, or that declares more than it holds. Nothing in it is run.
    """
    try:
        weights = _state_dict(_load(content, name))
    except RefusedFileError as error:
        raise DataError(f"{name}: {error}; {RIGHT}") from error
    wrapped = all(key.startswith(_WRAPPER) for key in weights)
    return {key.removeprefix(_WRAPPER): tensor for key, tensor in weights.items()} if wrapped else weights


def _load(content: bytes, name: str) -> object:
    if not content:
        raise RefusedFileError("it is empty")
    if content.startswith(_ZIP):
        return _load_archive(content)
    if content.startswith(_LEGACY):
        raise RefusedFileError(
            "it has the format of torch.save before PyTorch 1.6, which is not read; save it anew with a newer one"
        )
    if content.startswith(_PICKLE):
        raise RefusedFileError("it is a bare pickle, which could run code and is not read")
    if content[8:9] == b"{" or name.endswith(".safetensors"):
        return _load_safetensors(content)
    raise RefusedFileError("it is neither a file of torch.save nor of safetensors")


def _load_safetensors(content: bytes) -> object:
    declared = _HEADER_LENGTH.unpack(content[:8])[0] if len(content) >= 8 else 0
    if declared > min(MAX_BYTES, len(content) - 8):
        raise RefusedFileError(
            f"its header declares {declared:,} bytes; the file has {len(content):,}, and a header may have {MAX_BYTES:,}"
        )
    try:
        return load_safetensors(content)
    except (SafetensorError, *UNREADABLE) as error:
        raise RefusedFileError(
            f"it is damaged, cut short, or declares what it does not hold ({error_words(error, 200)})"
        ) from error


# Section: archives of torch.save


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


def _load_archive(content: bytes) -> object:
    if content.count(_ZIP_ENTRY) > MAX_RECORDS:  # before zipfile creates an object for each
        raise RefusedFileError(f"it has more than {MAX_RECORDS:,} records")
    try:
        with zipfile.ZipFile(BytesIO(content)) as file:
            archive = _checked_archive(file, len(content))
            pickle = archive.read("data.pkl")
            tensors = declared_tensors(pickle)
            _check_declared(tensors, archive)
            checked = _repacked(archive, pickle, {tensor.storage.key for tensor in tensors})
    except (zipfile.BadZipFile, EOFError, NotImplementedError, struct.error, ValueError) as error:
        raise RefusedFileError(f"it is damaged or cut short ({error_words(error, 200)})") from error
    try:
        return torch.load(checked, weights_only=True, map_location="cpu")
    except (*UNREADABLE, AssertionError) as error:  # PyTorch checks some of its input by assertions
        raise RefusedFileError(f"it is damaged, or holds more than tensors ({error_words(error, 200)})") from error


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


def _check_declared(tensors: Iterable[DeclaredTensor], archive: _Archive) -> None:
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


def _repacked(archive: _Archive, pickle: bytes, keys: Iterable[str]) -> BytesIO:
    """The checked records alone in a new archive, which PyTorch's own reader cannot read in any other way."""
    packed = BytesIO()
    order = archive.read("byteorder") if archive.size("byteorder") in (3, 6) else b"little"
    with zipfile.ZipFile(packed, "w") as file:
        for record, held in (("data.pkl", pickle), ("byteorder", order), ("version", b"3\n")):
            file.writestr(f"archive/{record}", held)
        for key in sorted(keys):
            file.writestr(f"archive/data/{key}", archive.read(f"data/{key}"))
    packed.seek(0)
    return packed


# Section: the state dict


def _state_dict(loaded: object) -> dict[str, Tensor]:
    """The tensors by name, also from inside a training checkpoint."""
    candidates = [loaded]
    if isinstance(loaded, dict):
        candidates += [loaded[key] for key in _NESTED if key in loaded]
    for candidate in candidates:
        if not isinstance(candidate, dict) or not candidate:
            continue
        if all(isinstance(name, str) and isinstance(value, Tensor) for name, value in candidate.items()):
            return dict(candidate)
    if isinstance(loaded, dict):
        raise RefusedFileError(f"it holds {few_names([one_line(key) for key in loaded], 3) or 'nothing'}, not tensors by name")
    raise RefusedFileError(f"it holds a {type(loaded).__name__}, not tensors by name")
