"""Scans: two configurations compared over many images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError
from explain_lib.cam.configuration import Configuration, configured_heatmap
from explain_lib.cam.postprocess import PostProcess
from explain_lib.cam.settings import differing
from explain_lib.compare.decomposition import Sides, capture_sides, check_comparable, named_sides, shares_of
from explain_lib.networks.explainable import class_with_region
from explain_lib.networks.model import Model
from explain_lib.networks.requests import ImageRows, Request, join_rows, take_rows
from explain_lib.passes.targets import AnyTarget, OneTarget, Target, Targets
from explain_lib.passes.tasks import predicted_of
from explain_lib.pictures.sets import batch_size_of
from explain_lib.regions.region import Predicted

SCAN_BATCH = 200
"""Images per batch: their maps fit into the cache of a processor, and a scan can stop after each batch."""


@dataclass(frozen=True)
class ScanRows(ImageRows):
    """The rows of a scan, one per image, K of them.

    images: int64 (K,), positions in the set. predicted: int64 (K,), classes. mae: float64 (K,), the mean absolute difference
    of the two maps. settings: those in which the two sides differ. shares: float64 (K, settings), the part of the MAE that
    each causes, NaN if not requested. residual: float64 (K,), the largest absolute difference between the manual
    implementation and the program itself on a side that is another program's, NaN if not requested. The rows of images
    without finite maps contain NaN throughout.
    """

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    mae: NDArray[np.float64]
    settings: tuple[str, ...]
    shares: NDArray[np.float64]
    residual: NDArray[np.float64]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """The images with two finite maps, bool (K,)."""
        return np.isfinite(self.mae)


@dataclass(frozen=True, eq=False)
class ScanRequest(Request[ScanRows]):
    """The comparison of two configurations over K images of a set.

    For settings that depend on the batch, that of image k is images 4 * (k // 4) to + 3, or the image alone in a folder.
    targets: None for the predicted classes; others become one Target per image. causes: whether to compute the shares of the
    settings. package: whether to run the programs themselves too, for the residual; InputError if one is not installed. The
    other errors are those of decompose, except that values that are not finite give a row, not an error.
    """

    a: Configuration
    b: Configuration
    targets: Targets = None
    causes: bool = True
    package: bool = False

    per_image: ClassVar[tuple[str, ...]] = ("images", "targets")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle(targets=self.model.expand_targets(self.targets, len(self)))
        for name in ("a", "b"):
            if not isinstance(getattr(self, name), Configuration):
                found = type(getattr(self, name)).__name__
                raise InputError(f"{name}: a {found}; a Configuration, such as STUDY_MANUAL, would be right")

    @property
    def batch_size(self) -> int:
        return SCAN_BATCH

    @property
    def explained(self) -> OneTarget | None:
        """The target of all images; None where they differ, and for the predicted classes."""
        different = set(self._targets or ())
        return different.pop() if len(different) == 1 else None

    @property
    def each_explained(self) -> Sequence[OneTarget | None]:
        return self._targets or (None,) * len(self)

    @property
    def asked(self) -> tuple[object, ...]:
        return self.a.to_text(), self.b.to_text(), self.targets, self.causes, self.package, SCAN_BATCH

    @property
    def _targets(self) -> tuple[AnyTarget, ...] | None:
        """One target per image, None for the predicted classes."""
        return self.model.expand_targets(self.targets, len(self))

    def compute(self) -> ScanRows:
        images, sides = self.images, named_sides(self.model, self.a.settings, self.b.settings)
        if "batch" not in {side.scale_over for side in sides}:
            return self._rows(sides, self.pixels[images], images, np.arange(len(images)), None, self._targets)
        size = batch_size_of(self.pixels)
        full = images - images % size + size <= len(self.pixels)
        # the last batch of a set may be shorter
        groups = [np.flatnonzero(group) for group in (full, ~full) if group.any()]
        rows = join_rows([self._beside_others(sides, group) for group in groups])
        return take_rows(rows, np.argsort(np.concatenate(groups)))

    def _beside_others(self, sides: Sides, group: NDArray[np.int64]) -> ScanRows:
        """The rows of the images at some places of the request, each image beside the others of its batch."""
        images, explained = self.images[group], self._targets
        whole = batch_size_of(self.pixels)
        starts = np.unique(images - images % whole)
        size = min(whole, len(self.pixels) - int(starts[0]))
        together = (starts[:, None] + np.arange(size)).ravel()
        places = np.searchsorted(together, images)
        targets = None
        if explained is not None:  # the other images of the batch need one as well
            beside = [_for_activations(self.model, explained[group[0]])] * len(together)
            for place, position in zip(places, group, strict=True):
                beside[place] = explained[position]
            targets = tuple(beside)
        return self._rows(sides, self.pixels[together], images, places, size, targets)

    def _rows(
        self,
        sides: Sides,
        pixels: NDArray[np.uint8],
        images: NDArray[np.int64],
        places: NDArray[np.int64],
        batch: int | None,
        targets: tuple[AnyTarget, ...] | None,
    ) -> ScanRows:
        """The rows of the images at some places of one pass over the pixels; values that are not finite give no warning."""
        with np.errstate(invalid="ignore", over="ignore"):
            captured = capture_sides(self.model, pixels, sides, targets)
            own = None if np.array_equal(places, np.arange(len(pixels))) else places.tolist()
            process = PostProcess(self.model, captured.layers, batch=batch, images=own)
            check_comparable(process, sides)
            a, b = (process.heatmaps(side) for side in sides)
            mae = (b - a).abs().mean((1, 2)).double().numpy()
            shares = np.full((len(places), len(differing(*sides))), np.nan)
            if self.causes:
                shares = shares_of(process, sides, a).T
            residual = np.full(len(places), np.nan)
            if self.package:
                residual = self._residual(pixels, captured.targets, sides, (a, b), places)
        broken = ~np.isfinite(mae)
        mae[broken], shares[broken], residual[broken] = np.nan, np.nan, np.nan
        predicted = predicted_of(captured.logits.cpu().numpy(), self.model.task)[places]
        return ScanRows(images, predicted, mae, differing(*sides), shares, residual)

    def _residual(
        self,
        pixels: NDArray[np.uint8],
        explained: tuple[AnyTarget, ...],
        sides: Sides,
        maps: tuple[Tensor, Tensor],
        places: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """The largest difference between a program itself and the manual implementation, over both sides.

        The program runs on the whole pass too: a batch of another size has other last digits, which some divisors magnify.
        """
        gaps = [np.full(len(places), np.nan)]
        for program, side, ours in zip((self.a.program, self.b.program), sides, maps, strict=True):
            if program != "manual":
                theirs = configured_heatmap(self.model, pixels, Configuration(program, side), explained)[places]
                gaps.append(np.abs(theirs.astype(np.float64) - ours.numpy()).max((1, 2)))
        return np.asarray(np.fmax.reduce(gaps))


def _for_activations(model: Model, target: AnyTarget) -> AnyTarget:
    """The target for an image that only lends its activations: it may not show the class, but some class covers most of it."""
    if not isinstance(target, Target) or class_with_region(model, target) is None:
        return target
    return replace(target, region=Predicted())
