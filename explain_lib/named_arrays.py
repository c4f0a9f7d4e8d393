"""The arrays and numbers of a result under readable names: "conv2.map" of a grad_cam, "causes.relu" of a decompose."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from explain_lib.frozen import Frozen

Array = NDArray[np.generic]
KINDS = "biuf"
"""The kinds of dtypes that are kept: truth, whole numbers with and without sign, floating point."""

_HARMLESS = " #()+,-_&'@="


def named_arrays(key: str, result: object) -> dict[str, Array]:
    """What a result holds in arrays and numbers, each under a name that begins with the key.

    Numbers become arrays of shape (). Texts, targets and settings are left out: they say what was asked for. Signs that no
    name of a file may have are written as in a URL.
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
    """The names that a result has for its parts, numbers where it has none."""
    names: tuple[str, ...] = getattr(result, "names", ())
    return list(names) if len(names) == len(parts) else [str(place) for place in range(len(parts))]


def _below(key: str, name: str) -> str:
    return f"{key}.{quote(name, safe=_HARMLESS)}"
