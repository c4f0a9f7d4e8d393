"""The layer ladder: faithfulness of the maps of every layer beside baselines that never look at the network, image by image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.words import list_names
from explain_lib.cam.package_grad_cam import addressable_layers
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.requests import HasImages, Request, join_rows
from explain_lib.passes.targets import OneTarget
from explain_lib.pictures.pixels import check_positions
from explain_lib.pictures.sets import Pixels
from explain_lib.trust.by_row import is_large, measure_by_row
from explain_lib.trust.faithfulness import ASKED_PER_ORDER, removal_curves
from explain_lib.trust.rungs import (
    AVERAGE,
    BASELINES,
    CENTRE,
    EDGES,
    OPINIONS,
    RANDOM,
    Kind,
    LadderCurves,
    LadderMaps,
    LadderRows,
    Rung,
    about_maps,
    explained_targets,
    ladder_maps,
    marked_target,
    opinion_maps,
    orders_of,
    others_at,
    with_curves,
    with_opinions,
)
from explain_lib.trust.single_deletion import ASKED_PER_IMAGE, Changes, patch_changes

__all__ = [
    "ASKED_PER_IMAGE",
    "ASKED_PER_ROW",
    "AVERAGE",
    "BASELINES",
    "CENTRE",
    "EDGES",
    "OPINIONS",
    "RANDOM",
    "CurvesRequest",
    "Kind",
    "LadderCurves",
    "LadderRequest",
    "LadderRows",
    "Rung",
    "join_ladder_rows",
    "ladder_curves",
    "layer_ladder",
]

Found = TypeVar("Found", bound=HasImages)
ORDERS_AT_ONCE = 128
"""Rungs times images of a batch: some seconds of work between two reports of progress."""


@recorded
def ladder_curves(
    model: Model,
    pixels: Pixels,
    image: int,
    layers: Sequence[str] | None = None,
    target: OneTarget | None = None,
    opinions: str | None = None,
) -> LadderCurves:
    """The rows, maps and curves of one image of a set; see layer_ladder.

    opinions: the name of the layer of the other methods, None for no such rows. The part without other methods is kept by
    itself, so that another layer needs only those.
    """
    images = check_positions([image], len(of_pictures(model, "the ladder is").check_set(pixels)))
    own = pixels[images]
    if is_large(model):
        return measure_by_row(model, own, images, layers, target, opinions)
    base = _layer_curves(model, own, images, layers, target)
    return base if opinions is None else with_opinions(base, _opinion_curves(model, own, base, target, opinions))


@remembered(alone=True)
def _layer_curves(
    model: Model, own: NDArray[np.uint8], images: NDArray[np.int64], layers: Sequence[str] | None, target: OneTarget | None
) -> LadderCurves:
    """The curves without other methods. own: the pictures at these positions of their set."""
    return _measured(model, own, images, ladder_maps(model, own, images, layers, target), target)


@remembered(alone=True)
def _opinion_curves(
    model: Model, own: NDArray[np.uint8], base: LadderCurves, target: OneTarget | None, asked_at: str
) -> LadderCurves:
    """The rows, maps and curves of the package's other methods alone, on the images of a ladder without them."""
    return _measured(model, own, base.images, opinion_maps(model, own, base.maps, target, asked_at), target, base.changes)


def _measured(
    model: Model,
    own: NDArray[np.uint8],
    images: NDArray[np.int64],
    found: LadderMaps,
    target: OneTarget | None,
    changes: Changes | None = None,
) -> LadderCurves:
    """The rows and curves of removing pixels in the order of these maps. changes: those of patch_changes, where known."""
    targets, batch = explained_targets(model, own, found, target), model.to_input(own)
    if changes is None:
        changes = patch_changes(model, batch, targets, images)
    curves = removal_curves(model, batch, orders_of(found.maps), targets, images)
    return with_curves(images, found, about_maps(own, found.maps), curves, changes)


# Section: requests


