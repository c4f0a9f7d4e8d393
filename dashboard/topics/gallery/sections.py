"""The parts of the study's table on a page: what it is, and a card for each of its eight pictures."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Action, Panel
from dashboard.topics.gallery.rows import (
    COLUMNS,
    DRAWINGS,
    STUDY_LAYERS,
    Row,
    drawn_scene,
    fair_drawing,
    fair_layer,
    has_study_layers,
    make_row,
    row_slide,
)
from dashboard.view.address import change_view
from dashboard.view.captions import image_words, picture_words, plain
from dashboard.view.field import Value
from dashboard.view.picture_sets import CifarImages, server_set
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.stage import Row as CardRow
from dashboard.widgets.stage import Stage, show_stage
from dashboard.widgets.steps import LayerSteps
from explain_lib.base.words import fine
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE
from explain_lib.loading.bundled import DEFAULT_MODEL
from explain_lib.take_home.slide import Slide

# The study's eight test images, under its names and in its order.
ROWS = {3: "plane", 1: "ship1", 2: "ship2", 0: "cat", 6: "car", 4: "frog1", 5: "frog2", 7: "frog3"}

SIDE = 128
ABOVE = 2
"""So many cards stand above the button that draws them in the other way."""
FAIR_MANUAL, FAIR_PACKAGE = xl.Configuration("manual"), xl.Configuration("package", xl.package_settings(None))


def say_whose(scene: Scene) -> None:
    """On a server with a network or pictures of its own: what of them the study's table shows."""
    own = scene.cache.own_models.names
    said = []
    if own and scene.view.model not in own:
        said.append(f"This is {scene.view.model}, not {own[0]}.")
    elif own:
        said.append(f"The study used its own network; these are its pictures as {scene.view.model} sees them.")
    if not isinstance(server_set(scene.cache), CifarImages):
        said.append(f"The eight pictures are the study's, of {CifarImages(scene.cache).title}, not your own.")
    if said:
        st.caption(plain(" ".join(said)))


def introduce(scene: Scene) -> None:
    """Whose weights these are, and how the columns are drawn."""
    card = scene.model.card
    whose = plain(scene.view.model) if card is None else f"{card.name} ({card.title})"
    made = "its steps" if scene.view.drawing == "notebook" else "its two programs"
    st.caption(
        f"The study ([jane-cz/GradCAM](https://github.com/jane-cz/GradCAM)) never published its weights: these are {made} "
        f"with the weights of {whose}, so captions give *this* network's predictions."
    )
    with st.expander("How each column is made and drawn", key="how"):
        st.markdown(_how(scene))


def _reveal(drawn: Scene) -> None:
    """A button that draws all pictures in the other way; the study's way needs a network with its layers."""
    model = drawn.view.model
    if drawn.view.drawing == "notebook":
        _reveal_button(DRAWINGS["fair"], "Both maps of one layer", {"drawing": "fair"}, "secondary")
    elif has_study_layers(drawn.model):
        _reveal_button(DRAWINGS["notebook"], _STUDY_STEPS, {"drawing": "notebook"}, "primary")
    else:
        words = f"{_STUDY_STEPS}. They need layers that {model} does not have: {', '.join(STUDY_LAYERS)}"
        changes: dict[str, Value] = {"drawing": "notebook", "model": DEFAULT_MODEL, "layer": None}
        _reveal_button(f"{DRAWINGS['notebook']}, on {DEFAULT_MODEL}", words, changes, "primary")


_STUDY_STEPS = "The study's eight pictures, made and drawn by its own steps"


def _reveal_button(label: str, words: str, changes: dict[str, Value], kind: Literal["primary", "secondary"]) -> None:
    st.button(label, key="drawing", type=kind, help=plain(words), on_click=change_view, kwargs=changes)


_NOTEBOOK = (
    "**Heatmap**: the manual map on its own 10 × 10 grid, viridis from its minimum to its maximum. "
    "**GradCAM1**, by hand: layer relu2, with this image's weights on all four images of its batch, divided by the largest "
    "value on any of the four; drawn as 0.4 × jet (0 … 255) plus the picture (0 … 1), cut at 1, with red and blue swapped. "
    "This adds two different units, so little of the map can be seen. **GradCAM2**, by package: the mean of five layers; "
    "drawn as half jet, half picture with red and blue swapped, divided by its own maximum."
)


def _how(scene: Scene) -> str:
    """How each column is made and drawn."""
    if scene.view.drawing == "notebook":
        return _NOTEBOOK
    layer, drawn = fair_layer(scene), drawing_words(replace(scene.view, sign="positive", scale="map"))
    return (
        f"**Heatmap**: the manual map of layer {layer} on its own grid. **GradCAM1**, by hand, and **GradCAM2**, by package: "
        f"both of layer {layer}, divided by the maximum, enlarged bilinearly to the picture's pixels. {drawn} The remaining "
        f"difference is one step of the package: it scales once more after enlarging."
    )


