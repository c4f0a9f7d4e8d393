"""How far a network's maps follow contours, image by image: a pure function over a batch, and all batches in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import standard_ranks
from explain_lib.cam.edges import edges_on_grid, sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.cam.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.predictions import softmax
from explain_lib.pictures.dataset import CLASSES
from explain_lib.pictures.pixels import check_pixels, check_positions
from explain_lib.study.masks import outline_masks, usable_outlines

GUESS_BATCH = 200
"""Images a batch, so that memory is bounded, progress is seen, and the work can be stopped."""
STUDY_LAYERS = NOTEBOOK_PACKAGE.layers or ()
AVERAGE = "average of five"
"""Stands among the layers for the mean of the study's five, as the package made it of them."""


def guess_layers(model: Model) -> tuple[str, ...]:
    """The layers on which the study's guesses are tested: its five where the model has them, else every conv layer."""
    return STUDY_LAYERS if set(STUDY_LAYERS) <= set(model.spatial_layers) else model.conv_layers


def hooked_layer(model: Model) -> str:
    """The layer that the verdicts are about: the one of the study's manual map, or the last conv layer of another model."""
    layers = guess_layers(model)
    return (NOTEBOOK_MANUAL.layers or ())[0] if layers == STUDY_LAYERS else layers[-1]


@dataclass(frozen=True)
class ContourRows(Frozen):
    """Spearman correlations of maps with edges, one row an image, K of them, one column a layer, L.

    images: int64 (K,), positions in the set. predicted: int64 (K,), classes. layers: names, AVERAGE the last of them where
    the model has the study's five. hooked: the one that verdicts are about. own, other: float64 (K, L) in [-1, 1], with the
    edges of the picture and with those of another one, the next of the images (the first after the last). ceiling: float64
    (K, L), what the edges themselves would reach on the layer's grid; NaN for AVERAGE. NaN elsewhere: the map, or the
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

    def __len__(self) -> int:
        return len(self.images)


def contour_batch(
    model: Model,
    pixels: NDArray[np.uint8],
    images: NDArray[np.int64],
    others: NDArray[np.int64],
    *,
    between: Callable[[], None] | None = None,
) -> ContourRows:
    """The rows of some images of a set uint8 (N, H, W, 3), whose control is `others`, as many of them; see contour_rows."""
    layers = guess_layers(check_model(model))
    captured = capture_layers(model, pixels[images], layers, None, between)
    process = PostProcess(captured.layers, model.input_size)
    edges = sobel_edges(pixels[images])
    own, other = standard_ranks(edges), standard_ranks(sobel_edges(pixels[others]))
    grids = {layer: (values.activation.shape[2], values.activation.shape[3]) for layer, values in captured.layers.items()}
    maps = {layer: enlarged_maps(process, layer) for layer in layers}
    if layers == STUDY_LAYERS:
        maps[AVERAGE] = process.heatmaps(NOTEBOOK_PACKAGE).numpy()
    ranks = {layer: standard_ranks(values) for layer, values in maps.items()}
    ceilings = {grid: (standard_ranks(edges_on_grid(edges, grid)) * own).sum(1) for grid in set(grids.values())}
    nothing = np.full(len(images), np.nan)
    return ContourRows(
        images,
        captured.logits.argmax(1).cpu().numpy(),
        tuple(maps),
        hooked_layer(model),
        np.stack([(values * own).sum(1) for values in ranks.values()], axis=1),
        np.stack([(values * other).sum(1) for values in ranks.values()], axis=1),
        np.stack([ceilings[grids[layer]] if layer in grids else nothing for layer in maps], axis=1),
        len(model.conv_layers),
    )


def contour_rows(
    model: Model,
    pixels: NDArray[np.uint8],
    images: Sequence[int] | NDArray[np.int64],
    *,
    progress: Callable[[int, int], None] | None = None,
    between: Callable[[], None] | None = None,
    batch_rows: Callable[..., ContourRows] = contour_batch,
) -> ContourRows:
    """Correlate the maps of images, each of its predicted class, with edges; in batches of 200.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. images: at least two positions in it. Map: ReLU,
    enlarged bilinearly; edges: sobel_edges. progress: called with images done and images in all, after each batch. between:
    called in each batch once the model's lock is held; what it raises ends the work. batch_rows: contour_batch, or a cached
    one, so that work that was broken off goes on where it stood.

    Raises InputError for other pixels and positions, and the errors of grad_cam.
    """
    check_pixels(pixels, check_model(model).input_size)
    chosen = check_positions(images, len(pixels), least=2)
    others = np.roll(chosen, -1)
    parts = []
    for start in range(0, len(chosen), GUESS_BATCH):
        part = slice(start, start + GUESS_BATCH)
        parts.append(batch_rows(model, pixels, chosen[part], others[part], between=between))
        if progress is not None:
            progress(min(start + GUESS_BATCH, len(chosen)), len(chosen))
    return join_contour_rows(parts)


def join_contour_rows(parts: Sequence[ContourRows]) -> ContourRows:
    """The rows of several parts, in their order. Raises InputError for parts of unlike networks, and for none."""
    if len({(part.layers, part.hooked, part.conv_layers) for part in parts}) != 1:
        raise InputError("parts: rows of one network, at least one part of them, would be right")
    first = parts[0]
    images, predicted, own, other, ceiling = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "predicted", "own", "other", "ceiling")
    )
    return ContourRows(images, predicted, first.layers, first.hooked, own, other, ceiling, first.conv_layers)


# Section: Where maps of frogs lie, and what the network says without the frog or without its background, image by image.

FROG = CLASSES.index("frog")
MID_GREY = 128
"""What greyed pixels become in red, green and blue, of 255."""


@dataclass(frozen=True)
class GrassRows(Frozen):
    """One row a frog, K of them; one column a layer, L.

    images: int64 (K,), positions in the set. outlined: bool (K,), whether the outline is not degenerate. area: float64 (K,),
    the background's share of the picture, in [0, 1]. layers: names. hooked: the one that the verdict is about. share:
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

    def __len__(self) -> int:
        return len(self.images)


