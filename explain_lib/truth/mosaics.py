"""Mosaics of four pictures: how much of a map lies in the quarter that shows the asked class.

The grid pointing game of Böhle et al. 2021 (arXiv 2104.00032, section 4), as Rao et al. 2022, "Towards Better Understanding
Attribution Methods" (arXiv 2205.10435, section 3.1), measure it for Grad-CAM and its kin: each quarter is a picture that the
network knows by itself, and each of the four classes is asked for in turn. A map that does not depend on the question gets
exactly a quarter.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError, NetworkError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.words import percent
from explain_lib.cam.settings import Placement
from explain_lib.networks.making import as_model
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.predictions import Predictions
from explain_lib.networks.requests import Request
from explain_lib.pictures.sets import Pixels
from explain_lib.truth.finders import TruthRows, finder_maps, flat_maps, measured
from explain_lib.truth.localisation import Mask, TruthMeasure

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


@lru_cache(maxsize=4)
def mosaic_model(model: Model) -> Model:
    """The same network for pictures of twice its height and width.

    Raises InputError for one that cannot take them, such as a network whose last layers need a fixed grid.
    """
    height, width = check_model(model).input_size
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
    quarters = [pixels[column] for column in images.T]
    upper, lower = (np.concatenate(quarters[at : at + 2], axis=2) for at in (0, 2))
    return Mosaics(np.concatenate([upper, lower], axis=1), images, labels[images])


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


@dataclass(frozen=True, eq=False)
class MosaicRequest(Request[TruthRows]):
    """How much of the maps of K mosaics lies in the quarter of the asked class, the mean over the four quarters of each.

    model: see mosaic_model. pixels, images: mosaics, and positions among them. classes: int64 (K, 4), see Mosaics. layers,
    placement: as in finder_maps. Raises InputError as Request does, and for classes that do not fit; LayerError for unknown
    layers.
    """

    classes: NDArray[np.int64]
    layers: tuple[str, ...] | None = None
    placement: Placement = "receptive-field"

    per_image: ClassVar[tuple[str, ...]] = ("images", "classes")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layers)
        found = np.asarray(self.classes)
        if found.shape != (len(self.images), QUARTERS) or found.min() < 0 or found.max() >= len(self.model.classes):
            raise InputError(
                f"classes: shape {found.shape}; ({len(self.images)}, {QUARTERS}) places of the model's classes would be right"
            )
        self._settle(classes=read_only(found.astype(np.int64)))

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "mosaics", self.classes.tolist(), self.layers, self.placement

    def compute(self) -> TruthRows:
        own, count = self.pixels[self.images], len(self)
        values, flat = [], []
        for quarter in range(QUARTERS):
            asked = self.classes[:, quarter].tolist()
            found = finder_maps(self.model, own, self.images.tolist(), self.layers, asked, self.placement)
            mask = np.broadcast_to(quarter_mask(quarter, self.model.input_size), (count, *self.model.input_size))
            values.append(measured(found, mask, _MEASURES))
            flat.append(flat_maps(found))
        area = np.full(count, 1 / QUARTERS)
        counts = np.ones(count, dtype=np.bool_)
        mean = np.mean(values, axis=0)
        return TruthRows(self.images, _MEASURES, found.finders, counts, area, mean, np.any(flat, axis=0))
