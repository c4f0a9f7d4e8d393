"""The sanity check of the picked image: the map of the network as it is, and with layers that have forgotten."""

from dataclasses import replace

import streamlit as st

from dashboard.figures.panel import Action, Panel
from dashboard.topics.sanity.check import Check, Starts, depth_words, randomised_modules, said_words
from dashboard.topics.sanity.part import drawn_part, part_words, picture_part
from dashboard.topics.sanity.words import interval_words, starts_sentence
from dashboard.view import terms
from dashboard.view.captions import cells_caption, image_caption, plain
from dashboard.widgets.awaited import await_work
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.pickers import slice_picker
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import correlation_words, mean_number
from explain_lib.trust.sanity import RandomStarts

SIDE, START, THUMBNAIL = 224, 104, 96
SEEN_WHOLE = 8
"""Of so many levels a presentation shows the pictures too, beside the maps of the chosen one."""


def show_check(check: Check, starts: Starts) -> None:
    """The picture, the map of the network as it is, those of the random starts, and the levels to choose from, each a click
    away.
    """
    scene = check.scene
    show_stage(check_stage(check, starts))
    if starts.found is not None:
        st.markdown(plain(starts_sentence(starts.found)))
    elif starts.work is not None:
        st.caption("Computing the maps of eight random starts; they will appear here.")
        await_work(starts.work)
    st.caption(image_caption(scene, scene.view.image))
    st.caption(
        f"Randomised: {randomised_modules(check)}. The weights are a random start, as before a training, and the same at each "
        f"visit. "
        f"{_drawn(check)}"
    )
    if scene.model.sheet is not None and scene.model.sheet.slices > 1:
        slice_picker(scene, scene.model.sheet)
    state = map_state(check.values(0))
    if state is not MapState.VARIED:
        flat = f"The map of {check.layer} on this picture is {state.value}"
        st.info(f"{flat}, so no map can be compared with it. Try another layer.")


def _drawn(check: Check) -> str:
    """How maps are drawn, and of a volume or a signal that numbers are about all of it."""
    scene, sheet = check.scene, check.scene.model.sheet
    drawing = drawing_words(scene.view)
    if sheet is None:
        return f"{placement_words(scene, check.layer)} {drawing}"
    if not sheet.is_volume:
        return f"Cells are stretched over the signal, drawn as a strip. {drawing}"
    over = f"{drawing.removesuffix('.')}, over all slices."
    return f"Cells are stretched over the slice. {over} Correlations are over all slices, too."


def check_stage(check: Check, starts: Starts) -> Stage:
    """The stage of show_check."""
    levels = len(check.found.steps) + 1
    return Stage((_shown(check, starts), _levels(check)), slider="whole", fits=2 if levels <= SEEN_WHOLE else 1)


def _shown(check: Check, starts: Starts) -> Row:
    scene = check.scene
    grid = cells_caption(scene.model, check.layer)
    whole = replace(
        _overlay(check, 0, SIDE), name="whole", title="The trained network", caption=f"layer {check.layer}, {grid}",
        previews=True,
    )  # fmt: skip
    panels = (_original(check), whole)
    said = Fact("The trained network says", check.says(0), "", f"Explained everywhere: {check.explained}")
    if starts.found is None:
        own = Fact("Correlation with its map", correlation_words(check.correlation(check.shown)), terms.SANITY_CORRELATION)
        return Row(panels, facts=(own, said))
    found = starts.found
    small = tuple(_start(check, found, place) for place in range(len(found.seeds)))
    title = f"{len(small)} random starts, {'all layers' if _is_all(check) else depth_words(check, check.shown)}"
    mean = found.mean
    middle = Fact(
        "Mean correlation with its map",
        mean_number(mean) if mean.images else "not defined",
        terms.SANITY_CORRELATION,
        interval_words(found),
    )
    return Row((*panels, *small), facts=(middle, said), block=len(small), block_title=title)


def _is_all(check: Check) -> bool:
    return check.scene.view.mode == "cascading" and check.shown == len(check.found.steps)


def _start(check: Check, found: RandomStarts, place: int) -> Panel:
    """The map from one random start, with its correlation and what the network then says."""
    words = f"{_what(check, check.shown)}, random start {place + 1}"
    over = _over(check, found.maps[place], words, START)
    correlation = correlation_words(float(found.correlations[place]))
    return replace(
        over, name=f"start-{place + 1}", title=f"start {place + 1}", help="", shows=f"start {place + 1}",
        drawing=replace(over.drawing, contour=False, border=False),
        caption=f"{correlation}\n{said_words(check.scene, found.probabilities[place])}",
    )  # fmt: skip


def _levels(check: Check) -> Row:
    """The maps at every level, from the first start, the one that is shown marked."""
    how = "from the last layer down to" if check.scene.view.mode == "cascading" else "alone"
    panels = tuple(_thumbnail(check, depth, name) for depth, name in enumerate(["none", *check.found.steps]))
    return Row(panels, f"Randomised {how} … (first start of each)", strip=True)


def _thumbnail(check: Check, depth: int, name: str) -> Panel:
    over = _overlay(check, depth, THUMBNAIL)
    return replace(
        over, name=f"depth-{depth}", title=name, help="", drawing=replace(over.drawing, contour=False, border=False),
        caption=f"{correlation_words(check.correlation(depth))}\n{check.says(depth)}",
        action=Action("randomises down to here", {"randomised": depth}), chosen=depth == check.shown,
        shows="none" if depth == 0 else depth_words(check, depth),
    )  # fmt: skip


def _overlay(check: Check, depth: int, side: int) -> Panel:
    return _over(check, check.values(depth), _what(check, depth), side)


def _what(check: Check, depth: int) -> str:
    return "nothing randomised" if depth == 0 else f"randomised {depth_words(check, depth)}"


def _original(check: Check) -> Panel:
    scene, sheet = check.scene, check.scene.model.sheet
    panel = original_panel(scene, SIDE)
    if sheet is None:
        return panel
    title = part_words(scene)
    return replace(
        panel, picture=picture_part(scene, sheet), title=title[0].upper() + title[1:], alt=f"{title} of {scene.name}",
        caption=f"{sheet.one[1]} × {sheet.one[0]} pixels" if sheet.is_volume else "", action=None, place=_place(check),
    )  # fmt: skip


def _over(check: Check, values: Map, what: str, side: int) -> Panel:
    scene = check.scene
    words = f"Grad-CAM of layer {check.layer} on {scene.name}, {what}"
    if scene.model.sheet is None:
        return overlay_panel(scene, values, words, side, centres=scene.centres(check.layer))
    part = drawn_part(scene, check.layer, values)
    over = overlay_panel(scene, part.values, f"{words}, {part.words}", side, part.reach)
    zero = "Zero in this slice." if scene.model.sheet.is_volume else over.when_zero
    return replace(over, picture=part.picture, when_zero=zero, place=_place(check))


def _place(check: Check) -> str:
    """The place that panels of a slice, or of a signal, show."""
    return f"{place_of(check.scene)}-{part_words(check.scene)}".replace(" ", "-")
