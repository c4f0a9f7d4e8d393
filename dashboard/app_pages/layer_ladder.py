"""Every layer measured beside orders that ask no network: on the picked image, and over many."""

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.ladder.columns import FILL_HELP, FILLS_ON_OFFER, MEASURE_HELP, MEASURE_WORDS
from dashboard.topics.ladder.image import show_image_ladder
from dashboard.topics.ladder.sample import show_sample_ladder
from dashboard.view.captions import scene_caption
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import choice, layer_picker, modules_picker, target_picker


def _draw(scene: Scene) -> None:
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choice("measure", "Rank by", MEASURE_WORDS, view.measure, MEASURE_HELP)
        choice("fill", "Removed pixels become", FILLS_ON_OFFER, view.fill, FILL_HELP)
        layer_picker(scene, scene.offered_layers)
        modules_picker(view, "Layers")
        target_picker(scene)
    st.header("This picture", anchor=False)
    st.caption(scene_caption(scene, f"{scene.model.classes[scene.target.index]}, its probability"))
    show_image_ladder(scene)
    show_sample_ladder(scene)


show_page("layer_ladder", _draw)
