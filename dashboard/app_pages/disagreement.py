"""Any two Grad-CAMs of one image, subtracted pixel by pixel."""

from collections.abc import Callable
from functools import partial

import streamlit as st

import explain_lib as xl
from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.server.log import note_refusal
from dashboard.topics.sides.cause_words import differ
from dashboard.topics.sides.causes import decomposed, say_causes, show_waterfall
from dashboard.topics.sides.comparison import (
    show_apart,
    show_difference,
    show_headline,
    show_other_metrics,
    show_spread,
    warn_of_sides,
)
from dashboard.topics.sides.drawing_causes import show_drawing_causes
from dashboard.topics.sides.pair import Pair, make_pair, pair_files, pair_slide, why_not_comparable
from dashboard.topics.sides.second_opinions import show_second_opinions
from dashboard.topics.sides.side import possible_scene
from dashboard.topics.sides.sides import comparison_steps, preset_picker, say_stand_in, set_up_sides
from dashboard.topics.sides.stepper import show_way
from dashboard.view.captions import image_caption, plain
from dashboard.view.record import offer
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    possible = possible_scene(scene)
    say_stand_in(scene, possible)
    try:
        pair = make_pair(possible)
    except xl.ExplainError as error:
        note_refusal(error)
        st.error(f"These two sides cannot be compared: {plain(str(error))}. Change the settings below.")
        _controls(scene, possible)
        return
    why_not = why_not_comparable(pair)
    if why_not is None:
        _compare(pair, partial(_controls, scene, possible))
        return
    show_apart(pair)
    warn_of_sides(pair, on_the_way=False)
    _controls(scene, possible)
    st.info(why_not)
    show_second_opinions(possible)


def _controls(scene: Scene, possible: Scene) -> None:
    """What is compared; possible: the scene with sides that its model can have."""
    preset_picker(possible)
    st.caption(image_caption(scene, scene.view.image))
    set_up_sides(possible)


def _compare(pair: Pair, show_controls: Callable[[], None]) -> None:
    scene, a, b = pair.scene, pair.a, pair.b
    found = decomposed(scene, a, b)
    show_difference(pair, found)
    warn_of_sides(pair, on_the_way=found is not None)
    headline, controls = st.columns([1, 3], gap="medium")
    with headline:
        show_headline(pair.comparison)
    with controls:
        show_controls()
    show_other_metrics(pair.comparison)
    _explain(pair, found)
    opinions = st.container()  # filled last: nothing waits for it
    show_drawing_causes(scene, a)
    show_spread(pair)
    offer(pair_files(pair, found), slide=lambda: pair_slide(pair))
    with opinions:
        show_second_opinions(scene)


def _explain(pair: Pair, found: xl.Decomposition | None) -> None:
    """Why the two differ, with the maps from a to b beside the causes."""
    if found is not None:
        say_causes(found, pair.comparison)
    if found is None or not differ(found):
        show_way(pair, found)
        return
    way, causes = st.columns(2, gap="medium")
    with way:
        show_way(pair, found)
    with causes:
        show_waterfall(found)


show_page(
    "disagreement",
    _draw,
    layers=comparison_steps,
    line=Line(drawing=False, modules=False),
    of_pictures="compares programs that enlarge maps of pictures, each in its own way",
)
