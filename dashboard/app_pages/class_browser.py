"""A class's images at once, filtered and sorted, and one of them picked."""

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.browser.confusion import show_confusion
from dashboard.topics.browser.sections import chosen_images, show_picked, show_thumbnails
from dashboard.view.scene import Scene
from dashboard.widgets.job_run import ask_about_all
from dashboard.widgets.selection import offer_without, show_counts, show_filters

FILTERS, MATRIX = 212, 316
"""Widths in pixels: side by side on a small laptop, one below the other where there is less room."""


def _draw(scene: Scene) -> None:
    chosen = chosen_images(scene)
    side, gallery = st.columns([1.7, 2], gap="medium")
    with side:
        with st.container():  # of one place, whatever it holds: a filter that is moved keeps the focus
            if len(chosen):
                show_picked(scene, chosen)
        with st.container(horizontal=True, gap="small"):
            with st.container(width=FILTERS):
                show_filters(scene)
            with st.container(width=MATRIX):
                show_confusion(scene)
    with gallery:
        show_counts(scene, chosen)
        ask_about_all(scene)
        if len(chosen):
            show_thumbnails(scene, chosen)
        else:
            offer_without(scene)


show_page(
    "class_browser",
    _draw,
    lambda scene: chosen_images(scene).tolist(),
    over_set=True,
    of_pictures="shows the pictures of a set",
)
