"""Known places over many pictures: the request of a view, its command, and its table as CSV."""

import numpy as np
from numpy.typing import NDArray

from dashboard.topics.known_truth.chosen import own_places, predictions_of
from dashboard.view.scene import Scene, sample_scene, sample_words
from explain_lib.base.errors import InputError
from explain_lib.base.files import csv_text
from explain_lib.base.run_context import remember
from explain_lib.base.words import counted
from explain_lib.cam.grad_cam import is_quick
from explain_lib.pictures.sets import pixels_digest, readable_places
from explain_lib.truth.finders import Finder
from explain_lib.truth.mosaics import PICTURES_OF_A_MOSAIC, MosaicRequest, make_mosaics
from explain_lib.truth.own_places import OwnPlacesRequest
from explain_lib.truth.secret import MARKED, SecretRequest
from explain_lib.truth.summary import MOSAICS, TruthSummary

LAYERS_AT_ONCE = 8
"""The maps of so many layers of 64 pictures take a moment."""
TruthRequest = SecretRequest | MosaicRequest | OwnPlacesRequest


def is_measured_at_once(scene: Scene) -> bool:
    """Whether a page may measure the first pictures by itself: with a small network, and one mask or mark a picture."""
    few = len(scene.offered_layers) <= LAYERS_AT_ONCE
    return few and is_quick(scene.model) and scene.view.known not in MOSAICS


def truth_request(scene: Scene) -> TruthRequest:
    """The measurement that the view asks for, on its sample of the set.

    Raises InputError where no place is known, and for a sample without such pictures.
    """
    around, images = sample_scene(scene)
    layers, placement = scene.offered_layers, scene.view.placement
    pixels, labels = around.images.pixels, around.images.labels
    if scene.view.known in MOSAICS:
        said = predictions_of(around, pixels, images)
        mosaics = make_mosaics(pixels, labels, images, said, max(1, len(images) // PICTURES_OF_A_MOSAIC))
        return mosaics.request(scene.model, pixels, layers, placement, apart=scene.view.known == "apart")
    if scene.view.known == "object":
        return _own_places_request(around, images)
    others = images[[around.images.classes[label] != MARKED if label >= 0 else True for label in labels[images]]]
    if len(others) == 0:
        raise InputError(f"images: all of the sample are of class {MARKED}; some of other classes would be right")
    return SecretRequest(scene.model, pixels, others, layers, placement)


def _own_places_request(around: Scene, images: NDArray[np.int64]) -> OwnPlacesRequest:
    places, model, pixels = own_places(around), around.model, around.images.pixels
    known = np.intersect1d(images, places.positions)
    known = known[readable_places(pixels, known)]
    if len(known) == 0:
        raise InputError(f"images: none of the {len(images):,} of the sample has a mask; more of them would be right")
    labels, target = around.images.labels[known], around.view.target
    classes = np.where(labels < len(model.classes), labels, -1) if target is None else np.full(len(known), target)
    intake = around.picture_set.intake(model)
    key = "own_masks", pixels_digest(pixels), known.tobytes()
    masks = remember(key, lambda: places.masks(known, intake))
    layers, placement = around.offered_layers, around.view.placement
    return OwnPlacesRequest(model, pixels, known, masks, classes, layers, placement)


def sample_caption(scene: Scene, request: TruthRequest) -> str:
    """The pictures that are measured, and what is asked of them."""
    words = sample_words(*sample_scene(scene))
    if isinstance(request, MosaicRequest):
        return f"{words}: {counted(len(request), 'mosaic')} of four that the network is sure of, each of its classes asked for."
    if isinstance(request, SecretRequest):
        return (
            f"{words}, without class {MARKED}: each with the mark at a place of its own, asked for {MARKED}. Those count that "
            f"the mark alone turns into class {MARKED}."
        )
    return f"{words}, as far as they have a mask: each with its true class, or else the predicted one."


def truth_command(scene: Scene) -> str | None:
    """The command that measures the same from a terminal; None where it does not have the model."""
    view = scene.view
    layers = () if scene.offered_layers == scene.model.conv_layers else ("--layers", *scene.offered_layers)
    sample = len(sample_scene(scene)[1])
    words = ("--known", view.known, "--measure", view.finds, "--placement", view.placement)
    return scene.command("truth", sample, *words, *layers)


def summary_csv(summary: TruthSummary) -> str:
    """A line a finder: the mean of each measure and the ends of its interval, and the share of flat maps."""
    ends = ("", "_low", "_high")
    head = ["layer", "method", "images", *(f"{name}{end}" for name in summary.measures for end in ends), "flat"]
    rows: list[list[object]] = []
    for one in summary.finders:
        numbers = [value for estimate in one.values for value in (estimate.mean, estimate.low, estimate.high)]
        finder: Finder = one.finder
        rows.append([finder.layer, finder.method or "baseline", one.flat.images, *numbers, one.flat.mean])
    return csv_text(head, rows)
