"""The measurements behind the guesses, image by image: maps beside contours, and beside the background of frogs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import standard_ranks
from explain_lib.cam.edges import edges_on_grid, sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.cam.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.requests import ImageRows, Progress, Request
from explain_lib.passes.tasks import values_of
from explain_lib.pictures.dataset import CLASSES
from explain_lib.pictures.pixels import check_positions
from explain_lib.study.outlines import outline_masks, usable_outlines

GUESS_BATCH = 200
"""Images per batch: it bounds memory, and the work reports progress and can stop after each."""
STUDY_LAYERS = NOTEBOOK_PACKAGE.layers or ()
AVERAGE = "average of five"
"""The name, among the layers, of the mean of the study's five, as the package computes it."""


def guess_layers(model: Model) -> tuple[str, ...]:
    """The layers on which the guesses are tested: the study's five if the model has them, else every conv layer."""
    return STUDY_LAYERS if set(STUDY_LAYERS) <= set(model.spatial_layers) else model.conv_layers


def hooked_layer(model: Model) -> str:
    """The layer of the verdicts: that of the study's manual map, or the last conv layer of another model."""
    layers = guess_layers(model)
    return (NOTEBOOK_MANUAL.layers or ())[0] if layers == STUDY_LAYERS else layers[-1]


@dataclass(frozen=True)
class ContourRows(ImageRows):
    """Spearman correlations of maps with edges, one row per image, K of them, one column per layer, L.

    images: int64 (K,), positions in the set. predicted: int64 (K,), classes. layers: names, with AVERAGE last if the
    model has the study's five. hooked: the layer of the verdicts. own, other: float64 (K, L) in [-1, 1], with the
    edges of the picture and with those of another one, the next of the images (the first after the last). ceiling: float64
    (K, L), the correlation of the edges themselves on the grid of the layer; NaN for AVERAGE. NaN elsewhere: the map, or the
    edges, are constant or not finite. conv_layers: how many the network has.
    """

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    layers: tuple[str, ...]
    hooked: str
    own: NDArray[np.float64]
    other: NDArray[np.float64]
    ceiling: NDArray[np.float64]
    conv_layers: int


@dataclass(frozen=True, eq=False)
class ContourRequest(Request[ContourRows]):
    """The correlations of the maps of K images of a set in memory, each of its predicted class, with edges.

    others: int64 (K,), the pictures whose edges are the controls; None for the next image each, of at least two. Map: ReLU,
    enlarged bilinearly; edges: sobel_edges. The other errors are those of grad_cam.
    """

    others: NDArray[np.int64] | None = None

    per_image: ClassVar[tuple[str, ...]] = ("images", "others")

    def __post_init__(self) -> None:
        check_model(self.model).check_pixels(self.pixels)
        least = 2 if self.others is None else 1
        chosen = check_positions(self.images, len(self.pixels), least)
        self._settle(images=chosen, others=np.roll(chosen, -1) if self.others is None else self.others)
        super().__post_init__()

    @property
    def batch_size(self) -> int:
        return GUESS_BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "contours", np.asarray(self.others).tolist()

    def compute(self) -> ContourRows:
        model, pixels = self.model, self.pixels[self.images]
        layers = guess_layers(model)
        captured = capture_layers(model, pixels, layers, None)
        process = PostProcess(model, captured.layers)
        edges = sobel_edges(pixels)
        own, other = standard_ranks(edges), standard_ranks(sobel_edges(self.pixels[np.asarray(self.others)]))
        grids = {layer: (values.activation.shape[2], values.activation.shape[3]) for layer, values in captured.layers.items()}
        maps = {layer: enlarged_maps(process, layer) for layer in layers}
        if layers == STUDY_LAYERS:
            maps[AVERAGE] = process.heatmaps(NOTEBOOK_PACKAGE).numpy()
        ranks = {layer: standard_ranks(values) for layer, values in maps.items()}
        ceilings = {grid: (standard_ranks(edges_on_grid(edges, grid)) * own).sum(1) for grid in set(grids.values())}
        nothing = np.full(len(self), np.nan)
        return ContourRows(
            self.images,
            captured.logits.argmax(1).cpu().numpy(),
            tuple(maps),
            hooked_layer(model),
            np.stack([(values * own).sum(1) for values in ranks.values()], axis=1),
            np.stack([(values * other).sum(1) for values in ranks.values()], axis=1),
            np.stack([ceilings[grids[layer]] if layer in grids else nothing for layer in maps], axis=1),
            len(model.conv_layers),
        )


@remembered(parts=True)
def contour_rows(
    model: Model, pixels: NDArray[np.uint8], images: Sequence[int] | NDArray[np.int64], *, progress: Progress = None
) -> ContourRows:
    """The correlations of the maps of images with their own edges, and with those of the next image; see ContourRequest.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. images: at least two positions in it. progress:
    called with images done and images in all, at the start and after each batch of 200.
    """
    return ContourRequest(model, pixels, np.asarray(images)).all_rows(progress)


