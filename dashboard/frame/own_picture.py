"""A visitor's picture as it was sent, beside what the network sees of it."""

from collections.abc import Mapping

import streamlit as st

from dashboard.frame.picture_menu import PRIVACY
from dashboard.view.address import change_view
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import choice
from dashboard.widgets.pictures import show_exact, show_picture

SIDE = 128
FITS: Mapping[str, str] = {"crop": "its middle", "pad": "all of it", "stretch": "all, stretched"}
_FIT = (
    "Its middle: the shorter side fills the network's input, what sticks out is cut off. All of it: the longer side fills it, "
    "with black bars. All, stretched: without its proportions."
)


def show_own_picture(scene: Scene, digest: str) -> None:
    """The picture as sent, as the network sees it, and how the one becomes the other."""
    sent = scene.cache.own_preview(digest)
    height, width = scene.model.input_size
    with (
        st.expander(
            f"Your picture: {sent.width:,} × {sent.height:,} pixels, of which the network sees {width} × {height}", True
        ),
        st.container(horizontal=True, gap="small"),
    ):
        with st.container(width="content"):
            show_exact(sent.preview, "as you sent it, reduced", "Your picture as you sent it")
        with st.container(width=SIDE):
            show_picture(scene.picture, "as the network sees it", "Your picture as the network sees it", SIDE)
        with st.container(width=420):
            choice("fit", "The network sees", FITS, scene.view.fit, _FIT)
            st.caption(f"Resized bilinearly with antialiasing. {PRIVACY}")
            words = "Your picture is kept: Back brings it again"
            st.button("Back to the set", help=words, on_click=change_view, kwargs={"pictures": None})


def say_set_aside(scene: Scene) -> None:
    """On a page that looks at many pictures: that the visitor's is not among them, and is still there."""
    st.info(f"This page looks at {scene.picture_set.title}. Your picture is kept, and the other pages show it.")
