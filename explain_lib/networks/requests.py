"""Requests about many pictures of a set: one checked value, computed batch by batch into rows that are joined."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import ClassVar, Generic, Protocol, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.run_context import checkpoint, current_run, remember
from explain_lib.networks.explainable import explainable_places, nothing_to_explain
from explain_lib.networks.model import Model, check_model, of_pictures
from explain_lib.passes.targets import OneTarget
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels, pixels_digest

Progress = Callable[[int, int], None] | None
"""Called with the number of images done, and of all images."""

Places = slice | NDArray[np.int64]


class HasImages(Protocol):
    """Rows, one per image: a frozen dataclass whose arrays have the images as first axis; all images share the other fields."""

    @property
    def images(self) -> NDArray[np.int64]:
        """The positions of the images in their set, int64 (K,)."""

    def __len__(self) -> int: ...


class ImageRows(Frozen):
    """A mix-in for rows: see HasImages."""

    images: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)


Rows = TypeVar("Rows", bound=HasImages)
Values = TypeVar("Values")


def take_rows(rows: Rows, places: Places) -> Rows:
    """The rows at some places, in that order."""
    return _changed(rows, {name: values[places] for name, values in _arrays(rows).items()})


def join_rows(parts: Sequence[Rows], what: str = "request") -> Rows:
    """The rows of several parts of one whole, in their order.

    what: the name of the whole. Raises InputError for parts that differ in a shared field, and for no part.
    """
    if len(parts) == 1:
        return parts[0]
    if len({tuple(_shared(part).items()) for part in parts}) != 1:
        raise InputError(f"parts: rows of one {what}, at least one part of them, would be right")
    return _changed(parts[0], {name: np.concatenate([getattr(part, name) for part in parts]) for name in _arrays(parts[0])})


def _values(rows: object) -> dict[str, object]:
    assert is_dataclass(rows)
    return {field.name: getattr(rows, field.name) for field in fields(rows)}


def _arrays(rows: object) -> dict[str, NDArray[np.generic]]:
    return {name: value for name, value in _values(rows).items() if isinstance(value, np.ndarray)}


def _shared(rows: object) -> dict[str, object]:
    return {name: value for name, value in _values(rows).items() if not isinstance(value, np.ndarray)}


def _changed(rows: Rows, arrays: dict[str, NDArray[np.generic]]) -> Rows:
    return type(rows)(**(_shared(rows) | arrays))


@dataclass(frozen=True, eq=False)
class Request(ABC, Generic[Rows]):
    """A request about K images of a set; subclasses add the other arguments of the rows.

    pixels: uint8 (N, H, W, C), the whole set, of the model's input size. images: int64 (K,), positions in it, at least one,
    each at most once. Raises InputError for other values.
    """

    model: Model
    pixels: Pixels
    images: NDArray[np.int64]

    per_image: ClassVar[tuple[str, ...]] = ("images",)
    """The fields with one value per image."""
    keeps_parts: ClassVar[bool] = False
    """Whether intermediate results are kept by themselves too; see remember."""
    takes_sheets: ClassVar[bool] = False
    """Whether it can be asked of networks of volumes and signals."""

    def __post_init__(self) -> None:
        model = check_model(self.model) if self.takes_sheets else of_pictures(self.model, "this is measured only")
        count = len(model.check_set(self.pixels))
        self._settle(images=read_only(check_positions(self.images, count)))

    def _settle(self, **values: object) -> None:
        """Set fields to their checked values during initialisation."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    @property
    @abstractmethod
    def batch_size(self) -> int:
        """How many images are computed at once."""

    @property
    @abstractmethod
    def asked(self) -> tuple[object, ...]:
        """The arguments of the rows besides model, set and images, as values with distinct texts."""

    @property
    def explained(self) -> OneTarget | None:
        """What is explained of every image, None for the predicted class of each and for a request that explains nothing."""
        return None

    @property
    def each_explained(self) -> Sequence[OneTarget | None]:
        """The same, one for each image."""
        return (self.explained,) * len(self)

    @abstractmethod
    def compute(self) -> Rows:
        """The rows of all images at once: a pure function. Raises DataError for an image that cannot be read."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all arguments of the rows: the same for requests with the same rows."""
        where = (self.model.digest, self.model.device.type, pixels_digest(self.pixels))
        digest = hashlib.sha256(repr((self.asked, where)).encode())
        digest.update(self.images.data)
        return digest.hexdigest()

    def take(self, places: Places) -> Self:
        """The same request for the images at some places, at least one."""
        chosen = np.arange(len(self))[places].tolist()
        return replace(self, **{name: _taken(getattr(self, name), chosen) for name in self.per_image})

    def rest(self, done: int) -> Self:
        """The same request for the images after the first `done`, at least one."""
        return self.take(slice(done, None))

    def batches(self) -> Iterator[Self]:
        """One request per batch, without the images that cannot be explained; see explainable_places."""
        for start in range(0, len(self), self.batch_size):
            some = slice(start, start + self.batch_size)
            explained = self.each_explained[some]
            places = explainable_places(self.model, self.pixels, self.images[some], explained) + start
            if len(places):
                yield self.take(places)

    def rows(self) -> Iterator[Rows]:
        """The rows, batch by batch, as they become available."""
        for batch in self.batches():
            checkpoint()
            yield batch.at_once()

    def at_once(self) -> Rows:
        """The result of `compute`, kept by the memo of the run."""
        if current_run().memo is None:
            return self.compute()
        return remember((type(self), self.fingerprint), self.compute, parts=self.keeps_parts)

    def all_rows(self, progress: Progress = None) -> Rows:
        """The rows of all images that can be explained. progress: called at the start, and after each batch.

        Raises DataError if none of them can be read, TargetError if the class is predicted in none.
        """
        parts: list[Rows] = []
        tell = progress or (lambda *_: None)
        tell(0, len(self))
        for rows in self.rows():
            parts.append(rows)
            tell(sum(map(len, parts)), len(self))
        if not parts:
            raise nothing_to_explain(self.model, self.explained)
        return self.join(parts)

    def join(self, parts: Sequence[Rows]) -> Rows:
        """The rows of several parts, in their order."""
        return join_rows(parts)


def _taken(values: Values, chosen: list[int]) -> Values:
    """The values at some places; a single value for all images stays."""
    if isinstance(values, np.ndarray):
        return cast(Values, values[chosen])
    return cast(Values, tuple(values[place] for place in chosen)) if isinstance(values, tuple) else values
