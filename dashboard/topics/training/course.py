"""A training in time: its moments, and the map and prediction of each for the picked image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.captions import outcome_mark
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_layer
from explain_lib.base.errors import ExplainError
from explain_lib.base.maps import Map
from explain_lib.base.statistics import rank_correlations
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
    """A training, seen through one image and one class.

    moments: from the start to the end. scenes: the page's scene with the network of each. layer: where it is hooked. maps: of
    each moment. correlations: of the maps as they are drawn with the last one, NaN where one is constant. place: of the
    moment that is shown. other: the maps of the class that is compared with, if any.
    """

    moments: tuple[Moment, ...]
    scenes: tuple[Scene, ...]
    layer: str
    maps: MapsInTime
    correlations: NDArray[np.float64]
    place: int
    other: MapsInTime | None = None

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

    @property
    def explained(self) -> str:
        """The class that the maps of all moments explain."""
        return self.scene.model.classes[class_target(self.maps.targets[-1]).index]

    @property
    def compared(self) -> str | None:
        """The class that it is compared with."""
        return None if self.other is None else self.scene.model.classes[class_target(self.other.targets[-1]).index]

    def values(self, place: int) -> Map:
        """The map of a moment as the view says: with its sign, or above zero only."""
        return np.asarray(_drawn(self.scene, self.maps)[place])

    def other_values(self, place: int) -> Map:
        """That of the class that is compared with."""
        assert self.other is not None
        return np.asarray(_drawn(self.scene, self.other)[place])

    @property
    def every_map(self) -> list[Map]:
        """The maps of all moments, of both classes if there are two."""
        both = [self.maps] if self.other is None else [self.maps, self.other]
        return [np.asarray(values) for maps in both for values in _drawn(self.scene, maps)]

    @property
    def likeness(self) -> NDArray[np.float64]:
        """Spearman correlation of both classes' maps at each moment, NaN where one is constant; none without another class."""
        if self.other is None:
            return np.zeros(0)
        return rank_correlations(_drawn(self.scene, self.maps), _drawn(self.scene, self.other))

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
    end = seen_by(scene, moments[-1].model)
    return _explaining(seen_by(scene, moments[-1 if place is None else place].model), end.predicted)


def _explaining(scene: Scene, final: int) -> Scene:
    """The scene of a moment that explains this class where the view names none, on a scale that all moments have in common."""
    return replace(scene, final=final, view=replace(scene.view, scale=scene.view.scale or "strip"))


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
    seen = [seen_by(scene, moment.model) for moment in moments]
    scenes = tuple(_explaining(one, seen[-1].predicted) for one in seen)
    layer = chosen_layer(scene.view, scenes[-1].model)
    models, targets = [one.model for one in scenes], [one.target for one in scenes]
    maps = maps_in_time(models, scenes[-1].seen[None], layer, targets)
    second = other_class(scenes[-1])
    other = None if second is None else maps_in_time(models, scenes[-1].seen[None], layer, [second] * len(models))
    place = place_of(moments, scene.view.epoch)
    correlations = correlations_with_last(_drawn(scene, maps))
    return Course(moments, scenes, layer, maps, correlations, len(moments) - 1 if place is None else place, other)


def other_class(scene: Scene) -> xl.Target | None:
    """The class that is compared with, in the score that the view explains; None for the explained one itself."""
    target, index = scene.target, scene.view.other_target
    if index is None or index == target.index:
        return None
    return replace(target, index=index, minus=None if target.minus == index else target.minus, plus=())


# Section: words


def says(course: Course, place: int) -> str:
    """The prediction at a moment: "cat, 51.5 % ✓"."""
    scene = course.scenes[place]
    marked = f" {outcome_mark(scene.predicted == course.true)}" if course.true >= 0 else ""
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
        return f"{right} No earlier map can be compared with the final one: one of the two is the same everywhere."
    value, place = max(earlier)
    return (
        f"{right} Of the earlier maps of this image, that of epoch {course.moments[place].epoch} is most like the final one: "
        f"correlation {correlation_words(value)}. {_questions(course, place)}"
    )


def _questions(course: Course, place: int) -> str:
    """What both maps explain, and how like they are to those of the class that is compared with."""
    name = course.explained
    words = f"Both maps explain {name}."
    if course.other is None:
        return words
    then, end = (correlation_words(float(course.likeness[one])) for one in (place, -1))
    after = course.moments[place].epoch
    return (
        f"{words} Those of {name} and {course.compared} have a correlation of {then} with each other after "
        f"{'1 epoch' if after == 1 else f'{after} epochs'}, and of {end} at the end."
    )
