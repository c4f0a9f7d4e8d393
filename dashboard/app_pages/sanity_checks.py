"""Sanity checks of maps: the same network with layers that have forgotten, and its twin."""

import streamlit as st

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.sanity.blind import blind_images, show_pairs
from dashboard.topics.sanity.check import check_slide, find_starts, make_check
from dashboard.topics.sanity.image import show_check
from dashboard.topics.sanity.sample import show_own_chart, show_sanity_sample
from dashboard.topics.sanity.twin import show_twin
from dashboard.view import terms
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import choice

MODES = {"cascading": "all, from the last layer down", "independent": "one layer alone"}

OPENS = {"image": 13, "randomised": 5}
"""A horse that the network knows, with every layer randomised: at each level its mean correlation is not clearly different "
"from 0."""


def _draw(scene: Scene) -> None:
    pairs = blind_images(scene)
    if pairs:
        show_pairs(scene, pairs)
        return
    check = make_check(scene)
    starts = find_starts(check)
    offer(slide=lambda: check_slide(check, starts.found))
    show_check(check, starts)
    choice("mode", "Randomise", MODES, scene.view.mode, terms.RANDOMISE + terms.see("random-start"))
    show_own_chart(check)
    st.header("Many pictures", anchor=False)
    show_sanity_sample(check)
    show_twin(check)


show_page("sanity_checks", _draw, blind_images, line=Line(score=False), opens=OPENS)
