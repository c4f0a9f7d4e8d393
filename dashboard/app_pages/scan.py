"""The two sides of the disagreement page on many images: how far apart, for which images, for which reasons."""

import streamlit as st

from dashboard.components.layer_steps import side_steps
from dashboard.components.page import show_page
from dashboard.components.scan_results import show_results
from dashboard.components.scan_run import show_scan
from dashboard.components.scene import Scene
from dashboard.components.selection import offer_without, selected_images, show_counts, show_filters
from dashboard.components.sides import show_sides


def _draw(scene: Scene) -> None:
    if not show_sides(scene):
        return
    show_filters(scene, sortable=False)
    chosen = selected_images(scene)
    show_counts(scene, chosen)
    if len(chosen):
        show_scan(scene, chosen, lambda rows, more: show_results(scene, rows, more))
    else:
        offer_without(scene)
    st.caption(
        "The same from a terminal, also for a cluster: `python -m explain_lib scan --help`.",
    )


show_page("scan", _draw, layers=side_steps, over_set=True)
