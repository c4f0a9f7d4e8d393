"""The parts of the layer explorer: controls, one picture explained or two side by side, and all layers in a strip."""

import streamlit as st

from dashboard.topics.explorer.panels import Panel, panel_caption
from dashboard.view import terms
from dashboard.view.address import bound, current_view
from dashboard.view.captions import grid_caption, picture_words, plain
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words, score_and_drawing_controls
from dashboard.widgets.explained import show_map_itself, show_map_over, show_original, show_probabilities
from dashboard.widgets.map_card import show_overlay
from dashboard.widgets.pickers import (
    choice,
    choose_button,
    layer_picker,
    model_words,
    modules_picker,
    number_picker,
    offered_models,
    target_picker,
)
from dashboard.widgets.pictures import show_picture

SIDE, SIDE_OF_TWO = 288, 256
PROBABILITIES = 312
THUMBNAIL = 128
BESIDE = {"nothing": "nothing", "image": "another image", "model": "another model"}


def explorer_controls(scene: Scene) -> None:
    """Layer, target, the picture or model beside, and how maps are drawn."""
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer_picker(scene, scene.offered_layers)
        modules_picker(view)
        target_picker(scene)
        choice("beside", "Side by side with", BESIDE, view.beside, "The same settings on another image, or on another model.")
        if view.beside == "image":
            last = len(scene.of_set().images.labels) - 1
            number_picker("other_image", "The other image", view.other_image, last)
        if view.beside == "model":
            st.selectbox(
                "The other model",
                offered_models(scene),
                **bound("other_model", view.other_model),
                format_func=lambda name: model_words(scene, name),
                width=400,
            )
    score_and_drawing_controls(scene)


def show_panels(panels: list[Panel], reach: float | None) -> None:
    """One picture with its map, or two side by side. reach: the common end of the colours, None for each map's own."""
    if len(panels) == 1:
        st.caption(panel_caption(panels[0]))
        with st.container(horizontal=True, gap="small"):
            show_original(panels[0].scene, SIDE)
            _map(panels[0], reach, "map", SIDE)
            with st.container(width=PROBABILITIES):
                show_probabilities(panels[0].scene, "probabilities")
        return
    for column, panel, key in zip(st.columns(2, gap="medium"), panels, ("left", "right"), strict=True):
        with column:
            _one_of_two(panel, reach, key)


def _one_of_two(panel: Panel, reach: float | None, key: str) -> None:
    with st.container(border=True):
        st.caption(panel_caption(panel))
        if panel.scene.view.layer not in (None, panel.layer):
            st.caption(f"{panel.scene.view.model} has no layer {panel.scene.view.layer}: its last conv layer is shown.")
        if panel.scene.view.target is None and current_view().target is not None:
            st.caption(f"{panel.scene.view.model} has other classes: what it predicts is explained.")
        with st.container(horizontal=True, gap="small"):
            _map(panel, reach, f"map-{key}", SIDE_OF_TWO)
        show_probabilities(panel.scene, f"probabilities-{key}")


def _map(panel: Panel, reach: float | None, key: str, side: int) -> None:
    """The map over the picture, and the map itself."""
    scene, values = panel.scene, panel.values(panel.layer)
    show_map_over(scene, values, f"Grad-CAM of layer {panel.layer} on {scene.name}", side, reach)
    how = "The weighted sum" if scene.view.sign == "signed" else "ReLU of the weighted sum"
    caption = f"{how} of activations, in units of the score; not scaled. Point at a cell to read it."
    show_map_itself(scene.view, values, caption, key, side, reach)


def show_layers(panels: list[Panel], reach: float | None) -> None:
    """The maps of all layers on offer, each over a button that chooses its layer."""
    st.header("All layers on offer, in the order of the forward pass", anchor=False, help=terms.LAYER)
    st.caption(f"Choose a layer by the button under its map. {drawing_words(panels[0].scene.view)}")
    for number, panel in enumerate(panels):
        _strip(panel, reach, number)


def _strip(panel: Panel, reach: float | None, number: int) -> None:
    scene = panel.scene
    if scene.view.beside != "nothing":
        st.caption(f"{scene.view.model} · {plain(scene.name)}")
    with st.container(horizontal=True, gap="small"):
        with st.container(width=THUMBNAIL + 8, gap="xsmall"):
            alt = f"{picture_words(scene, scene.view.image)}, without a map"
            show_picture(scene.picture, "the picture", alt, THUMBNAIL)
        for name in panel.cams:
            with st.container(width=THUMBNAIL + 8, gap="xsmall"):
                grid = grid_caption(panel.cams[name].grid)
                words = f"layer {name}, {grid}"
                show_overlay(scene.picture, panel.values(name), scene.drawing, reach, words, THUMBNAIL, grid)
                key = f"choose-{name}" if number == 0 else f"choose-{name}-beside"
                choose_button(name, key, chosen=name == panel.layer, layer=name)