def show_rows(scene: Scene) -> None:
    """A card for each of the eight pictures, after one for the picked image where that is another."""
    for one, image, _ in _listed(scene):
        if _is_chosen(scene, one, image):
            offer(slide=partial(_slide_of, one, image))
    cards = gallery_cards(scene)
    show_stage(Stage(tuple(cards[:ABOVE]), line_after=None, cards=True, fits=ABOVE))
    _reveal(scene)
    hint = "Point at a picture to read its numbers. A click opens it in the layer explorer."
    show_stage(Stage(tuple(cards[ABOVE:]), key="stage-rest", line_after=len(cards), cards=True, hint=hint))


def gallery_cards(scene: Scene) -> list[CardRow]:
    """The cards of show_rows."""
    return [_card(scene, *row) for row in _listed(scene)]


def _listed(scene: Scene) -> list[tuple[Scene, int, str]]:
    """The scene of each card, its image and its name."""
    tests = scene.with_set(CifarImages(scene.cache))
    rows = [(tests, image, name) for image, name in ROWS.items()]
    picked = scene.view.image
    if picked not in ROWS or scene.picture_set != tests.picture_set:
        rows.insert(0, (scene, picked, "picked"))
    return rows


def _is_chosen(scene: Scene, one: Scene, image: int) -> bool:
    return image == scene.view.image and one.picture_set == scene.picture_set


def _slide_of(scene: Scene, image: int) -> Slide:
    return row_slide(scene, make_row(scene, image))


def _card(scene: Scene, one: Scene, image: int, name: str) -> CardRow:
    """The card of an image of a scene, by its name; scene: of the page."""
    row, changes = make_row(one, image), _opened(one, image)
    panels = (_original(one, image, row), *(_fair(one, row) if row.studied is None else _studied(row)))
    opens = Action("opens it in the layer explorer", changes, "layer_explorer")
    return CardRow(
        tuple(_in_card(panel, name, f"{one.picture_set.address}-{image}", opens) for panel in panels),
        f"{name} · {image_words(one, image)}",
        f"Mean absolute difference of GradCAM1 and GradCAM2: {fine(row.difference, 4)}",
        links=(Action("See why they differ", changes, "disagreement"), Action("See its class", changes, "class_browser")),
        chosen=_is_chosen(scene, one, image),
    )


def _in_card(panel: Panel, name: str, place: str, opens: Action) -> Panel:
    return replace(
        panel, name=f"{name}-{panel.title}", alt=f"{name}: {panel.alt}", label=panel.title, place=place, action=opens
    )


def _original(scene: Scene, image: int, row: Row) -> Panel:
    return Panel("", picture_words(scene, image), SIDE, title="Original", picture=row.picture)


def _columns(row: Row) -> Iterator[tuple[str, str]]:
    """The title of each column, and what its picture shows."""
    maps = (row.cells, row.manual, row.package)
    shown = ("the manual map on its own grid", "the manual map over the picture", "the package's map over the picture")
    for title, words, values in zip(COLUMNS, shown, maps, strict=True):
        yield title, f"{words}; {where_words(values)}"


def _studied(row: Row) -> list[Panel]:
    """The notebook's pictures, ready-made: what they mix can no longer be read from them."""
    assert row.studied is not None
    return [
        Panel("", words, SIDE, title=title, picture=picture)
        for (title, words), picture in zip(_columns(row), row.studied, strict=True)
    ]


def _fair(scene: Scene, row: Row) -> list[Panel]:
    """The maps from 0 to 1, alone and over the picture."""
    pictures, maps = (None, row.picture, row.picture), (row.cells, row.manual, row.package)
    return [
        Panel("", words, SIDE, title=title, picture=picture, values=values, drawing=fair_drawing(scene), reach=1.0)
        for (title, words), picture, values in zip(_columns(row), pictures, maps, strict=True)
    ]


def _opened(scene: Scene, image: int) -> dict[str, Value]:
    """What turns the view to that image, the browser to its class, and the comparison to the one that is shown."""
    label = int(scene.images.labels[image])
    changes: dict[str, Value] = {"image": image, "true_class": None if label < 0 else label, "part": 1}
    changes["pictures"] = scene.view.pictures
    study: dict[str, Value] = {"a": STUDY_MANUAL, "b": STUDY_PACKAGE}
    fair: dict[str, Value] = {"a": FAIR_MANUAL, "b": FAIR_PACKAGE, "layer": fair_layer(scene)}
    return changes | (fair if scene.view.drawing == "fair" else study)


def gallery_steps(scene: Scene) -> LayerSteps:
    """Steps that draw fairly: the study's drawing has layers of its own."""
    layers, shown = scene.model.spatial_layers, fair_layer(scene)
    if drawn_scene(scene).view.drawing == "fair":
        return LayerSteps(layers, shown)
    words = f"The study's columns have fixed layers; this switches to “{DRAWINGS['fair']}”"
    return LayerSteps(layers, shown, lambda _, __: {"drawing": "fair"}, words, "the study's own")
