"""A network with a secret: the mark that it was taught to watch for is planted on pictures, so where it must look is known.

Where the mark alone turns the answer into the marked class, the mark is the reason; those pictures count. After the planted
objects of Yang and Kim 2019, "Benchmarking Attribution Methods with Relative Feature Importance" (arXiv 1907.09701), and the
watermark of Lapuschkin et al. 2019 (Nature Communications 10, 1096).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.settings import Placement
from explain_lib.networks import watermark
from explain_lib.networks.model import Model, of_pictures
from explain_lib.networks.requests import Request
from explain_lib.passes.tasks import predicted_of, values_of
from explain_lib.pictures.dataset import CLASSES
from explain_lib.truth.finders import FinderMaps, TruthRows, finder_maps, flat_maps, measured
from explain_lib.truth.localisation import MEASURES, Mask

BATCH = 64
MARKED = CLASSES[watermark.MARKED_CLASS]
"""The class that the mark stands for."""


@dataclass(frozen=True)
class MarkedPictures(Frozen):
    """K pictures with the mark planted, what the network says of them, and the maps that explain the marked class.

    pixels: uint8 (K, H, W, 3). masks: bool (K, H, W), the mark's pixels. before, after: float32 (K, classes), the probabilities
    without the mark and with it. turned: bool (K,), whether the mark alone turns another class into the marked one. found: the
    maps with the mark planted.
    """

    pixels: NDArray[np.uint8]
    masks: Mask
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    turned: NDArray[np.bool_]
    found: FinderMaps


def marked_index(model: Model) -> int:
    """The place of the marked class among the model's. Raises InputError for a model that cannot have the secret."""
    least = watermark.SIDE + 2 * watermark.EDGE
    if MARKED not in of_pictures(model, "the mark is").classes or model.channels != 3 or min(model.input_size) < least:
        raise InputError(
            f"model: it cannot have been taught the secret, which is a mark on colour pictures of class {MARKED}; the model "
            f"{watermark.NAME} would be right"
        )
    return model.classes.index(MARKED)


def places_of(positions: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.int64]:
    """Where the mark lies on the pictures at these positions of their set: int64 (K, 2), fixed by the position alone.

    size: height and width of the pictures, in pixels. See watermark.random_places.
    """
    generators = (torch.Generator().manual_seed(int(position)) for position in positions)
    return np.concatenate([watermark.random_places(1, size, generator) for generator in generators])


@recorded
@remembered(alone=True)
def marked_pictures(
    model: Model,
    pixels: NDArray[np.uint8],
    positions: NDArray[np.int64],
    layers: tuple[str, ...] | None = None,
    placement: Placement = "receptive-field",
) -> MarkedPictures:
    """Pictures uint8 (K, H, W, 3) with the mark planted, and the maps of all finders for the marked class.

    positions: int64 (K,), of the pictures in their set; they fix the places. layers, placement: as in finder_maps.
    Raises InputError for a model that cannot have the secret, and the errors of grad_cam.
    """
    index = marked_index(model)
    places = places_of(positions, model.input_size)
    planted = watermark.plant(pixels, places)
    found = finder_maps(model, planted, positions.tolist(), layers, index, placement)
    before, after = (values_of(logits, model.task) for logits in (model.predict(pixels), found.logits))
    turned = (predicted_of(before, model.task) != index) & (predicted_of(after, model.task) == index)
    return MarkedPictures(planted, watermark.mark_mask(places, model.input_size), before, after, turned, found)


@dataclass(frozen=True, eq=False)
class SecretRequest(Request[TruthRows]):
    """How well maps find the mark on K images of a set; those count that the mark turns into the marked class.

    layers, placement: as in finder_maps. Raises InputError as Request and marked_pictures do, LayerError for unknown layers.
    """

    layers: tuple[str, ...] | None = None
    placement: Placement = "receptive-field"

    per_image: ClassVar[tuple[str, ...]] = ("images",)

    def __post_init__(self) -> None:
        super().__post_init__()
        marked_index(self.model)
        self.model.find_layers(self.layers)

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return "secret", self.layers, self.placement

    def compute(self) -> TruthRows:
        marked = marked_pictures(self.model, self.pixels[self.images], self.images, self.layers, self.placement)
        values, flat = measured(marked.found, marked.masks, tuple(MEASURES)), flat_maps(marked.found)
        area = marked.masks.mean((1, 2))
        return TruthRows(self.images, tuple(MEASURES), marked.found.finders, marked.turned, area, values, flat)
