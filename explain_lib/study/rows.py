"""The measurements behind the guess on contours, image by image: maps beside edges, maps and pictures split along outlines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import standard_ranks
from explain_lib.cam.edges import edges_on_grid, sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.cam.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE, CamSettings
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.requests import ImageRows, Progress, Request, Rows
from explain_lib.passes.tasks import values_of
from explain_lib.pictures.pixels import check_positions
from explain_lib.study.covers import shuffled_alike
from explain_lib.study.outline_density import outline_densities, outline_parts
from explain_lib.study.outlines import find_outlines, outline_masks

GUESS_BATCH = 200
"""Images per batch: it bounds memory, and the work reports progress and can stop after each."""
SHUFFLES = 2
"""Orders in which the pixels of a part are shuffled; what the network says is averaged over them."""
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


# Section: outline against object


@dataclass(frozen=True)
class OutlineRows(ImageRows):
    """Maps and pictures split along outlines, one row per picture, K of them; two columns: its own outline, another picture's.

    images: int64 (K,), positions in the set. layer: whose maps these are. along, inside: float64 (K, 2), the density of the map
    of the predicted class along the outline and inside, 1 for an even map; NaN for a map that is zero everywhere or not finite,
    and for an outline without an inside. whole: float64 (K,), the probability of the predicted class in the picture as it is.
    outline_shuffled, inside_shuffled: float64 (K, 2), with the pixels of either part shuffled, changed by as much; means over
    SHUFFLES orders.
    """

    images: NDArray[np.int64]
    layer: str
    along: NDArray[np.float64]
    inside: NDArray[np.float64]
    whole: NDArray[np.float64]
    outline_shuffled: NDArray[np.float64]
    inside_shuffled: NDArray[np.float64]

    @property
    def where(self) -> NDArray[np.float64]:
        """How much denser the map is along the picture's outline than inside, less the same with another's: float64 (K,)."""
        return _own_less_other(self.along - self.inside)

    @property
    def use(self) -> NDArray[np.float64]:
        """How much more probability a shuffled outline costs than a shuffled inside, less the same with another's: (K,)."""
        return _own_less_other(self.inside_shuffled - self.outline_shuffled)


def _own_less_other(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values[:, 0] - values[:, 1])


@dataclass(frozen=True, eq=False)
class SplitRequest(Request[Rows]):
    """A request about pictures of a set in memory that are split along outlines."""

    keeps_parts: ClassVar[bool] = True  # the outlines are the same for every model

    def __post_init__(self) -> None:
        check_model(self.model).check_pixels(self.pixels)
        super().__post_init__()

    @property
    def batch_size(self) -> int:
        return GUESS_BATCH


@dataclass(frozen=True, eq=False)
class OutlineRequest(SplitRequest[OutlineRows]):
    """Maps and pictures of K images of a set in memory, split along outlines, for the predicted class of each.

    others: int64 (K,), the pictures whose outlines are the controls. Map: ReLU, of the hooked layer, enlarged bilinearly with
    each cell where it looks. The other errors are those of grad_cam.
    """

    others: NDArray[np.int64]

    per_image: ClassVar[tuple[str, ...]] = ("images", "others")

    @property
    def asked(self) -> tuple[object, ...]:
        return "outlines", np.asarray(self.others).tolist()

    def compute(self) -> OutlineRows:
        model, own, layer = self.model, self.pixels[self.images], hooked_layer(self.model)
        captured = capture_layers(model, own, (layer,), None)
        maps, logits = placed_maps(PostProcess(model, captured.layers), layer), captured.logits.cpu().numpy()
        asked = logits.argmax(1)
        masks = [outline_masks(self.pixels[which]) for which in (self.images, self.others)]
        densities = [outline_densities(maps, each) for each in masks]
        shuffled = [
            _left(model, own, outline_parts(each), asked) for each in masks
        ]  # for each column: outline shuffled, inside shuffled
        return OutlineRows(
            self.images,
            layer,
            np.stack([along for along, _ in densities], axis=1),
            np.stack([inside for _, inside in densities], axis=1),
            _of_class(values_of(logits, model.task), asked),
            np.stack([outline for outline, _ in shuffled], axis=1),
            np.stack([inside for _, inside in shuffled], axis=1),
        )


def placed_maps(process: PostProcess, layer: str) -> Map:
    """A layer's ReLU maps, not scaled, enlarged bilinearly with each cell where it looks: float32 (N, H, W)."""
    settings = CamSettings(layers=(layer,), scale_over="none", resize="torch-bilinear", placement="receptive-field")
    return process.heatmaps(settings).numpy()


def _left(
    model: Model, pixels: NDArray[np.uint8], parts: tuple[NDArray[np.bool_], NDArray[np.bool_]], asked: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """The probabilities left (N,) with the first part shuffled, and with the second, means over draws; NaN without a part."""
    nothing = ~(parts[0].any((1, 2)) & parts[1].any((1, 2)))
    draws = [shuffled_alike(pixels, parts, draw) for draw in range(SHUFFLES)]
    means = (
        np.mean([_of_class(values_of(model.predict(one), model.task), asked) for one in each], axis=0)
        for each in zip(*draws, strict=True)
    )
    return [np.where(nothing, np.nan, mean) for mean in means]


def _of_class(values: NDArray[np.floating], asked: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(values[np.arange(len(asked)), asked], np.float64)


@remembered(parts=True)
def outline_rows(
    model: Model, pixels: NDArray[np.uint8], images: Sequence[int] | NDArray[np.int64], *, progress: Progress = None
) -> OutlineRows:
    """Maps and pictures of the images that have a usable outline, split along it; see OutlineRequest.

    pixels: uint8 (N, H, W, 3), the whole set, of the model's input size. images: positions in it; the outline of the next one
    with a usable outline is the control. progress: called with images done and images in all, at the start and after each
    batch of 200. Raises InputError if fewer than two have a usable outline.
    """
    check_model(model).check_pixels(pixels)
    chosen = usable_images(pixels, images)
    if len(chosen) < 2:
        raise InputError(f"images: {len(chosen)} of them with a usable outline; at least two would be right")
    return OutlineRequest(model, pixels, chosen, np.roll(chosen, -1)).all_rows(progress)


def usable_images(pixels: NDArray[np.uint8], images: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """The images, positions in the set, that have a usable outline: int64. Raises InputError for other positions."""
    chosen = check_positions(images, len(pixels))
    return np.asarray(chosen[find_outlines(pixels[chosen]).usable])
