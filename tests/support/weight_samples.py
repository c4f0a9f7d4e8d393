"""Weight files that a person may send: right ones, and such as should harm."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.loading.architectures import TutorialNet

GIGABYTES_5 = 5_000_000_000
_LENGTH = struct.Struct("<Q")


@cache
def tutorial_weights() -> Mapping[str, Tensor]:
    torch.manual_seed(1)
    return TutorialNet().state_dict()


def saved(content: object, **options: object) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


@cache
def tutorial_file() -> bytes:
    return saved(dict(tutorial_weights()))


# Section: archives


def archive(records: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=1) as packed:
        for name, content in records.items():
            packed.writestr(name, content)
    return file.getvalue()


@dataclass(frozen=True)
class Storage:
    """A piece of memory as a pickle declares it, whatever the archive holds."""

    key: str
    count: int


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        return ("storage", torch.FloatStorage, obj.key, "cpu", obj.count) if isinstance(obj, Storage) else None


@dataclass(frozen=True)
class Declared:
    """A tensor as a pickle declares it."""

    storage: Storage
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0
    also: tuple[object, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        rebuild = torch._utils._rebuild_tensor_v2
        return rebuild, (self.storage, self.offset, self.size, self.stride, False, OrderedDict(), *self.also)


def declaring(*tensors: Declared, held: int) -> bytes:
    """A .pt whose pickle declares these tensors, and whose one record has so many bytes."""
    pickled = io.BytesIO()
    _Pickler(pickled, protocol=2).dump({f"tensor{number}": tensor for number, tensor in enumerate(tensors)})
    return with_pickle(pickled.getvalue(), held)


def with_pickle(pickled: bytes, held: int = 0) -> bytes:
    return archive(records(pickled, bytes(held)))


def records(pickled: bytes, data: bytes) -> dict[str, bytes]:
    return {"archive/data.pkl": pickled, "archive/byteorder": b"little", "archive/version": b"3\n", "archive/data/0": data}


def directory_of_gigabytes() -> bytes:
    """An archive whose directory says that its largest record has 4 GB."""
    content = bytearray(tutorial_file())
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"data/4"))
    struct.pack_into("<II", content, place + 20, 0xFFFFFFF0, 0xFFFFFFF0)
    return bytes(content)


def zip_bomb(megabytes: int = 300) -> bytes:
    """Zeros, compressed to a three-hundredth and less."""
    count = megabytes * 2**18
    pickled = io.BytesIO()
    _Pickler(pickled, protocol=2).dump({"w": Declared(Storage("0", count), (count,), (1,))})
    return archive(records(pickled.getvalue(), bytes(4 * count)), zipfile.ZIP_DEFLATED)


def many_records() -> bytes:
    return archive({f"archive/data/{number}": b"" for number in range(20_001)})


# Section: pickles


class Planted:
    """Unpickling it runs a command that makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


class Zeros:
    """Unpickling it takes 5 GB, by a name that PyTorch allows."""

    def __reduce__(self) -> tuple[object, ...]:
        return bytearray, (GIGABYTES_5,)


def planting_files(marker: Path) -> dict[str, bytes]:
    """Files that make a file if they are unpickled."""
    planted = Planted(marker)
    return {
        "in an archive": saved({"conv1.weight": planted}),
        "in an archive of a newer protocol": saved({"conv1.weight": planted}, pickle_protocol=4),
        "beside weights": saved({**tutorial_weights(), "extra": planted}),
        "as a key": saved({planted: torch.zeros(1)}),
        "in the old format": saved({"conv1.weight": planted}, _use_new_zipfile_serialization=False),
        "a bare pickle": pickle.dumps(planted),
        "a bare pickle of protocol 0": pickle.dumps(planted, protocol=0),
        "a bare pickle called .safetensors": pickle.dumps(planted, protocol=0),
    }


def deep_key() -> bytes:
    """A dictionary whose key is a tuple in a tuple in a tuple ...: to hash it takes more stack than there is."""
    depth = 300_000
    return with_pickle(b"\x80\x02}" + b")" + b"\x85" * depth + b"K\x01s.")


