"""A training in time: its moments, and the map and prediction of each for the picked image."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_layer
from explain_lib.base.errors import ExplainError
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words, percent
from explain_lib.cam.training_time import (
    MapsInTime,
    Moment,
    correlations_with_last,
    maps_in_time,
    training_moments,
    watched_trainings,
)
from explain_lib.passes.targets import class_target


@dataclass(frozen=True)
class Course:
    """A training, seen through one image.

    moments: from the start to the end. scenes: the page's scene with the network of each. layer: where it is hooked. maps: of
    each moment. correlations: of the maps as they are drawn with the last one, NaN where one is constant. place: of the
    moment that is shown.
    """

    moments: tuple[Moment, ...]
    scenes: tuple[Scene, ...]
    layer: str
    maps: MapsInTime
    correlations: NDArray[np.float64]
    place: int

    @property
    def shown(self) -> Moment:
        """The moment that is shown."""
        return self.moments[self.place]

    @property
    def scene(self) -> Scene:
        """The scene of the moment that is shown."""
        return self.scenes[self.place]

    @property
    def end(self) -> Scene:
        """The scene of the last moment."""
        return self.scenes[-1]

    @property
    def true(self) -> int:
        """The true class of the picked image, -1 if it is not known."""
        return int(self.scene.images.labels[self.scene.view.image])

    def values(self, place: int) -> Map:
        """The map of a moment as the view says: with its sign, or above zero only."""
        return np.asarray(_drawn(self.scene, self.maps)[place])

    def probability(self, place: int, index: int) -> float:
        """The probability of a class at a moment."""
        return float(self.scenes[place].probabilities[index])


def _drawn(scene: Scene, maps: MapsInTime) -> NDArray[np.float32]:
    return maps.signed if scene.view.sign == "signed" else maps.map


def place_of(moments: Sequence[Moment], epoch: int | None) -> int | None:
    """The place of the moment after so many epochs, of the last for None; None where there is no checkpoint."""
    if epoch is None:
        return len(moments) - 1
    return next((place for place, moment in enumerate(moments) if moment.epoch == epoch), None)


def chosen_training(scene: Scene) -> str | None:
    """The training of the view's model if its checkpoints were kept, else the first that was; None if there is none."""
    trainings = watched_trainings()
    return scene.view.model if scene.view.model in trainings else next(iter(trainings), None)


def shown_scene(scene: Scene) -> Scene:
    """The scene with the network of the moment that is shown."""
    name = chosen_training(scene)
    if name is None:
        return scene
    moments = training_moments(name)
    place = place_of(moments, scene.view.epoch)
    return seen_by(scene, moments[-1 if place is None else place].model)


def seen_by(scene: Scene, name: str) -> Scene:
    """The scene with a network of a training; with the test images where it cannot see the picked one, of other channels."""
    if scene.cache.model(name).channels == scene.model.channels:
        return scene.with_model(name)
    try:
        made = scene.with_model(name)
        np.asarray(made.seen)  # read now, so that it is said now
        return made
    except ExplainError:
        return scene.with_set(CifarImages(scene.cache)).with_model(name)


def make_course(scene: Scene, moments: tuple[Moment, ...]) -> Course:
    """The training seen through the picked image; the last moment is shown where the view names none that there is."""
    scenes = tuple(seen_by(scene, moment.model) for moment in moments)
    layer = chosen_layer(scene.view, scenes[-1].model)
    models, targets = [one.model for one in scenes], [one.target for one in scenes]
    maps = maps_in_time(models, scenes[-1].seen[None], layer, targets)
    place = place_of(moments, scene.view.epoch)
    correlations = correlations_with_last(_drawn(scene, maps))
    return Course(moments, scenes, layer, maps, correlations, len(moments) - 1 if place is None else place)


# Section: words


def says(course: Course, place: int) -> str:
    """The prediction at a moment: "cat, 51.5 % (right)"."""
    scene = course.scenes[place]
    mark = "right" if scene.predicted == course.true else "wrong"
    marked = f" ({mark})" if course.true >= 0 else ""
    return f"{scene.model.classes[scene.predicted]}, {percent(course.probability(place, scene.predicted))}{marked}"


def course_sentence(course: Course) -> str:
    """The moment that is shown beside the end, in numbers."""
    if course.place == len(course.moments) - 1:
        return _end_sentence(course)
    shown, start, last = course.shown, course.moments[0], course.moments[-1]
    words = correlation_words(float(course.correlations[course.place]))
    epochs = "1 epoch" if shown.epoch == 1 else f"{shown.epoch} epochs"
    way = (shown.accuracy - start.accuracy) / (last.accuracy - start.accuracy) if last.accuracy != start.accuracy else 1.0
    return (
        f"After {epochs} of {last.epoch} the map's correlation with the final one is {words}, while the network "
        f"gets {percent(shown.accuracy)} of all test images right: {percent(way, 0)} of the way from {percent(start.accuracy)} "
        f"at the start to {percent(last.accuracy)} at the end. {_questions(course, course.place)}"
    )


def _end_sentence(course: Course) -> str:
    """The end of the training: which earlier map was most like it."""
    earlier = [(float(value), place) for place, value in enumerate(course.correlations[:-1]) if not isnan(value)]
    right = f"At the end, after {course.shown.epoch} epochs, the network gets {percent(course.shown.accuracy)} right."
    if not earlier:
        return f"{right} No earlier map can be compared with its map: one of the two is the same everywhere."
    value, place = max(earlier)
    return (
        f"{right} Of the earlier maps of this image, that of epoch {course.moments[place].epoch} is most like the final one: "
        f"correlation {correlation_words(value)}. {_questions(course, place)}"
    )


def _questions(course: Course, place: int) -> str:
    """Whether the map of that moment and the final one answer the same question."""
    shown, final = (class_target(course.maps.targets[one]) for one in (place, -1))
    classes = course.scene.model.classes
    if shown == final:
        return f"Both maps explain {classes[final.index]}."
    return (
        f"The two maps explain different classes, {classes[shown.index]} and {classes[final.index]}, each the one that its "
        "network predicts: part of what differs is the question."
    )
