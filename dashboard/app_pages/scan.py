"""The two sides of the disagreement page on many images: how far apart, for which images, for which reasons."""

from functools import partial

import streamlit as st

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.scan.results import show_charts, show_example, show_results
from dashboard.topics.scan.run import show_scan
from dashboard.topics.sides.side import possible_scene
from dashboard.topics.sides.sides import comparison_steps, preset_picker, say_stand_in, set_up_sides
from dashboard.view.scene import Scene
from dashboard.widgets.selection import offer_without, selected_images, show_counts, show_filters


def _draw(scene: Scene) -> None:
    possible, chosen = possible_scene(scene), selected_images(scene)
    results, selection = st.columns([3, 1], gap="medium")
    with results:
        if len(chosen):
            drawn = partial(show_charts, scene), partial(show_results, scene), partial(show_example, scene)
            show_scan(possible, chosen, *drawn)
        else:
            offer_without(scene)
    with selection:
        show_counts(scene, chosen)
        show_filters(scene, sortable=False)
        preset_picker(possible)
        say_stand_in(scene, possible)
    set_up_sides(possible)
    st.caption("The same from a terminal, also for a cluster: `python -m explain_lib scan --help`.")


show_page(
    "scan",
    _draw,
    layers=comparison_steps,
    line=Line(drawing=False, modules=False),
    over_set=True,
    of_pictures="compares two programs on pictures",
)
