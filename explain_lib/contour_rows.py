"""How far a network's maps follow contours, image by image: a pure function over a batch, and all batches in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.edges import edges_on_grid, sobel_edges, standard_ranks
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen
from explain_lib.grad_cam import capture_layers
from explain_lib.maps import Map
from explain_lib.model import Model, check_model
from explain_lib.pixels import check_pixels
from explain_lib.positions import check_positions
from explain_lib.postprocess import PostProcess
from explain_lib.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE, CamSettings

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


def enlarged_maps(process: PostProcess, layer: str) -> Map:
    """A layer's ReLU maps, not scaled, enlarged bilinearly (align_corners=False): float32 (N, H, W)."""
    settings = CamSettings(layers=(layer,), scale_over="none", resize="torch-bilinear")
    return process.heatmaps(settings).numpy()


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
