"""What a model is asked about all pictures of a set, as one value: with a fingerprint, and cut into batches."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explain_lib.cache import ExplainCache
from explain_lib.lazy_pixels import Pixels, check_set, pixels_digest, readable_places
from explain_lib.model import Model, check_model
from explain_lib.predictions import VerdictRows

VERDICT_BATCH = 64


@dataclass(frozen=True, eq=False)
class VerdictRequest:
    """The model's predictions for all pictures of a set, uint8 (N, H, W, 3), or for those from position `first` on.

    Raises InputError for pictures that are not of the model's input size.
    """

    model: Model
    pixels: Pixels
    first: int = 0

    def __post_init__(self) -> None:
        check_set(self.pixels, check_model(self.model).input_size)

    @property
    def images(self) -> NDArray[np.int64]:
        """The positions that it asks about, int64 (K,)."""
        return np.arange(self.first, len(self.pixels))

    def __len__(self) -> int:
        return len(self.pixels) - self.first

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that the rows depend on: the same for requests with the same rows."""
        asked = ("verdicts", self.first, self.model.digest, self.model.device.type, pixels_digest(self.pixels))
        return hashlib.sha256(repr(asked).encode()).hexdigest()

    def rest(self, done: int) -> "VerdictRequest":
        """The request for the images after the first `done`, of which there must be at least one."""
        return replace(self, first=self.first + done)

    def cached_rows(self, cache: ExplainCache, between: Callable[[], None]) -> Iterator[VerdictRows]:
        """The rows, each batch kept in the cache. between: called before each batch; what it raises ends the work."""
        for start in range(self.first, len(self.pixels), VERDICT_BATCH):
            between()
            rest = np.arange(start, min(start + VERDICT_BATCH, len(self.pixels)))
            chosen = rest[readable_places(self.pixels, rest)]
            if len(chosen):
                yield cache.verdict_rows(self.model, self.pixels, chosen)

    def join(self, parts: Sequence[VerdictRows]) -> VerdictRows:
        """The rows of several parts, in their order."""
        names = ("images", "predicted", "confidence", "margin")
        return VerdictRows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
