"""Files of torch.save before PyTorch 1.6: five pickles in a row, then each storage with its length before it.

The first two pickles are a number that marks the format and its version, the third describes the machine that wrote it, the
fourth is the object, the fifth lists the keys of the storages in the order of the file (torch.serialization, _legacy_save).
Numbers have their lowest byte first, whichever machine wrote them.
"""

import pickletools
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

from explain_lib.base.words import one_line
from explain_lib.loading.pickle_outline import MAX_BYTES, DeclaredStorage, PickleOutline, RefusedFileError, outline

START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The first pickle: torch.serialization.MAGIC_NUMBER."""
_VERSION = b"\x80\x02M\xe9\x03."
_LENGTH = 8
"""Bytes of the length before a storage."""


@dataclass(frozen=True)
class OlderFile:
    """A file in the older format, its object not unpickled.

    places: where the bytes of each storage begin and end, by its key.
    """

    content: bytes
    found: PickleOutline
    places: Mapping[str, tuple[int, int]]

    def read(self, record: str) -> bytes:
        """The bytes of data/KEY."""
        first, end = self.places[record.removeprefix("data/")]
        return self.content[first:end]

    def size(self, record: str) -> int | None:
        """How many they are; None if there is no such storage."""
        first, end = self.places.get(record.removeprefix("data/"), (0, -1))
        return None if end < first else end - first


def open_older(content: bytes) -> OlderFile:
    """The outline of a file that begins with START. Raises RefusedFileError as outline does, and for a file cut short."""
    version, place = _pickle_at(content, len(START))
    if version != _VERSION:
        raise RefusedFileError("it has a version of the format of torch.save before PyTorch 1.6 that is not known")
    _, place = _pickle_at(content, place)
    described, place = _pickle_at(content, place)
    listed, place = _pickle_at(content, place)
    found = outline(described)
    storages = {tensor.storage.key: tensor.storage for tensor in found.tensors}
    return OlderFile(content, found, _places(content, place, _keys(listed), storages))


def _pickle_at(content: bytes, place: int) -> tuple[bytes, int]:
    """The pickle that begins at a place, and where it ends."""
    stream = BytesIO(content[place : place + MAX_BYTES])
    try:
        for _ in pickletools.genops(stream):
            pass
    except (ValueError, EOFError) as error:
        raise RefusedFileError(f"it is damaged or cut short ({one_line(error)})") from error
    end = place + stream.tell()
    return content[place:end], end


def _keys(listed: bytes) -> list[str]:
    """The keys in the fifth pickle, a list of texts."""
    steps = [(code.name, argument) for code, argument, _ in pickletools.genops(listed)]
    return [str(argument) for name, argument in steps if name == "BINUNICODE"]


def _places(content: bytes, place: int, keys: list[str], storages: Mapping[str, DeclaredStorage]) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        storage = storages.get(key)
        if storage is None:
            raise RefusedFileError(f"it holds a piece, {one_line(key)}, that no tensor is made of")
        first = place + _LENGTH
        place = first + storage.nbytes
        if place > len(content):
            raise RefusedFileError(f"it is cut short: {place:,} bytes are declared, and the file has {len(content):,}")
        if int.from_bytes(content[first - _LENGTH : first], "little") != storage.count:
            raise RefusedFileError(f"it is damaged: the piece {one_line(key)} has two lengths")
        places[key] = (first, place)
    return places
