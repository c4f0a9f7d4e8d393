"""What stands above every page: image, model, the address, and the way back to the start."""

from collections.abc import Sequence

import streamlit as st

from dashboard.components.address import copy_button, current_view, open_view
from dashboard.components.model_menu import model_menu, say_model_refused, say_own_model
from dashboard.components.pickers import image_picker, model_picker
from dashboard.components.picture_menu import picture_menu
from dashboard.components.scene import Scene
from dashboard.view_state import opening_view


def show_bar(scene: Scene, images: Sequence[int] | None) -> None:
    """Steps through `images` (None for all), the model, a link to this view, and a reset that Back undoes."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="bar", gap="small"):
        if not scene.is_own:
            image_picker(scene, images)
        picture_menu(scene)
        model_picker(scene)
        model_menu(scene)
        with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="xsmall"):
            copy_button(current_view())
            start = opening_view(scene.cache.own_models)
            st.button("Reset", help="Back to the view that the dashboard opens with", on_click=open_view, args=(start,))
    say_model_refused()
    say_own_model(scene)
