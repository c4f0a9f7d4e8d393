"""What is rarely set, unfolded from the line: the score, how maps are drawn, which layers are on offer, and the way back."""

from collections.abc import Sequence

import streamlit as st

from dashboard.view.address import open_view
from dashboard.view.fitting import opening_view
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_controls
from dashboard.widgets.pickers import modules_picker, score_controls
from dashboard.widgets.steps import random_image_button

KEY = "settings"


def settings_menu(scene: Scene, images: Sequence[int] | None, *, score: bool, drawing: bool, modules: bool) -> None:
    """A button that unfolds them, as far as the page uses them. images: those that a leap leads to, None for all."""
    what = "How maps are drawn, layers on offer, which score is explained; a random image; the way back to the start"
    menu = st.popover("⚙", key=KEY, on_change="rerun", help=what, width="content")
    if not menu.open:  # what is out of sight is not built
        return
    with menu:
        with st.container(horizontal=True, gap="small"):
            if not scene.is_own:
                random_image_button(scene, images)
            start = opening_view(scene.cache.own_models)
            st.button("Reset", help="Back to the view that the dashboard opens with", on_click=open_view, args=(start,))
        if score:
            score_controls(scene)
        if modules:
            modules_picker(scene)
        if drawing:
            drawing_controls(scene.view)
