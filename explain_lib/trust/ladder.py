"""The layer ladder: faithfulness of the maps of every layer beside baselines that need no network, image by image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.statistics import rank_correlations
from explain_lib.base.words import list_names
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.package_grad_cam import addressable_layers, package_grad_cam
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.cam.settings import CamSettings, Variant
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.requests import HasImages, ImageRows, Request, join_rows
from explain_lib.passes.targets import class_target
from explain_lib.passes.tasks import predicted_of
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels
from explain_lib.trust.faithfulness import RemovalCurves, centre_map, pixel_ranks, random_map, removal_curves
from explain_lib.trust.measures import FILLS

Number = TypeVar("Number", bound=np.generic)
Found = TypeVar("Found", bound=HasImages)
Kind = Literal["layer", "average", "opinion", "baseline"]

AVERAGE = "all layers averaged"
RANDOM, CENTRE, EDGES = "random order", "centre first", "edges"
BASELINES = (RANDOM, CENTRE, EDGES)
OPINIONS: Mapping[Variant, str] = {"hirescam": "HiResCAM", "layercam": "LayerCAM", "grad-cam++": "Grad-CAM++"}
"""The other methods of the package, each a row at one layer, and their names."""

ORDERS_AT_ONCE = 128
"""Rungs times images of a batch: some seconds of work between two reports of progress."""

_AT = " at "
_BY_RUNG = ("deletion", "insertion", "edges", "centre", "flat")


@dataclass(frozen=True)
class Rung:
    """One row of the ladder.

    name: that of the layer, or a description of another row. kind: a layer, the average of all layers, another method at one
    layer, or a baseline that needs no network. grid: (h, w) of its map, None for baselines and the average.
    """

    name: str
    kind: Kind
    grid: tuple[int, int] | None

    @property
    def asked_at(self) -> str | None:
        """The layer of another method, None for the other kinds."""
        return self.name.partition(_AT)[2] if self.kind == "opinion" else None


@dataclass(frozen=True)
class LadderRows(ImageRows):
    """The measurements of R rungs on K images.

    images: int64 (K,), positions in the set. predicted: int64 (K,). explained: int64 (K,), the class whose probability
    counts. rungs: the layers in the order of the network, their average, the other methods, the baselines. deletion, insertion:
    float64 (K, R, 3), the mean probability while pixels are removed, lower is better, and while they are shown, higher is
    better, in [0, 1]; the fills are those of FILLS, with noisy-linear the two halves of ROAD. edges, centre: float64 (K, R),
    the Spearman correlation of the map with the picture's edges and with a blob in its middle, NaN for a map that is the same
    everywhere. flat: bool (K, R), whether the map is zero or constant. All but `flat` are NaN for a map that is not finite.
    """

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    explained: NDArray[np.int64]
    rungs: tuple[Rung, ...]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    edges: NDArray[np.float64]
    centre: NDArray[np.float64]
    flat: NDArray[np.bool_]

    @property
    def road(self) -> NDArray[np.float64]:
        """ROAD with both orders combined: half the difference of least relevant first and most relevant first.

        float64 (K, R), in [-0.5, 0.5], higher is better, 0 for an order without information.
        """
        place = FILLS.index("noisy-linear")
        return np.asarray((self.insertion[..., place] - self.deletion[..., place]) / 2)


@dataclass(frozen=True)
class LadderMaps(Frozen):
    """The maps that order the pixels, float32 (K, R, H, W), and the class explained in each image, int64 (K,).

    Layers: ReLU maps, not scaled, enlarged bilinearly (align_corners=False). The average: the mean of those, each divided by
    its own maximum. Other methods: the package's heat maps, in [0, 1]. predicted: int64 (K,).
    """

    rungs: tuple[Rung, ...]
    maps: Map
    predicted: NDArray[np.int64]
    explained: NDArray[np.int64]


@dataclass(frozen=True)
class LadderCurves(Frozen):
    """The rows of some images, the maps that order the pixels, and the curves whose means the rows hold."""

    rows: LadderRows
    maps: LadderMaps
    curves: RemovalCurves

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def images(self) -> NDArray[np.int64]:
        """The positions of the images in the set, int64 (K,)."""
        return self.rows.images


def _ladder_maps(
    model: Model,
    own: NDArray[np.uint8],
    images: NDArray[np.int64],
    layers: Sequence[str] | None,
    target: int | None,
    asked_at: str | None = None,
) -> LadderMaps:
    """The map of every rung on pictures uint8 (K, H, W, C), which are at those positions of their set."""
    captured = capture_layers(check_model(model), own, layers, target)
    process = PostProcess(model, captured.layers)
    names = tuple(captured.layers)
    maps = {Rung(name, "layer", _grid(captured.layers[name].activation.shape)): enlarged_maps(process, name) for name in names}
    merged = CamSettings(layers=names, resize="torch-bilinear")
    maps[Rung(AVERAGE, "average", None)] = process.heatmaps(merged).numpy()
    if asked_at is not None:
        maps |= _opinion_maps(model, own, target, asked_at)
    height, width = model.input_size
    maps[Rung(RANDOM, "baseline", None)] = np.stack([random_map(image, height, width) for image in images.tolist()])
    maps[Rung(CENTRE, "baseline", None)] = np.broadcast_to(centre_map(height, width), (len(images), height, width))
    maps[Rung(EDGES, "baseline", None)] = sobel_edges(own)
    predicted = predicted_of(captured.logits.cpu().numpy(), model.task)
    explained = np.array([class_target(one).index for one in captured.targets], dtype=np.int64)
    return LadderMaps(tuple(maps), np.stack(list(maps.values()), axis=1), predicted, explained)


def _opinion_maps(model: Model, own: NDArray[np.uint8], target: int | None, asked_at: str) -> dict[Rung, Map]:
    """The maps of the package's other methods at one layer, on pictures uint8 (K, H, W, C)."""
    grid = next(layer.grid for layer in model.find_layers(asked_at))
    return {
        Rung(f"{name}{_AT}{asked_at}", "opinion", grid): package_grad_cam(model, own, asked_at, target, variant=variant)
        for variant, name in OPINIONS.items()
    }


