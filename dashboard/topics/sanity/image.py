"""The sanity check of the picked image: the map of the network as it is, and with layers that have forgotten."""

from dataclasses import replace

import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.sanity.check import Check, depth_words, randomised_modules
from dashboard.view import terms
from dashboard.view.address import bound
from dashboard.view.captions import grid_caption, image_caption
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.explained import original_panel, overlay_panel
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from explain_lib.base.maps import MapState, map_state
from explain_lib.base.words import correlation_words

SIDE, THUMBNAIL = 256, 96


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
    """The picture, the map of the network as it is, the map with layers randomised, and those at every depth, each a click
    away.
    """
    scene, state = check.scene, map_state(check.values(0))
    show_stage(Stage((_shown(check), _steps(check)), slider="whole"))
    st.caption(image_caption(scene, scene.view.image))
    st.caption(
        f"Randomised: {randomised_modules(check)}. Its weights are what a training would start from, the same at each visit. "
        f"Under each map its correlation with the original, and what the network then says. "
        f"{placement_words(scene, check.layer)} {drawing_words(scene.view)}"
    )
    if state is not MapState.VARIED:
        flat = f"The map of {check.layer} on this picture is {state.value}"
        st.info(f"{flat}: no map can be compared with it. Try another layer.")


def _shown(check: Check) -> Row:
    scene = check.scene
    randomised = "With layers randomised" if scene.view.mode == "cascading" else "With one layer randomised"
    grid = grid_caption((check.found.maps.shape[2], check.found.maps.shape[3]))
    panels = (
        original_panel(scene, SIDE),
        replace(_overlay(check, 0, SIDE), name="whole", title="The network as it is"),
        replace(
            _overlay(check, check.shown, SIDE), name="randomised", title=randomised, caption=f"layer {check.layer}, {grid}",
            previews=True,
        ),
    )  # fmt: skip
    facts = (
        Fact("Correlation with the original map", correlation_words(check.correlation(check.shown)), terms.SANITY_CORRELATION),
        Fact(
            "The network then says",
            check.says(check.shown),
            "",
            f"Before: {check.says(0)}. Explained in both: {check.explained}.",
        ),
    )
    return Row(panels, facts=facts)


def _steps(check: Check) -> Row:
    """The maps at every depth, the one that is shown marked."""
    how = "Step by step" if check.scene.view.mode == "cascading" else "Layer by layer, each alone,"
    panels = tuple(_thumbnail(check, depth, name) for depth, name in enumerate(["none", *check.found.steps]))
    return Row(panels, f"{how} on this picture", strip=True)


def _thumbnail(check: Check, depth: int, name: str) -> Panel:
    over = _overlay(check, depth, THUMBNAIL)
    return replace(
        over, name=f"depth-{depth}", title=name, help="", drawing=replace(over.drawing, contour=False, border=False),
        caption=f"{correlation_words(check.correlation(depth))}\n{check.says(depth)}",
        action=Action("shows this step", {"randomised": depth}), chosen=depth == check.shown,
        shows="none" if depth == 0 else depth_words(check, depth),
    )  # fmt: skip


def _overlay(check: Check, depth: int, side: int) -> Panel:
    scene = check.scene
    what = "nothing randomised" if depth == 0 else f"randomised {depth_words(check, depth)}"
    words = f"Grad-CAM of layer {check.layer} on {scene.name}, {what}"
    return overlay_panel(scene, check.values(depth), words, side, centres=scene.centres(check.layer))