@dataclass(frozen=True, eq=False)
class _LadderQuestion(Request[Found]):
    """The fields of a request for a ladder, whatever its rows.

    layers: names, or None for every conv layer, replaced by their names. opinions: the name of the layer of other methods and
    placements, None for no such rows. The other fields, and the errors, are those of layer_ladder.
    """

    layers: tuple[str, ...] | None = None
    target: OneTarget | None = None
    opinions: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle(layers=tuple(layer.name for layer in self.model.find_layers(self.layers)))
        self._settle(target=marked_target(self.model, self.target))
        if self.opinions is not None:
            addressable_layers(self.model, self.opinions, "the package")

    @property
    def rungs(self) -> int:
        """How many rows an image has."""
        return len(self.layers or ()) + 1 + len(BASELINES) + len(others_at(self.model, self.opinions))

    @property
    def explained(self) -> OneTarget | None:
        return self.target

    @property
    def batch_size(self) -> int:
        return 1 if is_large(self.model) else max(1, ORDERS_AT_ONCE // self.rungs)

    @property
    def asked(self) -> tuple[object, ...]:
        return "ladder", self.layers or (), self.target, self.opinions, self.batch_size


@dataclass(frozen=True, eq=False)
class LadderRequest(_LadderQuestion[LadderRows]):
    """A ladder over K images of a set; see layer_ladder."""

    def compute(self) -> LadderRows:
        if is_large(self.model):
            return self.join([self._large(place) for place in range(len(self))])
        own = self.pixels[self.images]
        found = ladder_maps(self.model, own, self.images, self.layers, self.target, self.opinions)
        return _measured(self.model, own, self.images, found, self.target).rows

    def _large(self, place: int) -> LadderRows:
        """The rows of one image, measured row by row."""
        image = self.images[place : place + 1]
        asked = self.model, self.pixels[image], image, self.layers, self.target, self.opinions
        return measure_by_row(*asked, shown=lambda found: found.rows).rows


ASKED_PER_ROW = ASKED_PER_ORDER
"""Pictures through the network for each row; ASKED_PER_IMAGE for all of them together."""


@dataclass(frozen=True, eq=False)
class CurvesRequest(_LadderQuestion[LadderCurves]):
    """The ladder of one image, with maps and curves. Raises InputError for a request of more images, or of none.

    first: the layer whose row of a large picture is measured before the others, None for the usual order; it changes no row.
    """

    keeps_parts: ClassVar[bool] = True

    first: str | None = None

    def __post_init__(self) -> None:
        if len(self.images) != 1:
            raise InputError(f"images: {len(self.images)} of them; one would be right")
        super().__post_init__()

    @property
    def asked(self) -> tuple[object, ...]:
        return "curves", *super().asked

    def compute(self) -> LadderCurves:
        if is_large(self.model):
            own = self.pixels[self.images]
            return measure_by_row(self.model, own, self.images, self.layers, self.target, self.opinions, first=self.first)
        return ladder_curves(self.model, self.pixels, int(self.images[0]), self.layers, self.target, self.opinions)


def layer_ladder(
    model: Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    layers: str | Sequence[str] | None = None,
    target: OneTarget | None = None,
    opinions: str | None = None,
) -> Iterator[LadderRows]:
    """Measure every layer, the average of all, and the baselines on images of a set; gives rows batch by batch, without
    pictures that cannot be read.

    pixels: uint8 (N, H, W, C), the whole set. images: positions in it. layers: names, None for every conv layer. target: the
    class that is explained in every image, None for the predicted one; or a Target, such as one of several labels, or a
    function from the output of one picture to a number, both as in grad_cam and measured as explained_values says. opinions:
    the name of a layer at which the package's HiResCAM, LayerCAM and Grad-CAM++ get a row each, and Grad-CAM and HiResCAM by
    hand another with each cell where it looks, if the network says where that is; None for no such rows.

    Raises InputError for other pixels and positions, and the errors of grad_cam and package_grad_cam.
    """
    names = None if layers is None else list_names(layers)
    return LadderRequest(model, pixels, np.asarray(images), names, target, opinions).rows()


def join_ladder_rows(parts: Sequence[LadderRows]) -> LadderRows:
    """The rows of several parts of one ladder, in their order. Raises InputError for parts of different ladders, or no part."""
    return join_rows(parts, "ladder")
