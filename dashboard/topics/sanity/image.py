"""The sanity check of the picked image: the map of the network as it is, and with layers that have forgotten."""

import streamlit as st

from dashboard.topics.sanity.check import Check, depth_words, randomised_modules
from dashboard.view import terms
from dashboard.view.address import bound
from dashboard.view.captions import grid_caption
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import show_original
from dashboard.widgets.map_card import show_overlay
from dashboard.widgets.pickers import choose_button
from explain_lib.base.maps import MapState, map_state
from explain_lib.base.words import correlation_words

SIDE, THUMBNAIL = 256, 112


def depth_slider(check: Check) -> None:
    """The slider for the number of layers that have forgotten."""
    names = ["none", *check.found.steps]
    st.select_slider(
        "Randomised down to" if check.scene.view.mode == "cascading" else "Randomised alone",
        range(len(names)),
        **bound("randomised", check.shown),
        format_func=names.__getitem__,
        help="Left: the network as it was trained. Each step makes one more layer forget, from the last one back to the first.",
    )


def show_check(check: Check) -> None:
    """The picture, the map of the network as it is, and the map with layers randomised."""
    st.caption(
        f"Randomised: {randomised_modules(check)}. Its weights are what a training would start from, the same at each visit."
    )
    scene, state = check.scene, map_state(check.values(0))
    if state is not MapState.VARIED:
        flat = f"The map of {check.layer} on this picture is {state.value}"
        st.info(f"{flat}: no map can be compared with it. Try another layer.")
    with st.container(horizontal=True, gap="small"):
        show_original(scene, SIDE)
        with st.container(width=SIDE):
            st.markdown("**The network as it is**", help=terms.OVERLAY)
            _overlay(check, 0, SIDE, drawing_words(scene.view))
        with st.container(width=SIDE):
            st.markdown("**With layers randomised**" if scene.view.mode == "cascading" else "**With one layer randomised**")
            _overlay(check, check.shown, SIDE, f"layer {check.layer}, {grid_caption(check.found.maps.shape[2:])}")
        with st.container(width=SIDE):
            correlation = correlation_words(check.correlation(check.shown))
            st.metric("Correlation with the original map", correlation, help=terms.SANITY_CORRELATION)
            st.metric("The network then says", check.says(check.shown))
            st.caption(f"Before: {check.says(0)}. Explained in both: {check.explained}.")


def _overlay(check: Check, depth: int, side: int, caption: str = "") -> None:
    scene = check.scene
    what = "nothing randomised" if depth == 0 else f"randomised {depth_words(check, depth)}"
    words = f"Grad-CAM of layer {check.layer} on {scene.name}, {what}"
    show_overlay(scene.picture, check.values(depth), scene.drawing, None, words, side, caption)


def show_steps(check: Check) -> None:
    """The maps at every depth, the one that is shown marked, each with a button that shows it."""
    with st.container(horizontal=True, gap="small"):
        for depth, name in enumerate(["none", *check.found.steps]):
            with st.container(width=THUMBNAIL + 8, gap="xsmall"):
                choose_button(name, f"choose-depth-{depth}", chosen=depth == check.shown, randomised=depth)
                _overlay(check, depth, THUMBNAIL)
                mark = " · shown" if depth == check.shown else ""
                st.caption(f"{correlation_words(check.correlation(depth))}{mark}  \n{check.says(depth)}")
