"""What is rarely set, unfolded from the line: the score, how maps are drawn, which layers are on offer, and the way back."""

from collections.abc import Callable, Sequence

import streamlit as st

from dashboard.view.address import bound_by, change_view, open_view
from dashboard.view.field import spelled
from dashboard.view.fitting import opening_view
from dashboard.view.scene import Scene
from dashboard.view.view import PARAMETERS, View
from dashboard.widgets.drawing_controls import drawing_controls
from dashboard.widgets.pickers import modules_picker, pick_image, score_controls
from dashboard.widgets.steps import random_image_button
from explain_lib.pictures.bands import window_ends
from explain_lib.pictures.channels import shown_bands

KEY = "settings"


def settings_menu(
    scene: Scene, images: Sequence[int] | None, drawn: View, *, score: bool, drawing: bool, modules: bool
) -> None:
    """A button that unfolds them, as far as the page uses them.

    images: those that a leap leads to, None for all. drawn: the view by which the page draws maps.
    """
    what = "How maps are drawn, the choice of layers, the explained score, a random image, reset"
    menu = st.popover("⚙", key=KEY, on_change="rerun", help=what, width="content")
    if not menu.open:  # what is out of sight is not built
        return
    with menu:
        with st.container(horizontal=True, gap="small"):
            if not scene.is_own:
                random_image_button(scene, images)
            start = opening_view(scene.cache.own_models)
            st.button("Reset", help="Back to the opening view", on_click=open_view, args=(start,))
        _file_picker(scene)
        if score:
            score_controls(scene)
        if modules:
            modules_picker(scene)
        if drawing:
            drawing_controls(drawn)
        _channel_controls(scene)


MOST_FILES = 2_000
"""The most names that a list in a page can hold without delay; of more, the address takes any: img=NAME."""


def _file_picker(scene: Scene) -> None:
    """The pictures of a folder by their files' names, which can be typed."""
    files = scene.images.files
    if not scene.is_own and 1 < len(files) <= MOST_FILES:
        shown = bound_by("file", files[scene.view.image], lambda name: pick_image(scene, files.index(name)))
        st.selectbox("Picture", files, **shown, help="Type part of its name.", width=320)


def _channel_controls(scene: Scene) -> None:
    """Fields for the channels that are shown, of a network with more than three, and for the window of more than 8 bits."""
    count = scene.model.channels
    if count > 3 or count == 2:
        words = f"Three numbers from 0 to {count - 1}, separated by commas, or one for grey. The network sees all {count}."
        _field("bands", "Channels shown as red, green, blue", spelled(shown_bands(count, scene.bands)), words)
    window = scene.picture_set.window(scene.view.image, scene.model)
    if window is not None:
        low, high = (end.replace(",", "") for end in window_ends(window))
        words = "The file's values for black and for white, separated by a comma; empty for each picture's own range."
        _field("window", "From black to white", f"{low},{high}", words)


def _field(name: str, label: str, shown: str, words: str) -> None:
    """A text that is written into the view if the address could have it."""
    st.text_input(label, **bound_by(name, shown, _writer(name)), help=words, width=220)


def _writer(name: str) -> Callable[[str], None]:
    def write(text: str) -> None:
        try:
            change_view(**{name: PARAMETERS[name].spelling.parse(text.replace(" ", "")) if text.strip() else ()})
        except ValueError:
            st.toast(f"{text}: {PARAMETERS[name].spelling.right} would be right.")

    return write
