"""The rungs of a ladder: the maps of layers, of other methods and of baselines, and the rows that curves make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import rank_correlations
from explain_lib.cam.attention import LEGRAD, ROLLOUT, attention_rollout, has_attention, has_legrad, legrad
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.package_grad_cam import package_grad_cam
from explain_lib.cam.postprocess import PostProcess, enlarged_maps, heatmap, resize_maps
from explain_lib.cam.settings import CamSettings, Variant
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.requests import ImageRows
from explain_lib.passes.targets import AnyTarget, OneTarget, OwnTarget, Target
from explain_lib.passes.tasks import is_by_place, predicted_of
from explain_lib.receptive_fields.centres import read_cells
from explain_lib.trust.faithfulness import Orders, RemovalCurves, centre_map, pixel_ranks, random_map
from explain_lib.trust.measures import FILLS
from explain_lib.trust.single_deletion import Changes, single_deletion

Number = TypeVar("Number", bound=np.generic)
Kind = Literal["layer", "average", "opinion", "placed", "baseline"]

AVERAGE = "all layers averaged"
RANDOM, CENTRE, EDGES = "random order", "centre first", "edges"
BASELINES = (RANDOM, CENTRE, EDGES)
OPINIONS: Mapping[Variant, str] = {"hirescam": "HiResCAM", "layercam": "LayerCAM", "grad-cam++": "Grad-CAM++"}
"""The other methods of the package, each a row at one layer, and their names."""
PLACED: Mapping[Variant, str] = {"grad-cam": "Grad-CAM", "hirescam": "HiResCAM"}
"""The methods that have another row at that layer, by hand, with each cell where it looks."""

NO_CLASS = -1
"""Stands for the class where a function of the output is explained."""

_AT, LOOKS = " at ", ", where it looks"
_BY_RUNG = ("deletion", "insertion", "single_deletion", "edges", "centre", "flat")


@dataclass(frozen=True)
class Rung:
    """One row of the ladder.

    name: that of the layer, or a description of another row. kind: a layer, the average of all layers, another method at one
    layer, a method there with each cell placed where it looks, or a baseline that never looks at the network. grid: (h, w) of
    its map, None for baselines and the average.
    """

    name: str
    kind: Kind
    grid: tuple[int, int] | None

    @property
    def asked_at(self) -> str | None:
        """The layer of another method or placement, None for the other kinds."""
        return self.name.partition(_AT)[2].removesuffix(LOOKS) if self.kind in ("opinion", "placed") else None


@dataclass(frozen=True)
class LadderRows(ImageRows):
    """The measurements of R rungs on K images.

    images: int64 (K,), positions in the set. predicted: int64 (K,). explained: int64 (K,), the class whose probability
    counts, the first of several, or NO_CLASS for a function, whose numbers then stand where probabilities do. rungs: the layers
    in the order of the network, their average, the other methods, the baselines; while a large picture is under way, those that
    are measured. deletion, insertion: float64 (K, R, 3), the mean probability while pixels are removed, lower is better, and
    while they are shown, higher is better, in [0, 1]; the fills are those of FILLS, with noisy-linear the two halves of ROAD.
    single_deletion: float64 (K, R, 3), the Spearman correlation of the map with what the score loses without each patch alone,
    higher is better, in [-1, 1], NaN for a map that is the same everywhere; see the function of that name. edges, centre:
    float64 (K, R), the Spearman correlation of the map with the picture's edges and with a blob in its middle, NaN for a map
    that is the same everywhere. flat: bool (K, R), whether the map is zero or constant. All but `flat` are NaN for a map that
    is not finite.
    """

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    explained: NDArray[np.int64]
    rungs: tuple[Rung, ...]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    single_deletion: NDArray[np.float64]
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
    its own maximum. Other methods: the package's heat maps, in [0, 1], and for transformers attention rollout and torch-cam's
    LeGrad, 0 or above, enlarged bilinearly. With cells placed: ReLU maps, not scaled, each cell
    where it looks, bilinear between. predicted: int64 (K,).
    """

    rungs: tuple[Rung, ...]
    maps: Map
    predicted: NDArray[np.int64]
    explained: NDArray[np.int64]


