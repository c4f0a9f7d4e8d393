"""What a ladder over many images is asked for, as one value: checked, and with a fingerprint."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import read_only
from explain_lib.cam.configuration import Configuration
from explain_lib.cam.package import addressable_layers
from explain_lib.compare.scan import SCAN_BATCH, ScanRows, join_rows, scan, scan_batch
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.predictions import VerdictRows
from explain_lib.networks.randomisation import SEED, Mode, chosen_steps
from explain_lib.networks.targets import Targets, expand_targets
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels, check_set, pixels_digest, readable_places
from explain_lib.trust.ladder import LadderCurves, LadderRows, batch_size, join_ladder_rows, ladder_batch, layer_ladder
from explain_lib.trust.sanity import SanityRows, join_sanity_rows, sanity_batch, sanity_rows
from explain_lib.work.cache import ExplainCache


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


# Section: What a scan is asked for, as one value: checked, with a fingerprint, and cut into batches.


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


# Section: What the sanity checks over many images are asked for, as one value: checked, and with a fingerprint.


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


# Section: What the ladder of one image is asked for where it takes long: its maps and curves too, as a job.

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


# Section: The rows of a ladder as the files that are bundled keep them: measured, then rounded to float32.


def kept_ladder(request: LadderRequest, *, progress: Callable[[int, int], None] | None = None) -> LadderRows:
    """The rows of a request, their numbers float64 with the digits of float32; progress: called with images done and in all."""
    parts: list[LadderRows] = []
    for rows in request.rows():
        parts.append(rows)
        if progress is not None:
            progress(sum(map(len, parts)), len(request))
    rows = request.join(parts)
    rounded = {
        name: getattr(rows, name).astype(np.float32).astype(np.float64) for name in ("deletion", "insertion", "edges", "centre")
    }
    return replace(rows, **rounded)


# Section: What a model is asked about all pictures of a set, as one value: with a fingerprint, and cut into batches.

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
