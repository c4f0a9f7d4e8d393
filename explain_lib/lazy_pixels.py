"""Sets of pictures that are read, or brought to a network's size, only when they are asked for."""

import hashlib
import weakref
from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import STUDY_BATCH
from explain_lib.errors import DataError, InputError
from explain_lib.frozen import read_only
from explain_lib.pixels import check_pixels
from explain_lib.rendering import Picture


class LazyPixels(ABC):
    """N pictures of one size, indexed as an array uint8 (N, H, W, 3) would be: by a position, a slice, or positions.

    identity: SHA-256, in hex, the same for sets with the same pictures and for no others. batch: how many are run together
    where a setting looks at the batch.
    """

    batch = 1

    def __init__(self, count: int, size: tuple[int, int], identity: str) -> None:
        self._count = count
        self.size = size
        self.identity = identity

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, 3)."""
        return self._count, *self.size, 3

    def __getitem__(self, key: int | np.integer | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The picture uint8 (H, W, 3) at a position, or those uint8 (K, H, W, 3) of a slice or of positions.

        Raises DataError if one cannot be read.
        """
        chosen = np.arange(self._count)[key]
        if isinstance(chosen, np.integer):
            return self.read(int(chosen))
        pictures = np.empty((len(chosen), *self.size, 3), np.uint8)
        for place, position in enumerate(chosen):
            pictures[place] = self.read(int(position))
        return pictures

    @abstractmethod
    def read(self, position: int) -> Picture:
        """The picture uint8 (H, W, 3) at a position from 0 to N - 1. Raises DataError if it cannot be read."""

    def is_readable(self, position: int) -> bool:
        """Whether the picture at a position can be read."""
        try:
            self.read(position)
        except DataError:
            return False
        return True


Pixels: TypeAlias = NDArray[np.uint8] | LazyPixels
"""A set of pictures uint8 (N, H, W, 3), in memory or not."""


class Subset(LazyPixels):
    """Some pictures of a set that is not in memory, at positions int64 (K,), in their order."""

    def __init__(self, pixels: LazyPixels, positions: NDArray[np.int64]) -> None:
        identity = hashlib.sha256(pixels.identity.encode() + positions.tobytes()).hexdigest()
        super().__init__(len(positions), pixels.size, identity)
        self.base, self.positions = pixels, positions

    def read(self, position: int) -> Picture:
        return self.base.read(int(self.positions[position]))


def subset(pixels: Pixels, positions: NDArray[np.int64]) -> Pixels:
    """The pictures at some positions int64 (K,); what is not in memory stays so."""
    if isinstance(pixels, LazyPixels):
        return Subset(pixels, positions)
    taken = pixels[positions]
    _remember_origin(taken, pixels, positions)
    return taken


_origins: dict[int, tuple["weakref.ref[NDArray[np.uint8]]", "weakref.ref[NDArray[np.uint8]]", NDArray[np.int64] | None]] = {}


def keep_origin(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole set itself, known from now on as one that its owner keeps; see origin_of."""
    _remember_origin(pixels, pixels, None)
    return pixels


def _remember_origin(taken: NDArray[np.uint8], pixels: NDArray[np.uint8], positions: NDArray[np.int64] | None) -> None:
    key = id(taken)
    _origins[key] = weakref.ref(taken, lambda _: _origins.pop(key, None)), weakref.ref(pixels), positions


def origin_of(taken: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None] | None:
    """The set in memory that `subset` took pictures from, and their positions, None for all; None for other arrays."""
    held = _origins.get(id(taken))
    if held is None or held[0]() is not taken:
        return None
    pixels = held[1]()
    return None if pixels is None else (pixels, held[2])


def readable_places(pixels: Pixels, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the positions int64 (K,) hold pictures that can be read: places in it, in order; all for a set in memory."""
    if not isinstance(pixels, LazyPixels):
        return np.arange(len(positions))
    return np.array([place for place, position in enumerate(positions) if pixels.is_readable(int(position))], dtype=np.int64)


def next_readable(pixels: Pixels, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each position int64 (K,) the next one whose picture can be read; the first of all comes after the last.

    Raises DataError if there is no picture that can be read.
    """
    return np.array([_next_readable(pixels, int(position)) for position in positions], dtype=np.int64)


def _next_readable(pixels: Pixels, position: int) -> int:
    count = len(pixels)
    for step in range(1, count + 1):
        found = (position + step) % count
        if not isinstance(pixels, LazyPixels) or pixels.is_readable(found):
            return found
    raise DataError("pixels: no picture of the set can be read; at least one would be right")


def batch_size_of(pixels: Pixels) -> int:
    """How many pictures of a set are run together where a setting looks at the batch: the study's four for one in memory."""
    return pixels.batch if isinstance(pixels, LazyPixels) else STUDY_BATCH


def check_set(pixels: object, input_size: tuple[int, int]) -> Pixels:
    """The set itself, of pictures of the network's input size. Raises InputError for anything else; see check_pixels."""
    if not isinstance(pixels, LazyPixels):
        return check_pixels(pixels, input_size)
    if pixels.size != input_size:
        found, right = (f"{height} x {width}" for height, width in (pixels.size, input_size))
        raise InputError(f"pixels: the pictures are {found}; {right} would be right, nothing is resized here")
    if len(pixels) == 0:
        raise InputError("pixels: the set is empty; at least one picture would be right")
    return pixels


_digests: dict[int, tuple["weakref.ref[NDArray[np.uint8]]", str]] = {}


def pixels_digest(pixels: Pixels) -> str:
    """SHA-256, in hex, over the pictures uint8 (N, H, W, 3) and their shape.

    That of an array to which nobody can write is computed once, as long as the array lives.
    """
    if isinstance(pixels, LazyPixels):
        return pixels.identity
    frozen = read_only(pixels)
    if frozen is not pixels:
        return _pixels_digest(frozen)
    key = id(pixels)
    held = _digests.get(key)
    if held is None or held[0]() is not pixels:
        held = weakref.ref(pixels, lambda _: _digests.pop(key, None)), _pixels_digest(pixels)
        _digests[key] = held
    return held[1]


def _pixels_digest(pixels: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