@dataclass(frozen=True)
class LadderCurves(Frozen):
    """The rows of some images, the maps that order the pixels, and the curves whose means the rows hold.

    changes: what the score loses without each patch alone, float64 (K, fills, p, q), the same for all rows.
    """

    rows: LadderRows
    maps: LadderMaps
    curves: RemovalCurves
    changes: Changes

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def images(self) -> NDArray[np.int64]:
        """The positions of the images in the set, int64 (K,)."""
        return self.rows.images


@remembered()
def ladder_maps(
    model: Model,
    own: NDArray[np.uint8],
    images: NDArray[np.int64],
    layers: Sequence[str] | None,
    target: OneTarget | None,
    asked_at: str | None = None,
) -> LadderMaps:
    """The map of every rung on pictures uint8 (K, H, W, C), which are at those positions of their set."""
    captured = capture_layers(of_pictures(model, "the ladder is"), own, layers, target)
    process = PostProcess(model, captured.layers)
    names = tuple(captured.layers)
    maps = {Rung(name, "layer", _grid(captured.layers[name].activation.shape)): enlarged_maps(process, name) for name in names}
    merged = CamSettings(layers=names, resize="torch-bilinear")
    maps[Rung(AVERAGE, "average", None)] = process.heatmaps(merged).numpy()
    if asked_at is not None:
        maps |= _maps_of_others(model, own, target, asked_at)
    height, width = model.input_size
    maps[Rung(RANDOM, "baseline", None)] = np.stack([random_map(image, height, width) for image in images.tolist()])
    maps[Rung(CENTRE, "baseline", None)] = np.broadcast_to(centre_map(height, width), (len(images), height, width))
    maps[Rung(EDGES, "baseline", None)] = sobel_edges(own)
    predicted = predicted_of(captured.logits.cpu().numpy(), model.task)
    explained = np.array([class_of(one) for one in captured.targets], dtype=np.int64)
    return LadderMaps(tuple(maps), np.stack(list(maps.values()), axis=1), predicted, explained)


def marked_target(model: Model, target: OneTarget | None) -> OneTarget | None:
    """The target of a request itself; of a function one OwnTarget, so that all batches ask for the same.

    Raises TargetError as grad_cam does.
    """
    given = model.expand_targets(target, 1)
    return given[0] if given and isinstance(given[0], OwnTarget) else target


def class_of(target: AnyTarget) -> int:
    """The class that a target explains, the first of several, NO_CLASS for a function of the output."""
    return target.index if isinstance(target, Target) else NO_CLASS


def others_at(model: Model, asked_at: str | None) -> tuple[Rung, ...]:
    """The rows of other methods and placements at a layer, none for None.

    Those with cells placed are there where the network says where they look, without measuring.
    """
    if asked_at is None:
        return ()
    grid = next(layer.grid for layer in model.find_layers(asked_at))
    names = (*OPINIONS.values(), *_attention_methods(model, asked_at))
    methods = tuple(Rung(f"{name}{_AT}{asked_at}", "opinion", grid) for name in names)
    if read_cells(model, asked_at) is None:
        return methods
    return *methods, *(Rung(f"{name}{_AT}{asked_at}{LOOKS}", "placed", grid) for name in PLACED.values())


def _attention_methods(model: Model, asked_at: str) -> tuple[str, ...]:
    """The methods that read a transformer's attention, where a layer has them."""
    if not has_attention(model, asked_at):
        return ()
    return (ROLLOUT, LEGRAD) if has_legrad(model) else (ROLLOUT,)


def _maps_of_others(model: Model, own: NDArray[np.uint8], target: OneTarget | None, asked_at: str) -> dict[Rung, Map]:
    """The maps of others_at, on pictures uint8 (K, H, W, C)."""
    methods = [package_grad_cam(model, own, asked_at, target, variant=variant) for variant in OPINIONS]
    of_attention = _attention_methods(model, asked_at)
    grids = {ROLLOUT: lambda: attention_rollout(model, own, asked_at), LEGRAD: lambda: legrad(model, own, asked_at, target)}
    methods += [resize_maps(grids[name](), model.input_size, "torch-bilinear") for name in of_attention]
    rungs = others_at(model, asked_at)
    placed = [
        heatmap(
            model,
            own,
            CamSettings((asked_at,), variant=variant, scale_over="none", resize="torch-bilinear", placement="receptive-field"),
            target,
        )
        for variant in PLACED
        if len(rungs) > len(methods)
    ]
    return dict(zip(rungs, (*methods, *placed), strict=True))


