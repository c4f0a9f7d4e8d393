"""Two configurations compared over many images: a pure function over a batch, and the batches one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.cam.configuration import Configuration, Program, configured_heatmap
from explain_lib.cam.postprocess import PostProcess
from explain_lib.cam.settings import differing
from explain_lib.compare.decomposition import Sides, capture_sides, check_comparable, named_sides, shares_of
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.targets import Target, Targets, expand_targets
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels, batch_size_of, check_set, readable_places

SCAN_BATCH = 200
"""Images a batch: their maps fit into a processor's cache, and a scan can be stopped after each."""


@dataclass(frozen=True)
class ScanRows(Frozen):
    """One row an image, K of them.

    images: int64 (K,), positions in the set. predicted: int64 (K,), classes. mae: float64 (K,), the mean absolute difference
    of the two maps. settings: those in which the two sides differ. shares: float64 (K, settings), the part of the MAE that
    each causes, NaN if not asked for. residual: float64 (K,), the largest absolute difference between the manual
    implementation and the program itself on a side that is another program's, NaN if not asked for. Rows of images that give
    nothing finite hold NaN throughout.
    """

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    mae: NDArray[np.float64]
    settings: tuple[str, ...]
    shares: NDArray[np.float64]
    residual: NDArray[np.float64]

    @property
    def finite(self) -> NDArray[np.bool_]:
        """Which images gave two finite maps, bool (K,)."""
        return np.isfinite(self.mae)

    def __len__(self) -> int:
        return len(self.images)


def join_rows(parts: Sequence[ScanRows]) -> ScanRows:
    """The rows of several parts of one scan, in their order. Raises InputError for parts of unlike scans, and for none."""
    if len({part.settings for part in parts}) != 1:
        raise InputError("parts: rows of one scan, at least one part of them, would be right")
    names = ("images", "predicted", "mae", "shares", "residual")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return ScanRows(settings=parts[0].settings, **joined)


def scan_batch(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    a: Configuration,
    b: Configuration,
    targets: Targets = None,
    *,
    causes: bool = True,
    package: bool = False,
    between: Callable[[], None] | None = None,
) -> ScanRows:
    """Compare the two sides on some images of a set: a pure function, the same rows wherever it runs.

    pixels: uint8 (N, H, W, 3), the whole set, of which settings that look at the batch take images 4 * (k // 4) to + 3 for
    image k, or the image alone from a folder. images: positions in it. targets: None, one for all, or one per image.
    causes: whether the settings' shares are computed. package: whether the programs themselves run too, for the residual;
    InputError where one is not installed.
    Arguments and errors are else those of decompose; values that are not finite are no error but a row.
    """
    chosen = _checked(check_model(model), pixels, images)
    sides = named_sides(model, a.settings, b.settings)
    explained = expand_targets(targets, len(chosen), model.classes)
    work = _Work(model, sides, (a.program, b.program), causes, package, between)
    if "batch" not in {side.scale_over for side in sides}:
        return work.rows(pixels[chosen], chosen, np.arange(len(chosen)), None, explained)
    size = batch_size_of(pixels)
    starts = chosen - chosen % size
    full = starts + size <= len(pixels)
    parts = []
    for group in (full, ~full):  # the last batch of a set may be a short one
        if group.any():
            parts.append(_batched(work, pixels, chosen, np.flatnonzero(group), explained))
    return _in_order(join_rows(parts), chosen)


