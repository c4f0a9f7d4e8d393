"""The words of the other pages, each in a sentence or two, under the picked image with its map."""

import streamlit as st

import explain_lib as xl
from dashboard.frame.page import show_page
from dashboard.view.scene import Scene
from dashboard.view.terms import GLOSSARY
from dashboard.widgets.explained import map_panel, original_panel, overlay_panel
from dashboard.widgets.stage import Row, Stage, show_stage

SIDE = 224
COLUMN = 360


def _draw(scene: Scene) -> None:
    if scene.model.sheet is None:  # of a volume or a signal the layer explorer shows the map
        _show_map(scene)
    with st.grid(min_column_width=COLUMN, gap="small"):
        for word in sorted(GLOSSARY.values(), key=lambda one: one.title.lower()):
            with st.container(gap="xxsmall"):
                st.subheader(word.title, anchor=word.anchor)
                st.markdown(word.meaning)


def _show_map(scene: Scene) -> None:
    """The picked image with its map."""
    values = xl.grad_cam(scene.model, scene.seen[None], scene.layer, scene.target)[scene.layer].map[0]
    words, centres = f"Grad-CAM of layer {scene.layer} on {scene.name}", scene.centres(scene.layer)
    over = overlay_panel(scene, values, words, SIDE, centres=centres)
    itself = map_panel(scene, values, "", SIDE, centres=centres)
    show_stage(Stage((Row((original_panel(scene, SIDE), over, itself)),)))


show_page("glossary", _draw)