def _grid(shape: Sequence[int]) -> tuple[int, int]:
    return shape[2], shape[3]


# Section: rows made of curves


def opinion_maps(model: Model, own: NDArray[np.uint8], base: LadderMaps, target: OneTarget | None, asked_at: str) -> LadderMaps:
    """The maps of other methods and placements at a layer, on the images of maps without them."""
    maps = _maps_of_others(model, own, target, asked_at)
    return LadderMaps(tuple(maps), np.stack(list(maps.values()), axis=1), base.predicted, base.explained)


def with_opinions(base: LadderCurves, opinions: LadderCurves) -> LadderCurves:
    """A ladder with the rows of other methods, on the same images, inserted before the baselines."""
    place = sum(rung.kind != "baseline" for rung in base.rows.rungs)

    def put_in(one: NDArray[Number], other: NDArray[Number]) -> NDArray[Number]:
        return np.concatenate([one[:, :place], other, one[:, place:]], axis=1)

    rungs = (*base.rows.rungs[:place], *opinions.rows.rungs, *base.rows.rungs[place:])
    rows = replace(
        base.rows, rungs=rungs, **{name: put_in(getattr(base.rows, name), getattr(opinions.rows, name)) for name in _BY_RUNG}
    )
    maps = replace(base.maps, rungs=rungs, maps=put_in(base.maps.maps, opinions.maps.maps))
    names = [part.name for part in fields(RemovalCurves)]
    curves = RemovalCurves(**{name: put_in(getattr(base.curves, name), getattr(opinions.curves, name)) for name in names})
    return LadderCurves(rows, maps, curves, base.changes)


def explained_targets(
    model: Model, own: NDArray[np.uint8], found: LadderMaps, target: OneTarget | None
) -> tuple[AnyTarget, ...]:
    """The targets of the images of these maps: the one that is given, or the predicted classes.

    own: the images, uint8 (K, H, W, C); the regions of a segmentation are those of the whole images.
    """
    if is_by_place(model.task):
        return model.settled_targets(own, target)
    given = model.expand_targets(target, len(found.explained))
    return given or tuple(Target(index) for index in found.explained.tolist())


def orders_of(maps: Map) -> Orders:
    """The orders of the pixels by maps (..., H, W), int64 (..., H * W); that of their places for a map that is not finite."""
    return pixel_ranks(np.where(np.isfinite(maps).all((-2, -1), keepdims=True), maps, np.float32(0)))


@dataclass(frozen=True)
class About(Frozen):
    """What is known of maps without asking the network: edges, centre, flat as in LadderRows; finite: bool (K, R)."""

    edges: NDArray[np.float64]
    centre: NDArray[np.float64]
    flat: NDArray[np.bool_]
    finite: NDArray[np.bool_]


def about_maps(own: NDArray[np.uint8], maps: Map) -> About:
    """What is known of maps float32 (K, R, H, W). own: the pictures, uint8 (K, H, W, C)."""
    middle = np.broadcast_to(centre_map(*maps.shape[2:]), maps[:, 0].shape)
    finite = np.asarray(np.isfinite(maps).all((2, 3)))
    flat = maps.min((2, 3)) == maps.max((2, 3))
    return About(_correlations(maps, sobel_edges(own)), _correlations(maps, middle), flat, finite)


def with_curves(
    images: NDArray[np.int64], found: LadderMaps, about: About, curves: RemovalCurves, changes: Changes
) -> LadderCurves:
    """The ladder of these maps with its curves, and what the score loses without each patch."""
    deletion = np.where(about.finite[:, :, None], curves.mean_deletion, np.nan)
    insertion = np.where(about.finite[:, :, None], curves.mean_insertion, np.nan)
    single = np.where(about.flat[:, :, None], np.nan, single_deletion(found.maps, changes))  # sums of unlike patches differ
    said = found.predicted, found.explained, found.rungs
    rows = LadderRows(images, *said, deletion, insertion, single, about.edges, about.centre, about.flat)
    return LadderCurves(rows, found, curves, changes)


def _correlations(maps: Map, others: Map) -> NDArray[np.float64]:
    """The Spearman correlation of each map (K, R, H, W) with the other map of its image (K, H, W): (K, R)."""
    return np.stack([rank_correlations(maps[:, column], others) for column in range(maps.shape[1])], axis=1)
