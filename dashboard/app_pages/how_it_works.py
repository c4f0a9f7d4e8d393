"""The network, and Grad-CAM as a walk of six steps, one on screen at a time, for the picked image, model, layer and target."""

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.walk.steps import STEP_KEYS, show_step, step_title
from dashboard.topics.walk.walk import make_walk, walk_slide
from dashboard.view.record import offer
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    walk = make_walk(scene)
    offer(slide=lambda: walk_slide(walk))
    if not walk.has_numbers and scene.view.step != "network":
        st.header(step_title(scene.view.step), anchor=False)
        st.error("Not finite: this layer's activations or gradients contain NaN or infinity, so there are no steps to show.")
        return
    show_step(walk)


show_page("how_it_works", _draw, keys=STEP_KEYS, of_pictures="follows one map of rows and columns through the network")
