"""The two sides of the disagreement page on many images: how far apart, for which images, for which reasons."""

from functools import partial

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.scan.results import show_results
from dashboard.topics.scan.run import show_scan
from dashboard.topics.sides.sides import show_sides
from dashboard.view.scene import Scene
from dashboard.widgets.selection import offer_without, selected_images, show_counts, show_filters
from dashboard.widgets.steps import side_steps


def _draw(scene: Scene) -> None:
    if not show_sides(scene):
        return
    show_filters(scene, sortable=False)
    chosen = selected_images(scene)
    show_counts(scene, chosen)
    if len(chosen):
        show_scan(scene, chosen, partial(show_results, scene))
    else:
        offer_without(scene)
    st.caption("The same from a terminal, also for a cluster: `python -m explain_lib scan --help`.")


show_page("scan", _draw, layers=side_steps, over_set=True)
