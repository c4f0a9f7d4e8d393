"""What a scan is asked for, as one value: checked, with a fingerprint, and cut into batches."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from explain_lib.cache import ExplainCache
from explain_lib.configuration import Configuration
from explain_lib.errors import InputError
from explain_lib.frozen import read_only
from explain_lib.lazy_pixels import Pixels, check_set, pixels_digest
from explain_lib.model import Model, check_model
from explain_lib.positions import check_positions
from explain_lib.scan import SCAN_BATCH, ScanRows, join_rows, scan, scan_batch
from explain_lib.targets import Targets, expand_targets


@dataclass(frozen=True, eq=False)
class ScanRequest:
    """Two configurations to be compared over K images of a set.

    pixels: uint8 (N, H, W, 3), the whole set. images: int64 (K,), positions in it. targets: None for the predicted classes,
    else one Target an image once it is made. The other fields are those of scan_batch, and so are the errors.
    """

    model: Model
    pixels: Pixels
    images: NDArray[np.int64]
    a: Configuration
    b: Configuration
    targets: Targets = None
    causes: bool = True
    package: bool = False

    def __post_init__(self) -> None:
        count = len(check_set(self.pixels, check_model(self.model).input_size))
        images = read_only(check_positions(self.images, count))
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "targets", expand_targets(self.targets, len(images), self.model.classes))
        for name in ("a", "b"):
            if not isinstance(getattr(self, name), Configuration):
                found = type(getattr(self, name)).__name__
                raise InputError(f"{name}: a {found}; a Configuration, such as STUDY_MANUAL, would be right")

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over all that the rows depend on: the same for requests with the same rows."""
        settings = (self.a.to_text(), self.b.to_text(), self.targets, self.causes, self.package, SCAN_BATCH)
        where = (self.model.digest, self.model.device.type, pixels_digest(self.pixels))
        digest = hashlib.sha256(repr((settings, where)).encode())
        digest.update(self.images.data)
        return digest.hexdigest()

    def rest(self, done: int) -> "ScanRequest":
        """The request for the images after the first `done`, of which there must be at least one."""
        return self._cut(done, len(self))

    def batches(self) -> Iterator["ScanRequest"]:
        """One request a batch, cut where scan cuts."""
        for start in range(0, len(self), SCAN_BATCH):
            yield self._cut(start, start + SCAN_BATCH)

    def rows(self, batch_rows: Callable[..., ScanRows] = scan_batch) -> Iterator[ScanRows]:
        """The rows, batch by batch; see scan for `batch_rows` and errors."""
        return scan(
            self.model,
            self.pixels,
            self.images,
            self.a,
            self.b,
            self.targets,
            causes=self.causes,
            package=self.package,
            batch_rows=batch_rows,
        )

    def cached_rows(self, cache: ExplainCache, between: Callable[[], None]) -> Iterator[ScanRows]:
        """The rows, each batch kept in the cache. between: called in each batch; what it raises ends the scan."""
        return self.rows(partial(cache.scan_batch, between=between))

    def join(self, parts: Sequence[ScanRows]) -> ScanRows:
        """The rows of several parts, in their order."""
        return join_rows(parts)

    def _cut(self, start: int, stop: int) -> "ScanRequest":
        own = self.targets[start:stop] if isinstance(self.targets, tuple) else None
        return replace(self, images=self.images[start:stop], targets=own)
