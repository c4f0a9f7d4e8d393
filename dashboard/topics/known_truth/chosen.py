"""What is known of the picked picture: the place that a map must find, the maps of all finders, and what the network says."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dashboard.view.picture_sets import FolderImages
from dashboard.view.scene import Scene
from dashboard.view.view import Finds
from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.networks.predictions import Predictions, predict
from explain_lib.networks.task_words import value_words
from explain_lib.passes.tasks import predicted_of, segments
from explain_lib.pictures.folder import ImageFolder
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.sets import Pixels
from explain_lib.truth.finders import Finder, FinderMaps
from explain_lib.truth.localisation import MEASURES, Mask
from explain_lib.truth.mosaics import Mosaics, mosaic_around, mosaic_maps, mosaic_model, quarter_mask
from explain_lib.truth.own_places import OwnPlaces, object_maps
from explain_lib.truth.secret import MARKED, marked_pictures
from explain_lib.truth.summary import Place

SURE_AMONG = 500
"""The pictures of a mosaic around the picked one are among so many of the set."""


@dataclass(frozen=True)
class KnownPicture:
    """The picked picture with a place that is known.

    picture: uint8 (H, W, 3), as it is shown. mask: bool (H, W). asked: the class that all maps explain. found: of this one
    picture. says: what the network says of it; before: of the picture without the mark, empty for other places. mosaic: None
    but for a mosaic; quarter: which of its four is asked for.
    """

    scene: Scene
    place: Place
    picture: Picture
    mask: Mask
    asked: str
    found: FinderMaps
    says: str
    before: str = ""
    mosaic: Mosaics | None = None
    quarter: int = 0

    @property
    def finder(self) -> Finder:
        """The chosen method at the chosen layer."""
        return Finder(self.scene.layer, self.scene.view.method)

    def map_of(self, finder: Finder) -> Map:
        """The map of a finder, float32 (H, W)."""
        return np.asarray(self.found.map_of(finder)[0])

    def value(self, finder: Finder, measure: Finds) -> float:
        """How well the finder finds the place in this picture."""
        return float(MEASURES[measure](self.found.map_of(finder), self.mask[None])[0])

    @property
    def area(self) -> float:
        """The share of the picture that the place covers, in [0, 1]."""
        return float(self.mask.mean())


def known_picture(scene: Scene) -> KnownPicture:
    """What is known of the picked picture. Raises InputError, with the remedy, where no place is known."""
    match scene.view.known:
        case "mark":
            return _marked(scene)
        case "quarter" | "apart":
            return _mosaic(scene)
        case "object":
            return _object(scene)


def _marked(scene: Scene) -> KnownPicture:
    position = np.array([scene.view.image])
    marked = marked_pictures(scene.model, scene.seen[None], position, scene.offered_layers, scene.view.placement)
    picture = scene.shown(marked.pixels[0])
    says, before = (said(scene, values[0]) for values in (marked.after, marked.before))
    return KnownPicture(scene, "mark", picture, marked.masks[0], MARKED, marked.found, says, before)


def _mosaic(scene: Scene) -> KnownPicture:
    if segments(scene.model.task):
        raise InputError(
            "model: it predicts a class for each place, so a mosaic has one in each quarter; a network with one class for the "
            "whole picture would be right"
        )
    if scene.model.task == "detection":
        raise InputError(
            "model: it detects, so each quarter of a mosaic has boxes of its own; a network with one class for the whole "
            "picture would be right"
        )
    place, apart = scene.view.known, scene.view.known == "apart"
    if not apart:
        mosaic_model(scene.model)
    pixels, labels = scene.images.pixels, scene.images.labels
    among = np.arange(min(SURE_AMONG, len(labels)))
    mosaic = mosaic_around(pixels, labels, among, predictions_of(scene, pixels, among), scene.view.image)
    classes = mosaic.classes[0].tolist()
    quarter = classes.index(scene.view.target) if scene.view.target in classes else 0
    quarters, position = pixels[mosaic.images[0]], mosaic.images[0, :1]
    found = mosaic_maps(
        scene.model, quarters, mosaic.classes[0], quarter, position, scene.offered_layers, scene.view.placement, apart
    )
    picture = scene.shown(mosaic.pixels[0])
    mask = quarter_mask(quarter, (picture.shape[0], picture.shape[1]))
    probabilities = Predictions(found.logits, scene.model.task).probabilities[0]
    asked = scene.model.classes[classes[quarter]]
    return KnownPicture(scene, place, picture, mask, asked, found, said(scene, probabilities), mosaic=mosaic, quarter=quarter)


def _object(scene: Scene) -> KnownPicture:
    mask = own_places(scene).mask(scene.view.image, scene.picture_set.intake(scene.model))
    if not mask.any():
        raise InputError(
            f"image: the marked object of {scene.name} is cut off; another picture, or another fit, would be right"
        )
    label = int(scene.images.labels[scene.view.image])
    known = 0 <= label < len(scene.model.classes) and scene.view.target is None
    index = label if known else scene.target.index
    position, layers = np.array([scene.view.image]), scene.offered_layers
    found = object_maps(scene.model, scene.seen[None], position, layers, index, scene.view.placement)
    says = said(scene, scene.probabilities)
    return KnownPicture(scene, "object", scene.picture, mask, scene.model.classes[index], found, says)


def own_places(scene: Scene) -> OwnPlaces:
    """The places that the set of the view knows. Raises InputError for a set without any, DataError for a wrong list."""
    if not isinstance(scene.picture_set, FolderImages):
        raise InputError(
            f"images: there are no masks for {scene.picture_set.title}; a folder with a subfolder masks or a list boxes.csv "
            f"would be right"
        )
    return _places(scene.picture_set.folder)


@lru_cache(maxsize=1)
def _places(folder: ImageFolder) -> OwnPlaces:
    """Once for all: the list of boxes is read once."""
    return OwnPlaces(folder)


def predictions_of(scene: Scene, pixels: Pixels, among: NDArray[np.int64]) -> Predictions:
    """What the network says of the pictures at these positions of the set; it is asked where it was not before."""
    if isinstance(scene.predictions, Predictions):
        return Predictions(scene.predictions.logits[among], scene.model.task)
    return predict(scene.model, pixels[among])


def said(scene: Scene, values: NDArray[np.float32]) -> str:
    """The class that is predicted by these probabilities, float32 (classes,), with its own."""
    model = scene.model
    index = int(predicted_of(values, model.task))
    return f"{model.classes[index]} {value_words(float(values[index]), model.task, unit=model.unit)}"
