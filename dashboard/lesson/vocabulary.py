"""The vocabulary of lessons: each placeholder of an answer, and its number for what is on screen."""

from collections.abc import Mapping

import explain_lib as xl
from dashboard.lesson.check_numbers import CHECKS
from dashboard.lesson.file import filled
from dashboard.lesson.known_numbers import KNOWN
from dashboard.lesson.map_numbers import MAPS
from dashboard.lesson.picture_numbers import PICTURES, Number
from dashboard.view.captions import plain
from dashboard.view.scene import Scene

VOCABULARY: Mapping[str, Number] = {**PICTURES, **MAPS, **CHECKS, **KNOWN}
"""Every placeholder by its name."""
WORDED = tuple(name for name, number in VOCABULARY.items() if number.unit is None)
"""Those whose values are no numbers."""
MISSING = "—"
"""Stands where a number is not there."""


def lesson_words(text: str, scene: Scene) -> str:
    """A hint or an answer with its numbers in it, those of the image, the model, the layer and the class on screen now.

    Markdown. Where there is no such number here stands a dash, and at the end why. A name that is none stays in its braces.
    """
    missing: dict[str, list[str]] = {}

    def words(name: str) -> str:
        if name not in VOCABULARY:
            return f"{{{plain(name)}}}"
        try:
            return plain(VOCABULARY[name].of(scene))
        except xl.ExplainError as error:
            names = missing.setdefault(str(error), [])
            names += [] if name in names else [name]
            return MISSING

    answer = filled(text, words)
    notes = [f"*Not available: {plain(', '.join(names))}. {plain(why)}.*" for why, names in missing.items()]
    return "\n\n".join([answer, *notes])
