"""What the sanity checks over many images are asked for, as one value: checked, and with a fingerprint."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explain_lib.cache import ExplainCache
from explain_lib.frozen import read_only
from explain_lib.lazy_pixels import Pixels, check_set, pixels_digest
from explain_lib.model import Model, check_model
from explain_lib.positions import check_positions
from explain_lib.randomisation import SEED, Mode, chosen_steps
from explain_lib.sanity_checks import SanityRows, join_sanity_rows, sanity_batch, sanity_rows
from explain_lib.targets import expand_targets


@dataclass(frozen=True, eq=False)
class SanityRequest:
    """Sanity checks over K images of a set.

    pixels: uint8 (N, H, W, 3), the whole set. images: int64 (K,), positions in it. The other fields are those of sanity_rows,
    and so are the errors.
    """

    model: Model
    pixels: Pixels
    images: NDArray[np.int64]
    layer: str
    target: int | None = None
    mode: Mode = "cascading"
    twin: Model | None = None
    seed: int = SEED

    def __post_init__(self) -> None:
        count = len(check_set(self.pixels, check_model(self.model).input_size))
        object.__setattr__(self, "images", read_only(check_positions(self.images, count)))
        self.model.find_layers(self.layer)
        if self.twin is not None:
            check_model(self.twin).find_layers(self.layer)
        expand_targets(self.target, 1, self.model.classes)
        chosen_steps((), 0, self.mode)

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that the rows depend on: the same for requests with the same rows."""
        twin = None if self.twin is None else self.twin.digest
        asked = ("sanity", self.layer, self.target, self.mode, twin, self.seed)
        where = (self.model.digest, self.model.device.type, pixels_digest(self.pixels))
        digest = hashlib.sha256(repr((asked, where)).encode())
        digest.update(self.images.data)
        return digest.hexdigest()

    def rest(self, done: int) -> "SanityRequest":
        """The request for the images after the first `done`, of which there must be at least one."""
        return replace(self, images=self.images[done:])

    def rows(
        self, between: Callable[[], None] | None = None, batch_rows: Callable[..., SanityRows] = sanity_batch
    ) -> Iterator[SanityRows]:
        """The rows, batch by batch; see sanity_rows for the arguments and errors."""
        return sanity_rows(
            self.model,
            self.pixels,
            self.images,
            self.layer,
            self.target,
            self.mode,
            self.twin,
            seed=self.seed,
            between=between,
            batch_rows=batch_rows,
        )

    def cached_rows(self, cache: ExplainCache, between: Callable[[], None]) -> Iterator[SanityRows]:
        """The rows, each batch kept in the cache. between: called in each batch; what it raises ends the work."""
        return self.rows(between, cache.sanity_batch)

    def join(self, parts: Sequence[SanityRows]) -> SanityRows:
        """The rows of several parts, in their order."""
        return join_sanity_rows(parts)
