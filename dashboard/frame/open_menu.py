"""What a visitor brings along, unfolded from the line: other pictures, and a picture or a network of one's own."""

import streamlit as st

from dashboard.frame.model_menu import model_upload
from dashboard.frame.picture_menu import MENU, picture_choice
from dashboard.view.scene import Scene


def open_menu(scene: Scene) -> None:
    """A button that unfolds all of it."""
    menu = st.popover("Open", key=MENU, on_change="rerun", help="Other pictures, or a network of your own", width="content")
    if menu.open:  # what is out of sight is not built
        with menu:
            picture_choice(scene)
            model_upload(scene)
