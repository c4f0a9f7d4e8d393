"""Maps where the right place is known: on the picked image, and over many."""

import streamlit as st

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.known_truth.chosen import known_picture
from dashboard.topics.known_truth.image import offer_taught, show_known, show_unknown
from dashboard.topics.known_truth.sample import show_known_sample
from dashboard.topics.known_truth.words import FINDS_HELP, KNOWN_HELP, METHOD_HELP, finds_on_offer, known_on_offer
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import choice
from explain_lib.base.errors import DataError, InputError
from explain_lib.truth.finders import METHODS

OPENS: dict[str, Value] = {"image": 72, "model": "watermark"}
"""A ship that the mark alone turns into a horse."""


def _draw(scene: Scene) -> None:
    try:
        known = known_picture(scene)
    except (InputError, DataError) as error:  # no place is known in this picture, for this network
        show_unknown(scene, str(error))
        _controls(scene)
        return
    show_known(known)
    _controls(scene)
    offer_taught(scene)
    st.header("Many pictures", anchor=False)
    show_known_sample(known)


def _controls(scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choice("known", "What is known", known_on_offer(scene), scene.view.known, KNOWN_HELP)
        choice("method", "Method", {str(name): words for name, words in METHODS.items()}, scene.view.method, METHOD_HELP)
        finds = finds_on_offer(scene.view.known)
        choice("finds", "Count", finds, scene.view.finds if scene.view.finds in finds else "energy", FINDS_HELP)


show_page("known_truth", _draw, line=Line(target=False, score=False), opens=OPENS, of_pictures="plants marks in pictures")
