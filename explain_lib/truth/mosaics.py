"""Mosaics of four pictures: how much of a map lies in the quarter that shows the asked class.

The grid pointing game of Böhle et al. 2021 (arXiv 2104.00032, section 4), as Rao et al. 2022, "Towards Better Understanding
Attribution Methods" (arXiv 2205.10435, section 3.1), measure it for Grad-CAM and its kin: each quarter is a picture that the
network knows by itself, and each of the four classes is asked for in turn. A map that does not depend on the question gets
exactly a quarter.

Or the quarters are apart, as in DiFull of Rao et al. 2023, "Better Understanding Differences in Attribution Methods via
Systematic Evaluations" (arXiv 2303.11884, section 3): each goes through the network by itself, so that no receptive field
crosses a border, and the score is the logit of the asked quarter alone; see apart_maps. The other three cannot influence it,
so a right map has all of itself in the asked quarter. Any network can be asked this.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError, NetworkError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.words import percent
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_layer
from explain_lib.cam.settings import VARIANTS, CamSettings, Placement
from explain_lib.networks.making import as_model
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.predictions import Predictions
from explain_lib.networks.requests import Request
from explain_lib.passes.capture import LayerCapture
from explain_lib.pictures.sets import Pixels
from explain_lib.truth.finders import FinderMaps, TruthRows, baseline_maps, finder_maps, finders_of, flat_maps, measured
from explain_lib.truth.localisation import Mask, TruthMeasure

Number = TypeVar("Number", bound=np.generic)

BATCH = 10
QUARTERS: Final = 4
CONFIDENT: Final = 0.99
"""A picture goes into a mosaic if the network gives its true class at least this probability."""
PICTURES_OF_A_MOSAIC: Final = 10
"""Of so many pictures one mosaic is made by default: four that the network is sure of, and some that it is not."""
SEED: Final = 0
_MEASURES: tuple[TruthMeasure, ...] = ("energy", "pointing")
"""Those of the papers. The others would ask how well a map fills a square, which no object does."""


@dataclass(frozen=True)
class Mosaics(Frozen):
    """M mosaics of two by two pictures.

    pixels: uint8 (M, 2 H, 2 W, C). images: int64 (M, 4), the positions of the pictures in their set, upper left, upper right,
    lower left, lower right. classes: int64 (M, 4), the place of their class among the model's, four different ones.
    """

    pixels: NDArray[np.uint8]
    images: NDArray[np.int64]
    classes: NDArray[np.int64]

    def request(
        self, model: Model, pixels: Pixels, layers: tuple[str, ...] | None, placement: Placement, *, apart: bool
    ) -> "MosaicRequest":
        """The measurement of these mosaics of the set `pixels`; see MosaicRequest."""
        return MosaicRequest(model, pixels, self.images[:, 0], self.images, self.classes, layers, placement, apart)


@lru_cache(maxsize=4)
def mosaic_model(model: Model) -> Model:
    """The same network for pictures of twice its height and width.

    Raises InputError for one that cannot take them, such as a network whose last layers need a fixed grid.
    """
    height, width = of_pictures(model, "a mosaic is").input_size
    try:
        return as_model(
            model.network, classes=model.classes, input_size=(2 * height, 2 * width), mean=model.mean, std=model.std,
            card=model.card, channel_order=model.channel_order, task=model.task,
        )  # fmt: skip
    except (InputError, NetworkError) as error:
        raise InputError(
            f"model: it takes no picture of {2 * height} x {2 * width} pixels, which a mosaic of four is; a network that ends "
            f"in a mean over all places, such as resnet20, would be right"
        ) from error


def make_mosaics(pixels: Pixels, labels: NDArray[np.int64], among: NDArray[np.int64], said: Predictions, most: int) -> Mosaics:
    """Mosaics of pictures that the network is sure of, and right about; at most so many, each picture in one at most.

    pixels: uint8 (N, H, W, C), the set. labels: int64 (N,), places of their true classes among the model's; others are left
    out. among: int64 (K,), the positions that may be taken; they are mixed, always in the same way. said: what the network says
    of these K. Raises InputError if there are no four such pictures of different classes.
    """
    true = labels[among]
    groups = _groups(_mixed(true, said), true, most)
    if not groups:
        raise InputError(_too_few(len(among)))
    return _joined(pixels, labels, among[np.array(groups)])


def mosaic_around(
    pixels: Pixels, labels: NDArray[np.int64], among: NDArray[np.int64], said: Predictions, image: int
) -> Mosaics:
    """One mosaic with a picture of your choice at its upper left, and three as in make_mosaics of other classes.

    image: its position in the set, whatever the network says of it. Raises InputError if it has no class, or the others do not
    have three more.
    """
    own, true = int(labels[image]), labels[among]
    if own < 0:
        raise InputError("image: its true class is not known; a picture with a class would be right")
    others: list[int] = []
    for place in _mixed(true, said).tolist():
        if len(others) < QUARTERS - 1 and true[place] not in {own, *true[others].tolist()}:
            others.append(place)
    if len(others) < QUARTERS - 1:
        raise InputError(_too_few(len(among)))
    return _joined(pixels, labels, np.array([[image, *among[others].tolist()]]))


def _mixed(true: NDArray[np.int64], said: Predictions) -> NDArray[np.int64]:
    """The places of the pictures that the network is sure of, and right about, in an order that is always the same."""
    known = np.flatnonzero((said.predicted == true) & (said.confidence >= CONFIDENT))
    return np.random.default_rng(SEED).permutation(known)


def _too_few(count: int) -> str:
    sure = percent(CONFIDENT, 0)
    return (
        f"images: the network is right about too few of these {count:,} with {sure} or more, in four classes; more or other "
        f"images would be right"
    )


def _joined(pixels: Pixels, labels: NDArray[np.int64], images: NDArray[np.int64]) -> Mosaics:
    """The mosaics of pictures at the positions int64 (M, 4) of their set."""
    quarters = np.stack([pixels[column] for column in images.T], axis=1)
    return Mosaics(side_by_side(quarters), images, labels[images])


def side_by_side(quarters: NDArray[Number]) -> NDArray[Number]:
    """Four arrays each, (M, 4, H, W, ...), as one of two by two, row by row: (M, 2 H, 2 W, ...)."""
    upper, lower = (np.concatenate([quarters[:, at], quarters[:, at + 1]], axis=2) for at in (0, 2))
    return np.concatenate([upper, lower], axis=1)


def _groups(order: NDArray[np.int64], true: NDArray[np.int64], most: int) -> list[list[int]]:
    """Groups of four places of different classes: each goes into the first group that lacks its class."""
    open_groups: list[list[int]] = []
    full: list[list[int]] = []
    for place in order.tolist():
        if len(full) == most:
            break
        group = next((one for one in open_groups if true[place] not in true[one]), None)
        if group is None:
            open_groups.append([place])
            continue
        group.append(place)
        if len(group) == QUARTERS:
            open_groups.remove(group)
            full.append(group)
    return full


def quarter_mask(quarter: int, size: tuple[int, int]) -> Mask:
    """The pixels of a quarter, 0 to 3 row by row, of a mosaic of that size (height, width): bool (height, width)."""
    height, width = size[0] // 2, size[1] // 2
    mask = np.zeros(size, dtype=np.bool_)
    top, left = quarter // 2 * height, quarter % 2 * width
    mask[top : top + height, left : left + width] = True
    return read_only(mask)


# Section: maps


@recorded
@remembered(alone=True)
def mosaic_maps(
    model: Model,
    pixels: NDArray[np.uint8],
    classes: NDArray[np.int64],
    quarter: int,
    positions: NDArray[np.int64],
    layers: tuple[str, ...] | None = None,
    placement: Placement = "receptive-field",
    apart: bool = False,
) -> FinderMaps:
    """The map of each finder on mosaics, for the class of one quarter of each: maps float32 (M, R, 2 H, 2 W).

    pixels: uint8 (4 M, H, W, C), the quarters, mosaic by mosaic. classes: int64 (4 M,), their places among the model's.
    quarter: 0 to 3, which is asked for. positions: int64 (M,), fix the random map. layers, placement: as in finder_maps. apart:
    whether only the asked quarter is connected to the score; logits are then its own. Raises the errors of mosaic_model and
    grad_cam.
    """
    quarters, asked = pixels.reshape(-1, QUARTERS, *pixels.shape[1:]), classes.reshape(-1, QUARTERS)
    if apart:
        return apart_maps(model, quarters, asked, positions, layers, placement)[quarter]
    whole, targets = mosaic_model(model), asked[:, quarter].tolist()
    return finder_maps(whole, side_by_side(quarters), positions.tolist(), layers, targets, placement)


def apart_maps(
    model: Model,
    quarters: NDArray[np.uint8],
    classes: NDArray[np.int64],
    positions: NDArray[np.int64],
    layers: tuple[str, ...] | None,
    placement: Placement,
) -> list[FinderMaps]:
    """The maps of M mosaics whose quarters are apart, for each of the four questions.

    quarters: uint8 (M, 4, H, W, C). classes: int64 (M, 4). What a method sees at a layer are the activations of all four
    quarters beside each other, as one grid of twice the height and width, and the gradient of the asked quarter's logit: zero
    in the other three. So a method that weighs each cell by its own gradient has nothing there, and Grad-CAM, whose weights are
    the mean gradient, has. Maps are enlarged quarter by quarter, so that nothing leaks over a border. The paper asks for two
    corners; here all four are asked for.
    """
    count, given = len(quarters), quarters.reshape(-1, *quarters.shape[2:])
    captured = capture_layers(model, given, layers, classes.ravel().tolist())
    logits = captured.logits.cpu().numpy().reshape(count, QUARTERS, -1)
    baselines = baseline_maps(positions.tolist(), (2 * model.input_size[0], 2 * model.input_size[1]))
    return [
        FinderMaps(finders_of(tuple(captured.layers)), np.stack([*found, *baselines], axis=1), logits[:, quarter])
        for quarter in range(QUARTERS)
        for found in [_maps_of_quarter(model, captured.layers, quarter, placement)]
    ]


def _maps_of_quarter(
    model: Model, layers: Mapping[str, LayerCapture], quarter: int, placement: Placement
) -> list[NDArray[np.float32]]:
    """The maps (M, 2 H, 2 W) of every method at every layer, of captures of 4 M quarters."""
    only = torch.zeros(QUARTERS)
    only[quarter] = 1
    beside = {name: _beside(layer, only) for name, layer in layers.items()}
    process, found = PostProcess(model, beside), []
    for name in layers:
        for method in VARIANTS:
            settings = CamSettings(layers=(name,), variant=method, scale_over="none", resize="none")
            parts = _quarters_of(process.heatmaps(settings).numpy())
            enlarged = enlarged_layer(model, name, parts, placement)
            found.append(side_by_side(enlarged.reshape(-1, QUARTERS, *enlarged.shape[1:])))
    return found


def _beside(layer: LayerCapture, only: Tensor) -> LayerCapture:
    """Captures of 4 M quarters as those of M mosaics, with a gradient in one of the quarters alone."""
    activation, gradient = (
        torch.from_numpy(side_by_side(one.cpu().movedim(1, -1).unflatten(0, (-1, QUARTERS)).numpy())).movedim(-1, 1)
        for one in (layer.activation, layer.gradient * only.repeat(len(layer.gradient) // QUARTERS)[:, None, None, None])
    )
    return LayerCapture(activation.contiguous(), gradient.contiguous(), activation, gradient)


def _quarters_of(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (M, 2 h, 2 w) as their quarters, (4 M, h, w), mosaic by mosaic."""
    count, height, width = len(maps), maps.shape[1] // 2, maps.shape[2] // 2
    parts = maps.reshape(count, 2, height, 2, width).swapaxes(2, 3)
    return np.ascontiguousarray(parts).reshape(count * QUARTERS, height, width)


