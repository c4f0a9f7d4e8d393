"""Every layer measured beside orders that ask no network: on the picked image, and over many."""

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.ladder.image import show_image_ladder
from dashboard.topics.ladder.sample import show_sample_ladder
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import layer_picker, modules_picker, target_picker


def _draw(scene: Scene) -> None:
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer_picker(scene, scene.offered_layers)
        modules_picker(view, "Layers")
        target_picker(scene)
    show_image_ladder(scene)
    show_sample_ladder(scene)


show_page("layer_ladder", _draw)
