"""What the ladder of one image is asked for where it takes long: its maps and curves too, as a job."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.cache import ExplainCache
from explain_lib.errors import InputError
from explain_lib.ladder_request import LadderRequest
from explain_lib.layer_ladder import LadderCurves

ASKED_PER_ROW = 74
"""Pictures that the network is asked about for each row: 15 steps of deletion and insertion with two fills, 14 of ROAD."""


@dataclass(frozen=True, eq=False)
class CurvesRequest:
    """The ladder of one image, with maps and curves. Raises InputError for a request of more images, or of none."""

    ladder: LadderRequest

    def __post_init__(self) -> None:
        if len(self.ladder) != 1:
            raise InputError(f"images: {len(self.ladder)} of them; one would be right")

    @property
    def images(self) -> NDArray[np.int64]:
        """The position of the image, int64 (1,)."""
        return self.ladder.images

    def __len__(self) -> int:
        return 1

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that the curves depend on."""
        return hashlib.sha256(f"curves {self.ladder.fingerprint}".encode()).hexdigest()

    def rest(self, done: int) -> "CurvesRequest":
        """The request itself, of which nothing is done yet."""
        del done
        return self

    def cached_rows(self, cache: ExplainCache, between: Callable[[], None]) -> Iterator[LadderCurves]:
        """The curves, kept in the cache. between: called before each pass; what it raises ends the work."""
        asked = self.ladder
        yield cache.ladder_curves(
            asked.model, asked.pixels, int(asked.images[0]), asked.layers, asked.target, asked.opinions, between=between
        )

    def join(self, parts: Sequence[LadderCurves]) -> LadderCurves:
        """The curves; there is one part."""
        (curves,) = parts
        return curves
