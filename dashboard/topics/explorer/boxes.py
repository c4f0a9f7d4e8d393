"""The boxes that a network detects, drawn on the picture, where a click chooses one."""

from collections.abc import Callable
from dataclasses import replace

import explain_lib as xl
from dashboard.figures.panel import Action, Panel, Spot
from dashboard.topics.explorer.regions import FINEST
from dashboard.view.address import change_view
from dashboard.view.captions import picture_words
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.view.view import BOX
from dashboard.widgets.explained import place_of
from explain_lib.base.words import few_names, percent
from explain_lib.networks.predictions import predicted_boxes
from explain_lib.regions.boxes import Found

NAMED = 4
"""So many boxes have their class on the picture, and a link of their own."""
SHOWN = 8
TITLE = "What it detects"
_HOW = (
    "Bright frame: the box that is explained. Click another one to explain its score; by keys, the arrows move and Enter "
    "chooses. Where boxes lie on one another, each click takes the next."
)


def boxes_panel(scene: Scene, side: int) -> Panel:
    """The picture with the best boxes and the one that is explained. side: of the picture."""
    found, chosen = shown_boxes(scene), explained_box(scene)
    said = few_names([_words(scene, one) for one in found], NAMED)
    height, width = scene.model.input_size
    others = [
        replace(frame_of(one.box, "box"), words=_words(scene, one) if place < NAMED else "")
        for place, one in enumerate(found)
        if one.box.number != chosen.number
    ]
    own = replace(frame_of(chosen, "box chosen"), words=scene.model.classes[scene.target.index])
    return Panel(
        "boxes", f"{picture_words(scene, scene.view.image)}, with the boxes that are detected, the best first: {said}", side,
        title=TITLE, label="Detected boxes", caption=f"{said}. {_HOW}", picture=scene.picture, place=place_of(scene),
        grid=(min(height, FINEST), min(width, FINEST)), asks="Explains the box at this place", spots=(*others, own),
    )  # fmt: skip


def shown_boxes(scene: Scene) -> tuple[Found, ...]:
    """The best boxes in the picked image as it is seen, the best first."""
    return predicted_boxes(scene.model, scene.seen[None]).boxes[:SHOWN]


def explained_box(scene: Scene) -> xl.Box:
    """The box that is explained, in the picked image with nothing covered."""
    box = scene.target.region
    assert isinstance(box, xl.Box)  # a detector's targets are settled
    return box


def framed(panel: Panel, scene: Scene) -> Panel:
    """A panel with the box that is explained as a frame."""
    return replace(panel, spots=(*panel.spots, frame_of(explained_box(scene), "box chosen")))


def frame_of(box: xl.Box, kind: str) -> Spot:
    """The frame of a box."""
    top, left, bottom, right = box.corners
    return Spot((top + bottom) / 2, (left + right) / 2, kind, "", bottom - top, right - left)


def choose_box(scene: Scene) -> Callable[[int, int], None]:
    """What a click on the picture does: the smallest box there is explained, and at the next click the next larger one."""

    def choose(row: int, column: int) -> None:
        height, width = scene.model.input_size
        chosen = box_at(shown_boxes(scene), (row + 0.5) / height, (column + 0.5) / width, explained_box(scene).number)
        if chosen is not None:
            change_view(**_changes(chosen))

    return choose


def box_at(found: tuple[Found, ...], down: float, along: float, explained: int) -> Found | None:
    """The box that a click at a place chooses, shares of the picture; the nearest where none holds the place.

    explained: the number of the box that is explained; the next larger one follows it. None where there is no box.
    """
    here = sorted((one for one in found if one.box.holds(down, along)), key=lambda one: one.box.area)
    if not here:
        return min(found, key=lambda one: _distance(one.box, down, along), default=None)
    place = next((place for place, one in enumerate(here) if one.box.number == explained), -1)
    return here[(place + 1) % len(here)]


def box_links(scene: Scene) -> tuple[Action, ...]:
    """The best boxes, each one press away, and the way back to the best one of the class."""
    chosen = explained_box(scene)
    links = [
        Action(f"Explain {_words(scene, one)}", _changes(one))
        for one in shown_boxes(scene)[:NAMED]
        if (one.box.number, one.index) != (chosen.number, scene.target.index)
    ]
    if scene.view.region is not None:
        links.append(Action(f"Explain the best box of {scene.model.classes[scene.target.index]}", {"region": None}))
    return tuple(links)


def _changes(found: Found) -> dict[str, Value]:
    return {"target": found.index, "region": f"{BOX}{found.box.number}"}


def _words(scene: Scene, found: Found) -> str:
    return f"{scene.model.classes[found.index]} {percent(found.probability)}"


def _distance(box: xl.Box, down: float, along: float) -> float:
    top, left, bottom, right = box.corners
    return float(((top + bottom) / 2 - down) ** 2 + ((left + right) / 2 - along) ** 2)
