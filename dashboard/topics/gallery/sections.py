"""The parts of the study's table on a page: what it is, and a card for each of its eight pictures."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import streamlit as st

import explain_lib as xl
from dashboard.figures.colours import PICKED
from dashboard.topics.gallery.rows import (
    DRAWINGS,
    STUDY_LAYERS,
    Row,
    drawn_scene,
    fair_layer,
    has_study_layers,
    make_row,
    row_slide,
)
from dashboard.view.address import change_view
from dashboard.view.captions import image_caption, picture_words, plain
from dashboard.view.field import Value
from dashboard.view.picture_sets import CifarImages
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.view.view import View, change
from dashboard.widgets.page_links import page_links
from dashboard.widgets.pictures import show_picture
from dashboard.widgets.presentation import enlarged
from dashboard.widgets.steps import LayerSteps
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE
from explain_lib.networks.bundled import DEFAULT_MODEL

# The study's eight test images, under its names and in its order.
ROWS = {3: "plane", 1: "ship1", 2: "ship2", 0: "cat", 6: "car", 4: "frog1", 5: "frog2", 7: "frog3"}

SIDE = 136
CARD_WIDTH = 600
ABOVE = 2
"""So many cards stand above the button that draws them in the other way."""
FAIR_MANUAL, FAIR_PACKAGE = xl.Configuration("manual"), xl.Configuration("package", xl.package_settings(None))


def introduce(scene: Scene) -> None:
    """Whose weights these are, and how the columns are drawn."""
    card = scene.model.card
    whose = plain(scene.view.model) if card is None else f"{card.name} ({card.title})"
    made = "its steps" if scene.view.drawing == "notebook" else "its two programs"
    st.caption(
        f"The study ([jane-cz/GradCAM](https://github.com/jane-cz/GradCAM)) never published its weights: these are {made} on "
        f"the weights of {whose}, so captions say what *this* network predicts."
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
        words = f"{_STUDY_STEPS}. They name layers that {model} lacks: {', '.join(STUDY_LAYERS)}"
        changes: dict[str, Value] = {"drawing": "notebook", "model": DEFAULT_MODEL, "layer": None}
        _reveal_button(f"{DRAWINGS['notebook']}, on {DEFAULT_MODEL}", words, changes, "primary")


_STUDY_STEPS = "The study's eight pictures, made and drawn by its own steps"


def _reveal_button(label: str, words: str, changes: dict[str, Value], kind: Literal["primary", "secondary"]) -> None:
    st.button(label, key="drawing", type=kind, help=plain(words), on_click=change_view, kwargs=changes)


_NOTEBOOK = (
    "**Heatmap**: the manual map on its own 10 × 10 grid, viridis from its minimum to its maximum. "
    "**GradCAM1**, by hand: layer relu2, divided by the largest value that this image's weights give on any of the four "
    "images of its batch; drawn as 0.4 × jet in 0 … 255 plus the picture in 0 … 1, cut at 1, red and blue swapped: two "
    "units in one sum, so little of the map is left to see. **GradCAM2**, by package: the mean of five layers; drawn as "
    "half jet, half picture with red and blue swapped, divided by its own maximum."
)


def _how(scene: Scene) -> str:
    """How each column is made and drawn."""
    if scene.view.drawing == "notebook":
        return _NOTEBOOK
    layer = fair_layer(scene)
    return (
        f"**Heatmap**: the manual map of layer {layer} on its own grid. **GradCAM1**, by hand, and **GradCAM2**, by package: "
        f"both of layer {layer}, divided by the maximum, enlarged bilinearly to 32 × 32 pixels, drawn as half picture, half "
        "map, in magma. What is left between them is one step of the package's: it scales once more after enlarging."
    )


def show_rows(scene: Scene) -> None:
    """A card for each of the eight pictures, after one for the picked image where that is another."""
    tests = scene.with_set(CifarImages(scene.cache))
    rows = [(tests, image, name) for image, name in ROWS.items()]
    picked = scene.view.image
    if picked not in ROWS or scene.picture_set != tests.picture_set:
        rows.insert(0, (scene, picked, "picked"))
    _cards(scene, rows[:ABOVE])
    _reveal(scene)
    _cards(scene, rows[ABOVE:])
    st.html(f"<style>.st-key-row-picked {{ border: 2px solid {PICKED}; }}</style>")


def _cards(scene: Scene, rows: Sequence[tuple[Scene, int, str]]) -> None:
    """Cards side by side: a scene, the number of its image, and the card's name."""
    with st.grid(min_column_width=enlarged(CARD_WIDTH), gap="small"):
        for one, image, name in rows:
            chosen = image == scene.view.image and one.picture_set == scene.picture_set
            row = make_row(one, image)
            if chosen:
                offer(slide=partial(row_slide, one, row))
            with st.container(border=True, key="row-picked" if chosen else f"row-{image}"):
                _show_card(one, image, name, row)


def _opened(scene: Scene, image: int) -> View:
    """The view with that image, the browser at its class, and the comparison that the gallery shows."""
    label = int(scene.images.labels[image])
    changes: dict[str, Value] = {"image": image, "true_class": None if label < 0 else label, "part": 1}
    study: dict[str, Value] = {"a": STUDY_MANUAL, "b": STUDY_PACKAGE}
    fair: dict[str, Value] = {"a": FAIR_MANUAL, "b": FAIR_PACKAGE, "layer": fair_layer(scene)}
    return change(scene.view, changes | (fair if scene.view.drawing == "fair" else study))


def gallery_steps(scene: Scene) -> LayerSteps:
    """Steps that draw fairly: the study's drawing has layers of its own."""
    layers, shown = scene.model.spatial_layers, fair_layer(scene)
    if drawn_scene(scene).view.drawing == "fair":
        return LayerSteps(layers, shown)
    words = f"The study's columns have layers of their own; this turns to “{DRAWINGS['fair']}”"
    return LayerSteps(layers, shown, lambda _, __: {"drawing": "fair"}, words)


def _show_card(scene: Scene, image: int, name: str, row: Row) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        show_picture(scene.images.pixels[image], "Original", f"{name}: {picture_words(scene, image)}", SIDE)
        show_picture(row.heatmap, "Heatmap", f"{name}: the manual map on its own grid; {row.where[0]}", SIDE)
        show_picture(row.manual, "GradCAM1", f"{name}: the manual map over the picture; {row.where[1]}", SIDE)
        show_picture(row.package, "GradCAM2", f"{name}: the package's map over the picture; {row.where[2]}", SIDE)
    st.markdown(f"**{name}** · {image_caption(scene, image)}")
    st.markdown(
        f"Mean absolute difference of the two maps: **{row.difference:.4f}**",
        help="The mean over all pixels of |GradCAM2 − GradCAM1| before drawing; both maps lie between 0 and 1.",
    )
    page_links(_opened(scene, image), "layer_explorer", "disagreement", "class_browser")
