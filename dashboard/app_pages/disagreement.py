"""Any two Grad-CAMs of one image, subtracted pixel by pixel."""

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.sides.causes import decomposed, show_causes
from dashboard.topics.sides.comparison import show_apart, show_difference, show_metrics, show_spread
from dashboard.topics.sides.drawing_causes import show_drawing_causes
from dashboard.topics.sides.pair import Pair, make_pair, pair_files, pair_slide, why_not_comparable
from dashboard.topics.sides.second_opinions import show_second_opinions
from dashboard.topics.sides.sides import comparison_steps, show_sides
from dashboard.topics.sides.stepper import show_steps
from dashboard.view.captions import scene_caption
from dashboard.view.record import offer
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    scene = show_sides(scene)
    pair = make_pair(scene)
    st.caption(scene_caption(scene))
    why_not = why_not_comparable(pair)
    if why_not is None:
        _compare(pair)
        return
    st.info(why_not)
    show_apart(pair)
    show_second_opinions(scene)


def _compare(pair: Pair) -> None:
    scene, a, b = pair.scene, pair.a, pair.b
    found = decomposed(scene, a, b)
    show_difference(pair, found)
    show_metrics(pair.comparison)
    if found is not None:
        show_causes(found, pair.comparison)
        show_steps(scene, a, b, found)
    opinions = st.container()  # filled last: nothing waits for it
    show_drawing_causes(scene, a)
    show_spread(pair)
    offer(pair_files(pair, found), slide=lambda: pair_slide(pair))
    with opinions:
        show_second_opinions(scene)


show_page("disagreement", _draw, layers=comparison_steps)
