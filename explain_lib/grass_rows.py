"""Where maps of frogs lie, and what the network says without the frog or without its background, image by image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.contour_rows import GUESS_BATCH, enlarged_maps, guess_layers, hooked_layer
from explain_lib.dataset import CLASSES
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen
from explain_lib.grad_cam import capture_layers
from explain_lib.model import Model, check_model
from explain_lib.outlines import outline_masks, usable_outlines
from explain_lib.pixels import check_pixels
from explain_lib.positions import check_positions
from explain_lib.postprocess import PostProcess
from explain_lib.predictions import softmax

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
