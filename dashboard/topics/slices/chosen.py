"""The pictures that are cut into slices: those of a class or all, some of them marked, and the request for their maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.view.scene import Scene
from dashboard.view.view import CIFAR10
from explain_lib.audit.slices import LEAST_MAPS, SliceRequest
from explain_lib.base.errors import InputError
from explain_lib.base.words import counted
from explain_lib.networks import watermark
from explain_lib.passes.tasks import is_by_place
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.selection import spread_images


@dataclass(frozen=True)
class Chosen:
    """What is cut into slices.

    request: for the maps. labels: int64 (N,), the true classes of the set, -1 for none. marked: bool (N,), the pictures of the
    set that carry the mark.
    """

    request: SliceRequest
    labels: NDArray[np.int64]
    marked: NDArray[np.bool_]

    def picture(self, image: int) -> Picture:
        """A picture of the set as the network sees it, uint8 (H, W, C), with its mark if it has one."""
        return np.asarray(self.request.pixels[image])


def chosen_pictures(scene: Scene) -> Chosen:
    """What the view asks for. Raises InputError for fewer than 30 pictures."""
    around, view = scene.of_set(), scene.view
    every, labels = around.images, around.images.labels
    of_class = np.arange(len(labels)) if view.true_class is None else np.flatnonzero(labels == view.true_class)
    if len(of_class) < LEAST_MAPS:
        name = "any class" if view.true_class is None else f"class {every.classes[view.true_class]}"
        raise InputError(f"images: {counted(len(of_class), 'picture')} of {name}; at least {LEAST_MAPS} would be right")
    count = min(max(view.sample, LEAST_MAPS), len(of_class))
    first = around.picture_set.address == CIFAR10  # test images are in no order, folders in that of their classes
    images = of_class[np.arange(count) if first else spread_images(count, len(of_class))]
    target = view.true_class if view.true_class is not None and view.true_class < len(scene.model.classes) else None
    marked = marked_ones(scene, labels)
    if is_by_place(scene.model.task):  # right or wrong place by place, and a class need not be predicted in each picture
        target, labels = None, np.full_like(labels, -1)
    pixels = watermark.MarkedPixels(every.pixels, marked) if marked.any() else every.pixels
    return Chosen(SliceRequest(scene.model, pixels, images, scene.layer, target, view.method), labels, marked)


def can_be_marked(scene: Scene) -> bool:
    """Whether the network goes by the mark, and the pictures are those that it may be planted on."""
    return scene.view.model == watermark.NAME and scene.of_set().picture_set.address == CIFAR10


def marked_ones(scene: Scene, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Every second picture of the marked class, bool (N,), where the view asks for it."""
    planted = scene.view.planted and can_be_marked(scene)
    return watermark.every_second(labels) if planted else np.zeros(len(labels), dtype=bool)
