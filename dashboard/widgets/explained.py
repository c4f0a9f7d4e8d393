"""A picture that is explained, as panels and bars side by side: itself, its map over it, the map, its classes."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from dashboard.figures.class_figure import class_bars, most_changed_words, probabilities_words, shown_words
from dashboard.figures.map_words import map_words, where_words
from dashboard.figures.panel import Action, Panel
from dashboard.view import terms
from dashboard.view.captions import picture_words
from dashboard.view.scene import Scene
from dashboard.view.view import View
from dashboard.widgets.stage import ClassBars
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.receptive_fields.centres import CellCentres

COMPARED = "Line and last column: the whole picture, and the change from it"
TO_BROWSER = Action("opens the class browser", page="class_browser")


def common_reach(view: View, maps: Iterable[Map]) -> float | None:
    """The largest finite magnitude in any of the maps where the view asks for one scale for all, else None."""
    if view.scale != "strip":
        return None
    return max((float(np.abs(values).max()) for values in maps if np.isfinite(values).all()), default=0.0)


def place_of(scene: Scene) -> str:
    """The picked image as the place that panels show."""
    return f"{scene.picture_set.address}-{scene.view.image}"


def original_panel(scene: Scene, width: int, name: str = "picture") -> Panel:
    """The picked image; a click opens the class browser."""
    height, across = scene.picture.shape[:2]
    return Panel(
        name,
        picture_words(scene, scene.view.image),
        width,
        title="The picture, parts covered" if scene.is_covered else "The picture",
        label="The picture",
        caption=f"{across} × {height} pixels",
        picture=scene.picture,
        place=place_of(scene),
        action=None if scene.is_own else TO_BROWSER,
    )


def overlay_panel(
    scene: Scene,
    values: Map,
    words: str,
    width: int,
    reach: float | None = None,
    name: str = "overlay",
    centres: CellCentres | None = None,
) -> Panel:
    """The map over the picked image, drawn as the view says. words: of which map it is, for those who do not see it.

    centres: where its cells look, None for those that are stretched.
    """
    state, title = map_state(values), "Overlay, parts covered" if scene.is_covered else "Overlay"
    alt = f"Overlay: {words}; {where_words(values)}"
    if state is not MapState.VARIED:
        alt = f"The picture alone, the map is {state.value}: {words}"
    return Panel(
        name, alt, width, title=title, label="Overlay", help=terms.OVERLAY, picture=scene.picture, values=values,
        drawing=scene.drawing, reach=reach, place=place_of(scene), centres=centres,
    )  # fmt: skip


def map_panel(
    scene: Scene,
    values: Map,
    caption: str,
    width: int,
    reach: float | None = None,
    name: str = "map",
    centres: CellCentres | None = None,
) -> Panel:
    """The map in its own cells. centres: where they look, None for those that are stretched."""
    title = "The map itself"
    return Panel(
        name, map_words(title, values), width, title=title, caption=caption, help=terms.MAP, values=values,
        drawing=replace(scene.drawing, smooth=False), reach=reach, place=place_of(scene), bar=True, centres=centres,
    )  # fmt: skip


def most_changed(scene: Scene) -> str:
    """The class that covering parts of the picture changes most, before and now; empty where nothing is covered."""
    if not scene.is_covered:
        return ""
    model = scene.model
    return most_changed_words(model.classes, scene.probabilities, scene.whole.probabilities, model.task, model.unit)


def probability_bars(scene: Scene, alt: str | None = None) -> ClassBars:
    """The probability of each class as a bar. alt: alternative text in place of the usual one."""
    target, classes, shares, task = scene.target, scene.model.classes, scene.probabilities, scene.model.task
    true = int(scene.images.labels[scene.view.image])
    before = scene.whole.probabilities if scene.is_covered else None
    bars = class_bars(classes, shares, target.index, true, target.minus, task, target.plus, scene.model.unit, before)
    said, words = alt or probabilities_words(classes, shares, target.index, task, scene.model.unit), scene.task_words
    parts = (shown_words(classes, task), f"{COMPARED}{'' if task == 'regression' else ', in percentage points'}.")
    caption = " ".join(filter(None, parts if scene.is_covered else parts[:1]))
    return ClassBars(bars, said, title=words.bars, help=words.meaning, caption=caption)
