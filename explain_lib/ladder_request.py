"""What a ladder over many images is asked for, as one value: checked, and with a fingerprint."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explain_lib.cache import ExplainCache
from explain_lib.frozen import read_only
from explain_lib.layer_ladder import LadderRows, batch_size, join_ladder_rows, ladder_batch, layer_ladder
from explain_lib.lazy_pixels import Pixels, check_set, pixels_digest
from explain_lib.model import Model, check_model
from explain_lib.package_cam import addressable_layers
from explain_lib.positions import check_positions
from explain_lib.targets import expand_targets


@dataclass(frozen=True, eq=False)
class LadderRequest:
    """A ladder over K images of a set.

    pixels: uint8 (N, H, W, 3), the whole set. images: int64 (K,), positions in it. layers: None for every conv layer, names
    once it is made. The other fields are those of layer_ladder, and so are the errors.
    """

    model: Model
    pixels: Pixels
    images: NDArray[np.int64]
    layers: tuple[str, ...] | None = None
    target: int | None = None
    opinions: str | None = None

    def __post_init__(self) -> None:
        count = len(check_set(self.pixels, check_model(self.model).input_size))
        object.__setattr__(self, "images", read_only(check_positions(self.images, count)))
        object.__setattr__(self, "layers", tuple(layer.name for layer in self.model.find_layers(self.layers)))
        expand_targets(self.target, 1, self.model.classes)
        if self.opinions is not None:
            addressable_layers(self.model, self.opinions, "the package")

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that the rows depend on: the same for requests with the same rows."""
        layers = self.layers or ()
        asked = ("ladder", layers, self.target, self.opinions, batch_size(len(layers), self.opinions))
        where = (self.model.digest, self.model.device.type, pixels_digest(self.pixels))
        digest = hashlib.sha256(repr((asked, where)).encode())
        digest.update(self.images.data)
        return digest.hexdigest()

    def rest(self, done: int) -> "LadderRequest":
        """The request for the images after the first `done`, of which there must be at least one."""
        return replace(self, images=self.images[done:])

    def rows(
        self, between: Callable[[], None] | None = None, batch_rows: Callable[..., LadderRows] = ladder_batch
    ) -> Iterator[LadderRows]:
        """The rows, batch by batch; see layer_ladder for the arguments and errors."""
        return layer_ladder(
            self.model,
            self.pixels,
            self.images,
            self.layers,
            self.target,
            self.opinions,
            between=between,
            batch_rows=batch_rows,
        )

    def cached_rows(self, cache: ExplainCache, between: Callable[[], None]) -> Iterator[LadderRows]:
        """The rows, each batch kept in the cache. between: called in each batch; what it raises ends the work."""
        return self.rows(between, cache.ladder_batch)

    def join(self, parts: Sequence[LadderRows]) -> LadderRows:
        """The rows of several parts, in their order."""
        return join_ladder_rows(parts)
