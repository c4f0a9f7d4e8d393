"""The vocabulary of lessons: what each placeholder of an answer stands for, and how it is computed from what is on screen."""

from collections.abc import Mapping

import explain_lib as xl
from dashboard.components.captions import plain
from dashboard.components.lesson_check_numbers import CHECKS
from dashboard.components.lesson_map_numbers import MAPS
from dashboard.components.lesson_number import Number
from dashboard.components.lesson_picture_numbers import PICTURES
from dashboard.components.scene import Scene
from dashboard.lesson_placeholders import filled

VOCABULARY: Mapping[str, Number] = {**PICTURES, **MAPS, **CHECKS}
"""Every placeholder by its name."""


def lesson_words(text: str, scene: Scene) -> str:
    """A hint or an answer with its numbers in it, those of the image, the model, the layer and the class on screen now."""
    return filled(text, lambda name: number_words(name, scene))


def number_words(name: str, scene: Scene) -> str:
    """What a placeholder stands for now, in Markdown; a word why not where there is no such number here."""
    try:
        return plain(VOCABULARY[name].of(scene))
    except xl.ExplainError as error:
        return f"*({plain(name)} cannot be said here: {plain(str(error))})*"