def _checked(model: Model, pixels: Pixels, images: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return check_positions(images, len(check_set(pixels, model.input_size)))


def _batched(
    work: "_Work",
    pixels: Pixels,
    chosen: NDArray[np.int64],
    group: NDArray[np.int64],
    explained: tuple[Target, ...] | None,
) -> ScanRows:
    """The rows of those of the chosen images, each beside the others of its batch."""
    images = chosen[group]
    whole = batch_size_of(pixels)
    starts = np.unique(images - images % whole)
    size = min(whole, len(pixels) - int(starts[0]))
    together = (starts[:, None] + np.arange(size)).ravel()
    places = np.searchsorted(together, images)
    targets = None
    if explained is not None:  # those that are only looked at need one as well
        beside = [explained[group[0]]] * len(together)
        for place, position in zip(places, group, strict=True):
            beside[place] = explained[position]
        targets = tuple(beside)
    return work.rows(pixels[together], images, places, size, targets)


def _in_order(rows: ScanRows, chosen: NDArray[np.int64]) -> ScanRows:
    """The rows in the order of the chosen images."""
    if np.array_equal(rows.images, chosen):
        return rows
    order = np.argsort(rows.images)[np.searchsorted(np.sort(rows.images), chosen)]
    return ScanRows(
        rows.images[order], rows.predicted[order], rows.mae[order], rows.settings, rows.shares[order], rows.residual[order]
    )


@dataclass(frozen=True)
class _Work:
    """What is done with each batch."""

    model: Model
    sides: Sides
    programs: tuple[Program, Program]
    causes: bool
    package: bool
    between: Callable[[], None] | None

    def rows(
        self,
        pixels: NDArray[np.uint8],
        images: NDArray[np.int64],
        places: NDArray[np.int64],
        batch: int | None,
        targets: tuple[Target, ...] | None,
    ) -> ScanRows:
        """One pass over the pixels; rows of the images at those places of it."""
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is a marked row, not a warning
            return self._rows(pixels, images, places, batch, targets)

    def _rows(
        self,
        pixels: NDArray[np.uint8],
        images: NDArray[np.int64],
        places: NDArray[np.int64],
        batch: int | None,
        targets: tuple[Target, ...] | None,
    ) -> ScanRows:
        captured = capture_sides(self.model, pixels, self.sides, targets, self.between)
        own = None if np.array_equal(places, np.arange(len(pixels))) else places.tolist()
        process = PostProcess(captured.layers, self.model.input_size, batch=batch, images=own)
        check_comparable(process, self.sides)
        a, b = (process.heatmaps(side) for side in self.sides)
        mae = (b - a).abs().mean((1, 2)).double().numpy()
        shares = np.full((len(places), len(differing(*self.sides))), np.nan)
        if self.causes:
            shares = shares_of(process, self.sides, a).T
        residual = np.full(len(places), np.nan)
        if self.package:
            residual = self._residual(pixels, places, captured.targets, (a, b))
        broken = ~np.isfinite(mae)
        mae[broken], shares[broken], residual[broken] = np.nan, np.nan, np.nan
        predicted = captured.logits.argmax(1).cpu().numpy()[places]
        return ScanRows(images, predicted, mae, differing(*self.sides), shares, residual)

    def _residual(
        self,
        pixels: NDArray[np.uint8],
        places: NDArray[np.int64],
        targets: tuple[Target, ...],
        maps: tuple[torch.Tensor, torch.Tensor],
    ) -> NDArray[np.float64]:
        """How far each program itself is from the manual implementation under its settings, the worse of the two sides."""
        gaps = [np.full(len(places), np.nan)]
        for program, side, ours in zip(self.programs, self.sides, maps, strict=True):
            if program != "manual":
                own = pixels[places]
                explained = [targets[place] for place in places]
                theirs = configured_heatmap(self.model, own, Configuration(program, side), explained, between=self.between)
                gaps.append(np.abs(theirs.astype(np.float64) - ours.numpy()).max((1, 2)))
        return np.asarray(np.fmax.reduce(gaps))


def scan(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    a: Configuration,
    b: Configuration,
    targets: Targets = None,
    *,
    causes: bool = True,
    package: bool = False,
    batch_rows: Callable[..., ScanRows] = scan_batch,
) -> Iterator[ScanRows]:
    """The rows of all images, in batches of 200, each as soon as it is known; pictures that cannot be read have none.

    batch_rows: scan_batch, or what stands in for it: a cached one, or one that runs elsewhere. Arguments and errors are
    else those of scan_batch.
    """
    chosen = _checked(check_model(model), pixels, images)
    explained = expand_targets(targets, len(chosen), model.classes)
    for start in range(0, len(chosen), SCAN_BATCH):
        places = readable_places(pixels, chosen[start : start + SCAN_BATCH]) + start
        own = None if explained is None else [explained[place] for place in places]
        if len(places):
            yield batch_rows(model, pixels, chosen[places], a, b, own, causes=causes, package=package)
