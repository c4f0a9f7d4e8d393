"""Sets of pictures in memory and lazy ones, which read or resize a picture on demand; their subsets and digests."""

import hashlib
import weakref
from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.identity import array_digest
from explain_lib.pictures.dataset import STUDY_BATCH
from explain_lib.pictures.intake import Intake, set_identity
from explain_lib.pictures.pixels import check_pixels
from explain_lib.pictures.rendering import Picture


class LazyPixels(ABC):
    """N pictures of one size, indexed like an array uint8 (N, H, W, C): by a position, a slice, or positions.

    identity: SHA-256, in hex, the same for sets with the same pictures and for no others. batch: how many pictures are run
    together for a setting that depends on the batch.
    """

    batch = 1

    def __init__(self, count: int, size: tuple[int, int], identity: str, channels: int = 3) -> None:
        self._count = count
        self.size = size
        self.identity = identity
        self.channels = channels

    def __len__(self) -> int:
        return self._count

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""
        return self._count, *self.size, self.channels

    def __getitem__(self, key: int | np.integer | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """The picture uint8 (H, W, C) at a position, or those uint8 (K, H, W, C) of a slice or of positions.

        Raises DataError if one cannot be read.
        """
        chosen = np.arange(self._count)[key]
        if isinstance(chosen, np.integer):
            return self.read(int(chosen))
        pictures = np.empty((len(chosen), *self.size, self.channels), np.uint8)
        for place, position in enumerate(chosen):
            pictures[place] = self.read(int(position))
        return pictures

    @abstractmethod
    def read(self, position: int) -> Picture:
        """The picture uint8 (H, W, C) at a position from 0 to N - 1. Raises DataError if it cannot be read."""

    def is_readable(self, position: int) -> bool:
        """Whether the picture at a position can be read."""
        try:
            self.read(position)
        except DataError:
            return False
        return True


Pixels: TypeAlias = NDArray[np.uint8] | LazyPixels
"""A set of pictures uint8 (N, H, W, C), in memory or not."""


class Subset(LazyPixels):
    """The pictures of a lazy set at positions int64 (K,), in that order."""

    def __init__(self, pixels: LazyPixels, positions: NDArray[np.int64]) -> None:
        identity = hashlib.sha256(pixels.identity.encode() + positions.tobytes()).hexdigest()
        super().__init__(len(positions), pixels.size, identity, pixels.channels)
        self.base, self.positions = pixels, positions

    def read(self, position: int) -> Picture:
        return self.base.read(int(self.positions[position]))


class StoredPixels(LazyPixels):
    """A set of `count` pictures of which only those at `places` int64 (K,) are stored: uint8 (K, H, W, C)."""

    def __init__(self, pictures: NDArray[np.uint8], places: NDArray[np.int64], count: int, batch: int) -> None:
        """batch: see LazyPixels. Raises DataError unless the places are one per picture, in order, within the set."""
        ordered = bool((np.diff(places) > 0).all())
        if len(places) != len(pictures) or len(places) == 0 or not ordered or places[0] < 0 or places[-1] >= count:
            raise DataError(f"places: {len(places):,} for {len(pictures):,} pictures; one a picture, in order, would be right")
        if not 1 <= batch <= count or count > 10_000_000:
            raise DataError(f"batch: {batch} of {count:,} pictures; a number from 1 up would be right")
        identity = hashlib.sha256(repr((pictures.shape, count, batch)).encode() + places.tobytes() + pictures.tobytes())
        super().__init__(count, (pictures.shape[1], pictures.shape[2]), identity.hexdigest(), pictures.shape[3])
        self.batch = batch
        self._pictures, self._places = pictures, places

    def read(self, position: int) -> Picture:
        place = int(np.searchsorted(self._places, position))
        if place == len(self._places) or self._places[place] != position:
            raise DataError(f"image {position:,}: it is not stored; it could not be read, or nothing used it")
        return np.asarray(self._pictures[place])


class FittedPixels(LazyPixels):
    """RGB pictures in memory, uint8 (N, h, w, 3), made on demand into what a network takes; see Intake."""

    batch = STUDY_BATCH

    def __init__(self, pictures: NDArray[np.uint8], intake: Intake, identity: str) -> None:
        """identity: that of the pictures in memory."""
        super().__init__(len(pictures), intake.size, set_identity(identity, intake), intake.channels)
        self.intake = intake
        self._pictures = pictures

    def read(self, position: int) -> Picture:
        return self.intake.from_rgb(self._pictures[position])


def subset(pixels: Pixels, positions: NDArray[np.int64]) -> Pixels:
    """The pictures at some positions int64 (K,); a lazy set gives a lazy subset."""
    if isinstance(pixels, LazyPixels):
        return Subset(pixels, positions)
    taken = pixels[positions]
    _remember_origin(taken, pixels, positions)
    return taken


_origins: dict[int, tuple["weakref.ref[NDArray[np.uint8]]", "weakref.ref[NDArray[np.uint8]]", NDArray[np.int64] | None]] = {}


def keep_origin(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The set itself, registered as one that its owner keeps; see origin_of."""
    _remember_origin(pixels, pixels, None)
    return pixels


def _remember_origin(taken: NDArray[np.uint8], pixels: NDArray[np.uint8], positions: NDArray[np.int64] | None) -> None:
    key = id(taken)
    _origins[key] = weakref.ref(taken, lambda _: _origins.pop(key, None)), weakref.ref(pixels), positions


def origin_of(taken: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None] | None:
    """The set in memory from which `subset` took pictures, and their positions (None for all); None for other arrays."""
    held = _origins.get(id(taken))
    if held is None or held[0]() is not taken:
        return None
    pixels = held[1]()
    return None if pixels is None else (pixels, held[2])


def readable_places(pixels: Pixels, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices into positions int64 (K,) whose pictures can be read, in order; all for a set in memory."""
    if not isinstance(pixels, LazyPixels):
        return np.arange(len(positions))
    return np.array([place for place, position in enumerate(positions) if pixels.is_readable(int(position))], dtype=np.int64)


def next_readable(pixels: Pixels, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each position int64 (K,) the next one whose picture can be read, cyclically.

    Raises DataError if no picture can be read.
    """
    if not isinstance(pixels, LazyPixels):
        return np.asarray((positions + 1) % len(pixels))
    return np.array([_next_readable(pixels, int(position)) for position in positions], dtype=np.int64)


def _next_readable(pixels: LazyPixels, position: int) -> int:
    count = len(pixels)
    for step in range(1, count + 1):
        if pixels.is_readable(found := (position + step) % count):
            return found
    raise DataError("pixels: no picture of the set can be read; at least one would be right")


def batch_size_of(pixels: Pixels) -> int:
    """How many pictures of a set are run together for a setting that depends on the batch: the study's four in memory."""
    return pixels.batch if isinstance(pixels, LazyPixels) else STUDY_BATCH


def check_set(pixels: object, input_size: tuple[int, int], *, channels: int = 3) -> Pixels:
    """The set itself, of pictures of the network's input size. Raises InputError for anything else; see check_pixels."""
    if not isinstance(pixels, LazyPixels):
        return check_pixels(pixels, input_size, channels=channels)
    if pixels.channels != channels:
        raise InputError(f"pixels: the pictures have {pixels.channels} channels; {channels} would be right")
    if pixels.size != input_size:
        found, right = (f"{height} x {width}" for height, width in (pixels.size, input_size))
        raise InputError(f"pixels: the pictures are {found}; {right} would be right, nothing is resized here")
    if len(pixels) == 0:
        raise InputError("pixels: the set is empty; at least one picture would be right")
    return pixels


def pixels_digest(pixels: Pixels) -> str:
    """SHA-256, in hex, over the pictures uint8 (N, H, W, C) and their shape.

    The digest of a read-only array is computed once and kept as long as the array.
    """
    return pixels.identity if isinstance(pixels, LazyPixels) else array_digest(pixels)
