"""Notes of the computations on a page, by name and arguments, so that they can be repeated."""

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.cam.configuration import Configuration
from explain_lib.cam.settings import CamSettings
from explain_lib.networks.model import Model
from explain_lib.passes.targets import Target
from explain_lib.pictures.sets import origin_of

MAX_NOTES = 256
MAX_BYTES = 8 * 2**20
"""The limit for the pictures in the notes of one recorder."""


@dataclass(frozen=True)
class SetPositions:
    """Pictures of a set that its owner keeps, by their positions int64 (K,), None for the whole set."""

    pixels: NDArray[np.uint8]
    positions: NDArray[np.int64] | None

    def take(self) -> NDArray[np.uint8]:
        """The pictures, uint8 (K, H, W, C)."""
        return self.pixels if self.positions is None else self.pixels[self.positions]


@dataclass(frozen=True)
class Note:
    """One computation: its name, its arguments by name, and its rows if they were computed in the background."""

    name: str
    arguments: Mapping[str, object]
    rows: Frozen | None = None


class Recorder:
    """The notes of one view, bounded in number and in bytes; left_out: how many did not fit.

    Models are held weakly, so that notes do not keep networks alive. Notes belong to a part of the page: when the part is
    drawn again, its earlier notes are dropped.
    """

    def __init__(self, max_notes: int = MAX_NOTES, max_bytes: int = MAX_BYTES) -> None:
        self.max_notes, self.max_bytes = max_notes, max_bytes
        self.left_out = 0
        self._notes: dict[str, dict[object, Note]] = {}
        self._part = ""
        self._bytes: dict[str, int] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes, in the order of the page's parts."""
        return tuple(note for part in list(self._notes.values()) for note in list(part.values()))

    def note(self, name: str, arguments: Mapping[str, object], rows: Frozen | None = None) -> None:
        """Note a computation, unless it is noted already."""
        kept = {key: _kept(value) for key, value in arguments.items()}
        identity = (name, *((key, _identity(value)) for key, value in kept.items()))
        part = self._notes.setdefault(self._part, {})
        if identity in part:
            part[identity] = Note(name, kept, rows)
            return
        size = sum(value.nbytes for value in kept.values() if isinstance(value, np.ndarray))
        if sum(map(len, self._notes.values())) >= self.max_notes or sum(self._bytes.values()) + size > self.max_bytes:
            self.left_out += 1
            return
        self._bytes[self._part] = self._bytes.get(self._part, 0) + size
        part[identity] = Note(name, kept, rows)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Assign the notes inside to that part of the page, in place of its earlier ones."""
        before, self._part = self._part, name
        self._notes[name], self._bytes[name] = {}, 0
        try:
            yield
        finally:
            self._part = before


def _kept(value: object) -> object:
    """An argument as a note holds it: models weakly, large sets by position."""
    if isinstance(value, Model):
        return weakref.ref(value)
    if isinstance(value, np.ndarray) and value.dtype == np.uint8:
        origin = origin_of(value)
        return value if origin is None else SetPositions(*origin)
    return value


_COMPARED = (str, int, float, tuple, type(None), Configuration, CamSettings, Target)


def _identity(value: object) -> object:
    """A quick identity of an argument: that of arrays is their place in memory, which a note keeps."""
    if isinstance(value, SetPositions):
        return "set", id(value.pixels), None if value.positions is None else value.positions.tobytes()
    if isinstance(value, np.ndarray):
        return value.__array_interface__["data"][0], value.shape, value.strides
    if isinstance(value, list):
        return tuple(map(_identity, value))
    return value if isinstance(value, _COMPARED) else id(value)