# Section: frogs and their background

FROG = CLASSES.index("frog")
MID_GREY = 128
"""The value of greyed pixels in red, green and blue, of 255."""


@dataclass(frozen=True)
class GrassRows(ImageRows):
    """Maps and probabilities beside outlines, one row per frog, K of them, one column per layer, L.

    images: int64 (K,), positions in the set. outlined: bool (K,), whether the outline is not degenerate. area: float64 (K,),
    the background's share of the picture, in [0, 1]. layers: names. hooked: the layer of the verdict. share:
    float64 (K, L), the background's share of the sum of the map, in [0, 1]; NaN for a map that is zero everywhere or not
    finite. whole, frog_only, background_only: float64 (K,), the probability of the class in the picture as it is, with the
    background greyed, and with the frog greyed.
    """

    images: NDArray[np.int64]
    outlined: NDArray[np.bool_]
    area: NDArray[np.float64]
    layers: tuple[str, ...]
    hooked: str
    share: NDArray[np.float64]
    whole: NDArray[np.float64]
    frog_only: NDArray[np.float64]
    background_only: NDArray[np.float64]


def greyed(pixels: NDArray[np.uint8], places: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) with mid grey, 128 of 255, at those places, bool (N, H, W)."""
    return np.where(places[..., None], np.uint8(MID_GREY), pixels)


def find_frogs(
    labels: NDArray[np.int64], images: Sequence[int] | NDArray[np.int64], true_class: int = FROG
) -> NDArray[np.int64]:
    """The images of that class, int64 (K,), in their order; K may be 0. Raises InputError for other positions."""
    chosen = check_positions(images, len(labels))
    return np.asarray(chosen[labels[chosen] == true_class])


@dataclass(frozen=True, eq=False)
class GrassRequest(Request[GrassRows]):
    """Maps and pictures of K frogs of a set in memory, split along their outlines into frog and background.

    true_class: the class of the frogs, which is explained. Map: ReLU, enlarged bilinearly. The other errors are those of
    grad_cam.
    """

    true_class: int = FROG

    keeps_parts: ClassVar[bool] = True  # the outlines are the same for every model

    def __post_init__(self) -> None:
        check_model(self.model).check_pixels(self.pixels)
        super().__post_init__()

    @property
    def batch_size(self) -> int:
        return GUESS_BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "grass", self.true_class

    def compute(self) -> GrassRows:
        model, own = self.model, self.pixels[self.images]
        masks, layers = outline_masks(own), guess_layers(model)
        captured = capture_layers(model, own, layers, self.true_class)
        process = PostProcess(model, captured.layers)
        asked = (captured.logits.cpu().numpy(), model.predict(greyed(own, ~masks)), model.predict(greyed(own, masks)))
        whole, frog_only, background_only = (
            values_of(logits, self.model.task)[:, self.true_class].astype(np.float64) for logits in asked
        )
        return GrassRows(
            self.images,
            usable_outlines(masks),
            1 - masks.mean((1, 2)),
            layers,
            hooked_layer(model),
            np.stack([share_outside(enlarged_maps(process, layer), masks) for layer in layers], axis=1),
            whole,
            frog_only,
            background_only,
        )


def share_outside(maps: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of the sum of each map (N, H, W) outside the outline: (N,); NaN if the sum is 0 or not finite."""
    total = maps.sum((1, 2), dtype=np.float64)
    outside = np.where(masks, np.float32(0), maps).sum((1, 2), dtype=np.float64)
    some = np.isfinite(total) & (total > 0)
    return np.asarray(np.divide(outside, total, out=np.full(len(maps), np.nan), where=some))


@remembered(parts=True)
def grass_rows(
    model: Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Sequence[int] | NDArray[np.int64],
    *,
    true_class: int = FROG,
    progress: Progress = None,
) -> GrassRows:
    """Maps and pictures of frogs, split along their outlines into frog and background; see GrassRequest.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. labels: int64 (N,). images: positions in the set;
    those of the true class count, at least one. progress: called with frogs done and frogs in all, at the start and
    after each batch of 200. Raises InputError for other labels, and if there is no frog.
    """
    check_model(model).check_pixels(pixels)
    if labels.shape != (len(pixels),):
        raise InputError(f"labels: the shape is {labels.shape}; ({len(pixels)},), one for each picture, would be right")
    frogs = find_frogs(labels, images, true_class)
    if len(frogs) == 0:
        raise InputError(f"images: none of them is of class {true_class}; at least one would be right")
    return GrassRequest(model, pixels, frogs, true_class).all_rows(progress)