def _grid(shape: Sequence[int]) -> tuple[int, int]:
    return shape[2], shape[3]


@recorded
def ladder_curves(
    model: Model,
    pixels: Pixels,
    image: int,
    layers: Sequence[str] | None = None,
    target: int | None = None,
    opinions: str | None = None,
) -> LadderCurves:
    """The rows, maps and curves of one image of a set; see layer_ladder.

    opinions: the name of the layer of the other methods, None for no such rows. The part without other methods is kept by
    itself, so that another layer needs only those.
    """
    images = check_positions([image], len(check_model(model).check_set(pixels)))
    own = pixels[images]
    base = _layer_curves(model, own, images, layers, target)
    return base if opinions is None else with_opinions(base, _opinion_curves(model, own, base, target, opinions))


@remembered(alone=True)
def _layer_curves(
    model: Model, own: NDArray[np.uint8], images: NDArray[np.int64], layers: Sequence[str] | None, target: int | None
) -> LadderCurves:
    """The curves without other methods. own: the pictures at these positions of their set."""
    return _measured(model, own, images, _ladder_maps(model, own, images, layers, target))


@remembered(alone=True)
def _opinion_curves(
    model: Model, own: NDArray[np.uint8], base: LadderCurves, target: int | None, asked_at: str
) -> LadderCurves:
    """The rows, maps and curves of the package's other methods alone, on the images of a ladder without them."""
    maps = _opinion_maps(model, own, target, asked_at)
    said = base.maps
    found = LadderMaps(tuple(maps), np.stack(list(maps.values()), axis=1), said.predicted, said.explained)
    return _measured(model, own, base.images, found)


def with_opinions(base: LadderCurves, opinions: LadderCurves) -> LadderCurves:
    """A ladder with the rows of other methods, on the same images, inserted before the baselines."""
    place = len(base.rows.rungs) - len(BASELINES)

    def put_in(one: NDArray[Number], other: NDArray[Number]) -> NDArray[Number]:
        return np.concatenate([one[:, :place], other, one[:, place:]], axis=1)

    rungs = (*base.rows.rungs[:place], *opinions.rows.rungs, *base.rows.rungs[place:])
    rows = replace(
        base.rows, rungs=rungs, **{name: put_in(getattr(base.rows, name), getattr(opinions.rows, name)) for name in _BY_RUNG}
    )
    maps = replace(base.maps, rungs=rungs, maps=put_in(base.maps.maps, opinions.maps.maps))
    names = [part.name for part in fields(RemovalCurves)]
    curves = RemovalCurves(**{name: put_in(getattr(base.curves, name), getattr(opinions.curves, name)) for name in names})
    return LadderCurves(rows, maps, curves)


