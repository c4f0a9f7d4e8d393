"""The two sides of the disagreement page on many images: how far apart, for which images, for which reasons."""

from functools import partial

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.scan.results import show_example, show_results
from dashboard.topics.scan.run import show_scan
from dashboard.topics.sides.sides import comparison_steps, show_sides
from dashboard.view.scene import Scene
from dashboard.widgets.selection import offer_without, selected_images, show_counts, show_filters


def _draw(scene: Scene) -> None:
    possible = show_sides(scene)
    show_filters(scene, sortable=False)
    chosen = selected_images(scene)
    show_counts(scene, chosen)
    if len(chosen):
        show_scan(possible, chosen, partial(show_results, scene), partial(show_example, scene))
    else:
        offer_without(scene)
    st.caption("The same from a terminal, also for a cluster: `python -m explain_lib scan --help`.")


show_page("scan", _draw, layers=comparison_steps, over_set=True)
