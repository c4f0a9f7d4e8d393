"""A region of a picture, over which the scores of a segmentation are averaged: drawn, one pixel, or predicted for a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import read_only
from explain_lib.regions.boxes import Box, read_box

RegionKind = Literal["drawn", "pixel", "predicted"]
KINDS: tuple[RegionKind, ...] = get_args(RegionKind)
Mask = NDArray[np.bool_]
"""Which places belong to a region, bool (H, W)."""


@dataclass(frozen=True)
class Predicted:
    """The places where a class has the largest score, or its best box; they are known once the network has seen the picture.

    index: the class; None for the one that covers most of the picture, or that has the best box.
    """

    index: int | None = None

    def to_json(self) -> dict[str, object]:
        """The fields as JSON takes them."""
        return {"index": self.index}


@dataclass(frozen=True)
class Region:
    """Some places of a grid that lies over the whole picture.

    size: (rows, columns) of the grid, which need not be that of the picture. runs: row by row, the number of places outside,
    then inside, then outside, and so on; at least one is inside. kind: where the region comes from. Raises InputError for runs
    that do not fill the grid, and for a region without a place.
    """

    size: tuple[int, int]
    runs: tuple[int, ...]
    kind: RegionKind = "drawn"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _numbers("size", self.size, 1))
        object.__setattr__(self, "runs", _numbers("runs", self.runs, 0))
        if len(self.size) != 2 or sum(self.runs) != self.size[0] * self.size[1]:
            raise InputError(f"region: its runs have {sum(self.runs):,} places; those of a grid of {self.size} would be right")
        if self.kind not in KINDS:
            raise InputError(f"region: kind {self.kind!r}; one of {', '.join(KINDS)} would be right")
        if self.area == 0:
            raise InputError("region: no place belongs to it; one place or more would be right")

    @property
    def area(self) -> int:
        """How many places of its grid belong to it."""
        return sum(self.runs[1::2])

    @property
    def share(self) -> float:
        """Its share of the picture, in (0, 1]."""
        return self.area / (self.size[0] * self.size[1])

    @property
    def mask(self) -> Mask:
        """Which places belong to it, bool (rows, columns)."""
        inside = np.repeat(np.arange(len(self.runs)) % 2 == 1, self.runs)
        return read_only(inside.reshape(self.size))

    def on(self, size: tuple[int, int]) -> Mask:
        """The region on another grid over the same picture, bool (rows, columns).

        On a finer grid a place belongs to it if the place of its own grid does that holds its first corner: row floor(i h / H).
        On a coarser one, if any of the places that fall into it does, so that a pixel never gets lost.
        """
        if size == self.size:
            return self.mask
        rows, columns = (_onto(own, other) for own, other in zip(self.size, size, strict=True))
        return read_only(rows.astype(np.float32) @ self.mask @ columns.T.astype(np.float32) > 0)

    def to_json(self) -> dict[str, object]:
        """The fields as JSON takes them."""
        return {"size": list(self.size), "runs": list(self.runs), "kind": self.kind}


AnyRegion = Region | Predicted | Box | None
"""None for where the class that is explained is predicted."""


def region_of(mask: Mask, kind: RegionKind = "drawn") -> Region:
    """The region of a mask, bool (rows, columns). Raises InputError for another array, and for a mask without a place."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != np.bool_:
        raise InputError("region: a mask, bool (rows, columns), would be right")
    flat = np.concatenate([[False], mask.ravel(), [not mask.ravel()[-1]]]) if mask.size else np.zeros(1, np.bool_)
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return Region((mask.shape[0], mask.shape[1]), tuple(np.diff(ends, prepend=0).tolist()), kind)


def pixel_region(size: tuple[int, int], row: int, column: int) -> Region:
    """One pixel of a picture of that size (H, W), from 0. Raises InputError for one outside of it."""
    height, width = size
    if not (0 <= row < height and 0 <= column < width):
        raise InputError(f"region: pixel {row}, {column}; rows 0 to {height - 1} and columns 0 to {width - 1} would be right")
    before = row * width + column
    return Region(size, (before, 1, height * width - before - 1), "pixel")


def read_region(content: object) -> Region | Predicted | Box:
    """The region from to_json. Raises InputError for another form."""
    if isinstance(content, dict) and "corners" in content:
        return read_box(content)
    if isinstance(content, dict) and set(content) == {"index"} and isinstance(content["index"], int | None):
        return Predicted(content["index"])
    if isinstance(content, dict) and set(content) == {"size", "runs", "kind"}:
        return Region(**content)
    raise InputError("region: its size, runs and kind would be right")


def _numbers(name: str, values: object, least: int) -> tuple[int, ...]:
    listed = tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else (None,)
    if not all(isinstance(one, int | np.integer) and not isinstance(one, bool) and one >= least for one in listed):
        raise InputError(f"region: {name} {values!r}; whole numbers from {least} would be right")
    return tuple(int(one) for one in listed if one is not None)


def _onto(own: int, other: int) -> Mask:
    """Which places along an axis of `other` places those of an axis of `own` fall into, bool (other, own)."""
    if other >= own:
        return np.asarray(np.arange(other)[:, None] * own // other == np.arange(own))
    return np.asarray(np.arange(other)[:, None] == np.arange(own) * other // own)