def _measured(model: Model, own: NDArray[np.uint8], images: NDArray[np.int64], found: LadderMaps) -> LadderCurves:
    """The rows and curves of removing pixels in the order of these maps."""
    batch = model.to_input(own)
    finite = np.asarray(np.isfinite(found.maps).all((2, 3)))
    ranks = pixel_ranks(np.where(finite[:, :, None, None], found.maps, np.float32(0)))
    curves = removal_curves(model, batch, ranks, found.explained, images)
    rows = LadderRows(
        images,
        found.predicted,
        found.explained,
        found.rungs,
        np.where(finite[:, :, None], curves.mean_deletion, np.nan),
        np.where(finite[:, :, None], curves.mean_insertion, np.nan),
        _correlations(found.maps, sobel_edges(own)),
        _correlations(found.maps, np.broadcast_to(centre_map(*model.input_size), found.maps[:, 0].shape)),
        found.maps.min((2, 3)) == found.maps.max((2, 3)),
    )
    return LadderCurves(rows, found, curves)


def _correlations(maps: Map, others: Map) -> NDArray[np.float64]:
    """The Spearman correlation of each map (K, R, H, W) with the other map of its image (K, H, W): (K, R)."""
    return np.stack([rank_correlations(maps[:, column], others) for column in range(maps.shape[1])], axis=1)


@dataclass(frozen=True, eq=False)
class _LadderQuestion(Request[Found]):
    """The fields of a request for a ladder, whatever its rows.

    layers: names, or None for every conv layer, replaced by their names. opinions: the name of the layer of the other methods,
    None for no such rows. The other fields, and the errors, are those of layer_ladder.
    """

    layers: tuple[str, ...] | None = None
    target: int | None = None
    opinions: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle(layers=tuple(layer.name for layer in self.model.find_layers(self.layers)))
        self.model.expand_classes(self.target, 1)
        if self.opinions is not None:
            addressable_layers(self.model, self.opinions, "the package")

    @property
    def batch_size(self) -> int:
        rungs = len(self.layers or ()) + 1 + len(BASELINES) + (len(OPINIONS) if self.opinions is not None else 0)
        return max(1, ORDERS_AT_ONCE // rungs)

    @property
    def asked(self) -> tuple[object, ...]:
        return "ladder", self.layers or (), self.target, self.opinions, self.batch_size


@dataclass(frozen=True, eq=False)
class LadderRequest(_LadderQuestion[LadderRows]):
    """A ladder over K images of a set; see layer_ladder."""

    def compute(self) -> LadderRows:
        own = self.pixels[self.images]
        found = _ladder_maps(self.model, own, self.images, self.layers, self.target, self.opinions)
        return _measured(self.model, own, self.images, found).rows


ASKED_PER_ROW = 74
"""Pictures through the network for each row: 15 steps of deletion and of insertion with two fills, and 14 of ROAD."""


@dataclass(frozen=True, eq=False)
class CurvesRequest(_LadderQuestion[LadderCurves]):
    """The ladder of one image, with maps and curves. Raises InputError for a request of more images, or of none."""

    def __post_init__(self) -> None:
        if len(self.images) != 1:
            raise InputError(f"images: {len(self.images)} of them; one would be right")
        super().__post_init__()

    @property
    def asked(self) -> tuple[object, ...]:
        return "curves", *super().asked

    def compute(self) -> LadderCurves:
        return ladder_curves(self.model, self.pixels, int(self.images[0]), self.layers, self.target, self.opinions)


def layer_ladder(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    layers: str | Sequence[str] | None = None,
    target: int | None = None,
    opinions: str | None = None,
) -> Iterator[LadderRows]:
    """Measure every layer, the average of all, and the baselines on images of a set; gives rows batch by batch, without
    pictures that cannot be read.

    pixels: uint8 (N, H, W, C), the whole set. images: positions in it. layers: names, None for every conv layer. target: the
    class that is explained in every image, None for the predicted one. opinions: the name of a layer at which the
    package's HiResCAM, LayerCAM and Grad-CAM++ get a row each, None for no such rows.

    Raises InputError for other pixels and positions, and the errors of grad_cam and package_grad_cam.
    """
    names = None if layers is None else list_names(layers)
    return LadderRequest(model, pixels, np.asarray(images), names, target, opinions).rows()


def join_ladder_rows(parts: Sequence[LadderRows]) -> LadderRows:
    """The rows of several parts of one ladder, in their order. Raises InputError for parts of different ladders, or no part."""
    return join_rows(parts, "ladder")