def greyed(pixels: NDArray[np.uint8], places: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) with mid grey, 128 of 255, at those places, bool (N, H, W)."""
    return np.where(places[..., None], np.uint8(MID_GREY), pixels)


def find_frogs(
    labels: NDArray[np.int64], images: Sequence[int] | NDArray[np.int64], true_class: int = FROG
) -> NDArray[np.int64]:
    """Which of the images are of that class, int64 (K,), in their order; K may be 0. Raises InputError for other positions."""
    chosen = check_positions(images, len(labels))
    return np.asarray(chosen[labels[chosen] == true_class])


def grass_batch(
    model: Model,
    pixels: NDArray[np.uint8],
    frogs: NDArray[np.int64],
    masks: NDArray[np.bool_],
    true_class: int = FROG,
    *,
    between: Callable[[], None] | None = None,
) -> GrassRows:
    """The rows of some frogs of a set uint8 (N, H, W, 3), with their outlines bool (K, H, W); see grass_rows."""
    layers, own = guess_layers(check_model(model)), pixels[frogs]
    captured = capture_layers(model, own, layers, true_class, between)
    process = PostProcess(captured.layers, model.input_size)
    whole, frog_only, background_only = (
        softmax(logits)[:, true_class].astype(np.float64)
        for logits in (captured.logits.cpu().numpy(), model.predict(greyed(own, ~masks)), model.predict(greyed(own, masks)))
    )
    return GrassRows(
        frogs,
        usable_outlines(masks),
        1 - masks.mean((1, 2)),
        layers,
        hooked_layer(model),
        np.stack([_share_outside(enlarged_maps(process, layer), masks) for layer in layers], axis=1),
        whole,
        frog_only,
        background_only,
    )


def _share_outside(maps: NDArray[np.float32], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much of each map (N, H, W) lies outside the outline, of its sum: (N,); NaN where there is no such sum."""
    total = maps.sum((1, 2), dtype=np.float64)
    outside = np.where(masks, np.float32(0), maps).sum((1, 2), dtype=np.float64)
    some = np.isfinite(total) & (total > 0)
    return np.asarray(np.divide(outside, total, out=np.full(len(maps), np.nan), where=some))


def grass_rows(
    model: Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Sequence[int] | NDArray[np.int64],
    *,
    true_class: int = FROG,
    progress: Callable[[int, int], None] | None = None,
    between: Callable[[], None] | None = None,
    batch_masks: Callable[[NDArray[np.uint8]], NDArray[np.bool_]] = outline_masks,
    batch_rows: Callable[..., GrassRows] = grass_batch,
) -> GrassRows:
    """Split maps, and pictures, of frogs into frog and background along their outlines; in batches of 200.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. labels: int64 (N,). images: positions in the set,
    of which those of the true class count, at least one. Map: that of the true class, ReLU, enlarged bilinearly. progress:
    called with frogs done and frogs in all, after each batch. between: called in each batch; what it raises ends the work.
    batch_masks, batch_rows: outline_masks and grass_batch, or cached ones, so that work that was broken off goes on.

    Raises InputError for other pixels, labels and positions, and if there is no frog; and the errors of grad_cam.
    """
    check_pixels(pixels, check_model(model).input_size)
    if labels.shape != (len(pixels),):
        raise InputError(f"labels: the shape is {labels.shape}; ({len(pixels)},), one for each picture, would be right")
    frogs = find_frogs(labels, images, true_class)
    if len(frogs) == 0:
        raise InputError(f"images: none of them is of class {true_class}; at least one would be right")
    parts = []
    for start in range(0, len(frogs), GUESS_BATCH):
        part = frogs[start : start + GUESS_BATCH]
        if between is not None:
            between()
        parts.append(batch_rows(model, pixels, part, batch_masks(pixels[part]), true_class, between=between))
        if progress is not None:
            progress(min(start + GUESS_BATCH, len(frogs)), len(frogs))
    return join_grass_rows(parts)


def join_grass_rows(parts: Sequence[GrassRows]) -> GrassRows:
    """The rows of several parts, in their order. Raises InputError for parts of unlike networks, and for none."""
    if len({(part.layers, part.hooked) for part in parts}) != 1:
        raise InputError("parts: rows of one network, at least one part of them, would be right")
    names = ("images", "outlined", "area", "share", "whole", "frog_only", "background_only")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return GrassRows(layers=parts[0].layers, hooked=parts[0].hooked, **joined)
