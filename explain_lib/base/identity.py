"""The identity of values as arguments: equal identities mean equal results."""

import hashlib
import weakref
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import read_only

_digests: dict[int, tuple["weakref.ref[NDArray[np.generic]]", str]] = {}


def identity_of(value: object) -> Hashable:
    """The identity of a value: of arrays by content, of lists as tuples, of dataclasses by their fields.

    A value with a text `identity`, such as a model or a set of pictures that is not in memory, says it itself. Raises TypeError
    for a value of another kind.
    """
    if value is None or isinstance(value, str | int | float | np.generic):
        return type(value), value
    if isinstance(value, np.ndarray):
        return value.dtype.str, array_digest(value)
    if isinstance(value, list | tuple | range):
        return tuple(map(identity_of, value))
    own = getattr(value, "identity", None)
    if isinstance(own, str):
        return own
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), *(identity_of(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, Mapping):
        return tuple((key, identity_of(one)) for key, one in value.items())
    raise TypeError(f"a {type(value).__name__} has no identity")


def array_digest(array: NDArray[np.generic]) -> str:
    """SHA-256, in hex, over the shape and content of an array.

    The digest of a read-only array is computed once and kept as long as the array.
    """
    if array.flags.writeable or read_only(array) is not array:
        return _digest(array)
    key = id(array)
    held = _digests.get(key)
    if held is None or held[0]() is not array:
        held = weakref.ref(array, lambda _: _digests.pop(key, None)), _digest(array)
        _digests[key] = held
    return held[1]


def _digest(array: NDArray[np.generic]) -> str:
    if array.dtype.hasobject:
        raise TypeError("an array of objects has no identity")
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
