"""Arrays with a description, as one message of bytes to the browser, which reads the numbers as they are."""

import json
import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32] | NDArray[np.int32] | NDArray[np.uint8]
_KINDS = {"float32": "f4", "int32": "i4", "uint8": "u1"}


class ArrayMessage:
    """A message: the length of the JSON as uint32, the JSON, and behind it all arrays, each once, at multiples of four."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._heads: list[dict[str, object]] = []
        self._known: dict[tuple[object, ...], int] = {}
        self._size = 0

    def add(self, array: Array | None) -> int | None:
        """The number of an array float32, int32 or uint8 in the message, None for none."""
        if array is None:
            return None
        content = array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self._known:
            self._known[key] = len(self._heads)
            self._heads.append({"kind": _KINDS[array.dtype.name], "shape": list(array.shape), "offset": self._size})
            self._parts.append(content + bytes(-len(content) % 4))
            self._size += len(self._parts[-1])
        return self._known[key]

    def packed(self, head: Mapping[str, object]) -> bytes:
        """The message; its JSON is the head, and under "arrays" the kind, shape and offset of each array."""
        text = json.dumps({**head, "arrays": self._heads}, allow_nan=False).encode()
        return b"".join((struct.pack("<I", len(text)), text, *self._parts))