def far_memo() -> bytes:
    """A value put into place 4,294,967,295 of the memo: Python's own unpickler makes room for all before."""
    return with_pickle(b"\x80\x02}r\xff\xff\xff\xff.")


def long_bytes() -> bytes:
    """Bytes whose declared length is 5 GB."""
    return with_pickle(b"\x80\x04\x8e" + _LENGTH.pack(GIGABYTES_5) + b".")


def many_dictionaries(count: int) -> bytes:
    return with_pickle(b"\x80\x02" + b"}" * count + b".")


# Section: safetensors


def safetensors_file(header: Mapping[str, object] | bytes, data: bytes, length: int | None = None) -> bytes:
    written = header if isinstance(header, bytes) else json.dumps(header).encode()
    return _LENGTH.pack(len(written) if length is None else length) + written + data


def entry(start: int, end: int, count: int, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": [count], "data_offsets": [start, end]}


# Section: all that should harm by size, and what is said of each

HARMFUL: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "a zip bomb": (zip_bomb, "it is compressed"),
    "a directory of 4 GB": (directory_of_gigabytes, "declares 4,29"),
    "more records than anybody needs": (many_records, "more than 20,000 records"),
    "a storage of 5 GB": (
        lambda: declaring(Declared(Storage("0", GIGABYTES_5 // 4), (GIGABYTES_5 // 4,), (1,)), held=64),
        "it declares a piece of 5,000,000,000 bytes, and holds 64 of it",
    ),
    "a tensor of 5 GB on 64 bytes": (
        lambda: declaring(Declared(Storage("0", 16), (GIGABYTES_5 // 4,), (0,)), held=64),
        "it declares a tensor of 1250000000 = 1,250,000,000 numbers, and holds 16 of them",
    ),
    "a tensor past its storage": (
        lambda: declaring(Declared(Storage("0", 16), (4, 4), (4, 1), offset=1), held=64),
        "it declares a tensor that reaches to number 17 of 16",
    ),
    "a stride past its storage": (
        lambda: declaring(Declared(Storage("0", 16), (2,), (2**40,)), held=64),
        "it declares a tensor that reaches to number 1,099,511,627,777 of 16",
    ),
    "a storage that is not there": (
        lambda: declaring(Declared(Storage("1", 4), (4,), (1,)), held=16),
        "it declares a piece of 16 bytes, and holds 0 of it",
    ),
    "an expanded tensor": (lambda: saved({"w": torch.zeros(1).expand(10**9)}), "1,000,000,000 numbers, and holds 1 of them"),
    "a tensor on no device": (
        lambda: saved({"w": torch.zeros(10**9, device="meta")}),
        "it asks for torch._utils._rebuild_meta_tensor",
    ),
    "a sparse tensor": (
        lambda: saved({"w": torch.sparse_coo_tensor(torch.zeros(1, 1), torch.ones(1), (10**9,), check_invariants=False)}),
        "it asks for torch._utils._rebuild_sparse_tensor",
    ),
    "5 GB of zeros by a call": (lambda: saved({"w": Zeros()}), "it asks for"),
    "a key nested deeply": (deep_key, "it is damaged (at opcode SETITEM)"),
    "a far place of the memo": (far_memo, "it holds nothing, not tensors by name"),
    "bytes of 5 GB": (long_bytes, "it is damaged"),
    "a long pickle": (lambda: many_dictionaries(2**20), "its list of tensors has 1,048,579 bytes, of which at most 1,048,576"),
    "a pickle as long as may be": (lambda: many_dictionaries(2**20 - 3), "it holds nothing, not tensors by name"),
    "a header of 5 GB": (
        lambda: safetensors_file(b"{}", b"", length=GIGABYTES_5),
        "its header declares 5,000,000,000 bytes",
    ),
    "safetensors of 5 GB": (
        lambda: safetensors_file({"w": entry(0, GIGABYTES_5, GIGABYTES_5 // 4)}, bytes(64)),
        "declares what it does not hold",
    ),
    "safetensors that overlap": (
        lambda: safetensors_file({"a": entry(0, 64, 16), "b": entry(0, 64, 16)}, bytes(64)),
        "declares what it does not hold",
    ),
    "safetensors whose shape is not their size": (
        lambda: safetensors_file({"w": entry(0, 64, 2**62)}, bytes(64)),
        "declares what it does not hold",
    ),
    "safetensors nested deeply": (lambda: safetensors_file(b'{"w":' + b"[" * 500_000, b""), "it is damaged"),
}  # fmt: skip
"""Small files that declare, or become, what no memory holds; and a part of the sentence about each."""

DAMAGED: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "cut short": (lambda: tutorial_file()[:-1000], "it is damaged or cut short"),
    "cut in its middle": (lambda: tutorial_file()[: len(tutorial_file()) // 2], "it is damaged or cut short"),
    "one bit turned": (lambda: _turned(tutorial_file()), "it is damaged or cut short"),
    "text": (lambda: b"these are my weights", "it is neither a file of torch.save nor of safetensors"),
    "another zip archive": (lambda: archive({"readme.txt": b"hello"}), "it is a zip archive of something else"),
    "TorchScript": (
        lambda: archive({"net/data.pkl": b"\x80\x02}.", "net/constants.pkl": b"\x80\x02)."}),
        "it is a TorchScript program",
    ),
    "a tensor with metadata that are none": (
        lambda: declaring(Declared(Storage("0", 4), (4,), (1,), also=((1, 2),)), held=16),
        "it is damaged (at opcode REDUCE)",
    ),
    "the old format cut short": (lambda: older_file()[:-1], "it is cut short"),
    "the old format cut in its list of tensors": (lambda: older_file()[:400], "it is damaged or cut short"),
    "the old format of another version": (
        lambda: older_file().replace(b"\x80\x02M\xe9\x03.", b"\x80\x02M\xea\x03.", 1),
        "a version of the format of torch.save before PyTorch 1.6 that is not known",
    ),
    "the old format with two lengths of one piece": (
        lambda: older_file().replace((120 * 400).to_bytes(8, "little"), (120 * 399).to_bytes(8, "little"), 1),
        "has two lengths",
    ),
    "a whole network in the old format": (
        lambda: saved(TutorialNet(), _use_new_zipfile_serialization=False),
        "it holds a whole pickled network",
    ),
    "a whole network": (lambda: saved(TutorialNet()), "it holds a whole pickled network"),
    "a whole layer": (lambda: saved(nn.Linear(2, 2)), "it holds a whole pickled network"),
    "a tensor of a kind without a storage": (lambda: saved({"w": torch.zeros(2, dtype=torch.uint16)}), "it asks for torch."),
    "a list": (lambda: saved([torch.zeros(1)]), "it holds a list, not tensors by name"),
    "one tensor": (lambda: saved(torch.zeros(1)), "it holds a Tensor, not tensors by name"),
    "no tensors": (lambda: saved({}), "it holds nothing, not tensors by name"),
    "numbers": (lambda: saved({"epoch": 3, "loss": 0.5}), "it holds epoch, loss, not tensors by name"),
    "safetensors cut short": (lambda: save_safetensors(dict(tutorial_weights()))[:-1], "it is damaged, cut short"),
    "safetensors without a header": (lambda: b"\x10\x00\x00\x00\x00\x00\x00\x00{", "its header declares 16 bytes"),
}  # fmt: skip
"""Files that are not what they should be, and a part of the sentence about each."""


def older_file() -> bytes:
    """The weights of the tutorial network as torch.save wrote them before PyTorch 1.6."""
    return saved(dict(tutorial_weights()), _use_new_zipfile_serialization=False)


def _turned(content: bytes) -> bytes:
    turned = bytearray(content)
    turned[content.index(b"data/4") + 200] ^= 1
    return bytes(turned)


def refused(*arguments: object, **named: object) -> str:
    """The one line in which load_own_model refuses these arguments."""
    with pytest.raises(xl.ExplainError) as caught:
        xl.load_own_model(*arguments, **named)  # type: ignore[arg-type]  # wrong ones, on purpose
    said = str(caught.value)
    assert "\n" not in said
    return said
