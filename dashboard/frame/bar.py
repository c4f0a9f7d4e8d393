"""The bar above every page: image, layer, model, the address, and the way back to the start."""

from collections.abc import Sequence

import streamlit as st

from dashboard.frame.model_menu import model_menu, say_model_refused, say_own_model
from dashboard.frame.picture_menu import picture_menu
from dashboard.view.address import change_view, copy_button, current_view, open_view
from dashboard.view.fitting import opening_view
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import model_picker
from dashboard.widgets.steps import LayerSteps, image_and_layer_steps, random_image_button


def show_bar(scene: Scene, images: Sequence[int] | None, layers: LayerSteps) -> None:
    """Steps through `images` (None for all) and layers, the model, and what concerns the whole view."""
    _whole_view(scene)
    with st.container(horizontal=True, vertical_alignment="bottom", key="bar", gap="small"):
        image_and_layer_steps(scene, images, layers)
        if not scene.is_own:
            random_image_button(scene, images)
        picture_menu(scene)
        model_picker(scene)
        model_menu(scene)
    say_model_refused()
    say_own_model(scene)


def _whole_view(scene: Scene) -> None:
    """A link to this view, a reset that Back undoes, and the presentation."""
    with st.container(horizontal=True, vertical_alignment="center", key="whole-view", gap="xsmall"):
        copy_button(current_view())
        start = opening_view(scene.cache.own_models)
        st.button("Reset", help="Back to the view that the dashboard opens with", on_click=open_view, args=(start,))
        present = current_view().present
        st.button(
            "Leave" if present else "Present",
            key="present",
            shortcut="P",
            help="Back to all controls" if present else "Pictures and words alone, large enough for the last row",
            on_click=lambda: change_view(present=not current_view().present),
        )
