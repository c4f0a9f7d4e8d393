"""The base of every result: a frozen dataclass whose arrays are read-only too."""

from dataclasses import fields, is_dataclass

import numpy as np


def read_only(array: np.ndarray) -> np.ndarray:
    """The array itself if it is read-only throughout, else a read-only copy of the same dtype and shape."""
    base = array.base
    if array.flags.writeable or not (base is None or (isinstance(base, np.ndarray) and not base.flags.writeable)):
        array = array.copy()
        array.flags.writeable = False
    return array


class Frozen:
    """Mix-in for frozen dataclasses: arrays become read-only, also after unpickling, where NumPy forgets the flag."""

    def __post_init__(self) -> None:
        self._freeze_arrays()

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._freeze_arrays()

    def _freeze_arrays(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, read_only(value))

    @property
    def nbytes(self) -> int:
        """Bytes held in arrays, including those of nested results."""
        assert is_dataclass(self)
        return sum(_bytes_of(getattr(self, field.name)) for field in fields(self))


def _bytes_of(value: object) -> int:
    if isinstance(value, np.ndarray | Frozen):
        return int(value.nbytes)
    if isinstance(value, tuple):
        return sum(_bytes_of(item) for item in value)
    return 0