@dataclass(frozen=True, eq=False)
class MosaicRequest(Request[TruthRows]):
    """How much of the maps of K mosaics lies in the quarter of the asked class, the mean over the four quarters of each.

    images: int64 (K,), the positions of the pictures at the upper left. quarters, classes: int64 (K, 4), see Mosaics.images and
    Mosaics.classes. layers, placement: as in finder_maps. apart: see mosaic_maps. Raises InputError as Request and, unless they
    are apart, mosaic_model do, and for quarters or classes that do not fit; LayerError for unknown layers.
    """

    quarters: NDArray[np.int64]
    classes: NDArray[np.int64]
    layers: tuple[str, ...] | None = None
    placement: Placement = "receptive-field"
    apart: bool = False

    per_image: ClassVar[tuple[str, ...]] = ("images", "quarters", "classes")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layers)
        for name, most in (("quarters", len(self.pixels)), ("classes", len(self.model.classes))):
            self._settle(**{name: read_only(_checked(name, getattr(self, name), len(self.images), most))})
        if (self.quarters[:, 0] != self.images).any():
            raise InputError("images: they are not the first of the quarters; the pictures at the upper left would be right")
        if not self.apart:
            mosaic_model(self.model)

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "mosaics", self.quarters.tolist(), self.classes.tolist(), self.layers, self.placement, self.apart

    def compute(self) -> TruthRows:
        values, flat, size = [], [], (2 * self.model.input_size[0], 2 * self.model.input_size[1])
        for quarter, found in enumerate(self._found()):
            mask = np.broadcast_to(quarter_mask(quarter, size), (len(self), *size))
            values.append(measured(found, mask, _MEASURES))
            flat.append(flat_maps(found))
        area = np.full(len(self), 1 / QUARTERS)
        counts = np.ones(len(self), dtype=np.bool_)
        return TruthRows(self.images, _MEASURES, found.finders, counts, area, np.mean(values, axis=0), np.any(flat, axis=0))

    def _found(self) -> Iterator[FinderMaps]:
        """The maps for each of the four questions."""
        quarters = np.stack([self.pixels[column] for column in self.quarters.T], axis=1)
        if self.apart:
            yield from apart_maps(self.model, quarters, self.classes, self.images, self.layers, self.placement)
            return
        model, own = mosaic_model(self.model), side_by_side(quarters)
        for asked in self.classes.T.tolist():
            yield finder_maps(model, own, self.images.tolist(), self.layers, asked, self.placement)


def _checked(name: str, given: NDArray[np.int64], count: int, most: int) -> NDArray[np.int64]:
    found = np.asarray(given)
    if found.shape != (count, QUARTERS) or found.min() < 0 or found.max() >= most:
        raise InputError(f"{name}: shape {found.shape}; ({count}, {QUARTERS}) numbers from 0 to {most - 1} would be right")
    return found.astype(np.int64)
