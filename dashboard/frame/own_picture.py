"""A visitor's picture as it was sent, beside what the network sees of it."""

from collections.abc import Mapping

import streamlit as st

from dashboard.figures.panel import Panel
from dashboard.frame.picture_menu import PRIVACY
from dashboard.view.address import change_view
from dashboard.view.captions import made_words, plain
from dashboard.view.scene import Scene
from dashboard.widgets.explained import place_of
from dashboard.widgets.pickers import choice
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.sheets import size_words

SIDE, GAP = 160, 24
FITS: Mapping[str, str] = {"crop": "its middle", "inner": "less of it", "pad": "all of it", "stretch": "all, stretched"}
_FIT = (
    "Its middle: the shorter side fills the network's input; the rest is cut off. Less of it: the middle 7/8 of that, as "
    "torchvision's own weights were tested. All of it: the longer side fills the input, with black bars. All, stretched: the "
    "proportions change."
)


def show_own_picture(scene: Scene, digest: str) -> None:
    """The picture as sent, as the network sees it, and how the one becomes the other."""
    sent = scene.cache.own_preview(digest)
    if scene.model.sheet is not None:
        _show_own_file(scene)
        return
    height, width = scene.model.input_size
    with (
        st.expander(
            f"Your picture: {sent.width:,} × {sent.height:,} pixels, of which the network sees {width} × {height}", True
        ),
        st.container(horizontal=True, gap="small"),
    ):
        as_sent = Panel(
            "own-sent", "Your picture as you sent it", sent.preview.shape[1], title="As you sent it", caption="reduced",
            picture=sent.preview, place="own-sent",
        )  # fmt: skip
        seen = Panel(
            "own-seen", "Your picture as the network sees it", SIDE, title="As the network sees it", picture=scene.picture,
            caption=f"{width} × {height} pixels", place=place_of(scene),
        )  # fmt: skip
        with st.container(width=as_sent.width + SIDE + GAP):
            show_stage(Stage((Row((as_sent, seen)),), key="stage-own", line_after=None))
        with st.container(width=420):
            if scene.model.transform is None:
                choice("fit", "The network sees", FITS, scene.view.fit, _FIT)
            made = made_words(scene, scene.view.image)
            how = made[0].upper() + made[1:] if made else "Resized bilinearly with antialiasing"
            st.caption(f"{plain(how)}. {PRIVACY}")
            words = "Your picture is kept: Back returns to it"
            st.button("Back to the set", help=words, on_click=change_view, kwargs={"pictures": None})


def _show_own_file(scene: Scene) -> None:
    """A volume or a signal that was sent, in words: the page above shows it."""
    intake = scene.picture_set.intake(scene.model)
    how = f"each slice {intake.words}" if scene.model.sheet is not None and scene.model.sheet.is_volume else intake.words
    st.caption(f"Your file as the network sees it, {size_words(scene.model.given_size)}: {plain(how)}. {PRIVACY}")
    words = "Your file is kept: Back returns to it"
    st.button("Back to the set", help=words, on_click=change_view, kwargs={"pictures": None})


def say_set_aside(scene: Scene) -> None:
    """On a page that looks at many pictures: that the visitor's is not among them, and is still there."""
    st.info(f"This page uses {scene.picture_set.title}. Your picture is kept, and the other pages show it.")
