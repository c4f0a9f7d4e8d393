"""Numbers in the answers of lessons, and those of the picture and of the network's prediction for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

import explain_lib as xl
from dashboard.view.scene import Scene


@dataclass(frozen=True)
class Number:
    """A placeholder: its meaning in one line, and its words for a scene; `of` raises ExplainError where there is no number.

    unit: what the number is in, "%" or empty; None where the words are no number.
    """

    meaning: str
    of: Callable[[Scene], str]
    unit: str | None = ""


def _true_class(scene: Scene) -> str:
    name = scene.true_class(scene.view.image)
    if name is None:
        raise xl.InputError("image: its true class is unknown; a picture with a class would be right")
    return name


def _outcome(scene: Scene) -> str:
    return "right" if _true_class(scene) == scene.model.classes[scene.predicted] else "wrong"


def second_class(scene: Scene) -> int:
    """The class that comes after the likeliest one. Raises InputError for a model with one class."""
    if len(scene.model.classes) < 2:
        raise xl.InputError("model: it has only one class; a model with two or more would be right")
    return int(np.argsort(-scene.probabilities, kind="stable")[1])


def _probability(scene: Scene, index: int) -> str:
    return scene.value(index)


PICTURES: Mapping[str, Number] = {
    "image.name": Number("the picture in the middle of a sentence: image 3", lambda scene: scene.name, unit=None),
    "image.true_class": Number("the class that the picture shows", _true_class, unit=None),
    "model.name": Number("the network's name", lambda scene: scene.view.model, unit=None),
    "predicted.class": Number("the likeliest class", lambda scene: scene.model.classes[scene.predicted], unit=None),
    "predicted.probability": Number("its probability", lambda scene: _probability(scene, scene.predicted), unit="%"),
    "predicted.outcome": Number("right or wrong", _outcome, unit=None),
    "predicted.second_class": Number(
        "the next likeliest class", lambda scene: scene.model.classes[second_class(scene)], unit=None
    ),
    "predicted.second_probability": Number("its probability", lambda scene: _probability(scene, second_class(scene)), unit="%"),
    "target.class": Number("the class that is explained", lambda scene: scene.model.classes[scene.target.index], unit=None),
    "target.probability": Number("its probability", lambda scene: _probability(scene, scene.target.index), unit="%"),
}
