"""Any two Grad-CAMs of one image, subtracted pixel by pixel."""

from math import isnan

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_figure import Scale, diverging, map_picture, sequential
from dashboard.frame.page import show_page
from dashboard.topics.sides.causes import cause_values, decomposed, show_causes
from dashboard.topics.sides.difference_figure import histogram_figure
from dashboard.topics.sides.drawing_causes import show_drawing_causes
from dashboard.topics.sides.flicker import show_flicker
from dashboard.topics.sides.metric_row import show_metrics
from dashboard.topics.sides.second_opinions import show_second_opinions
from dashboard.topics.sides.side import Side, batch_of, common_scale, make_side, pair_slide
from dashboard.topics.sides.sides import show_sides
from dashboard.topics.sides.stepper import show_steps
from dashboard.view import terms
from dashboard.view.address import bound
from dashboard.view.captions import grid_caption, image_caption, picture_words, target_caption, target_name
from dashboard.view.record import TakeHome, arrays_file, offer, settings_file
from dashboard.view.scene import Scene
from dashboard.view.snippets import disagreement_snippet
from dashboard.widgets.charts import show_chart
from dashboard.widgets.layer_steps import side_steps
from dashboard.widgets.map_card import NO_DIFFERENCE, MapCard, show_map
from dashboard.widgets.pictures import show_picture
from dashboard.widgets.presentation import enlarged
from explain_lib.base.maps import Map
from explain_lib.base.words import percent
from explain_lib.compare.comparison import METRICS
from explain_lib.pictures.rendering import Picture, png

CARD_WIDTH = 280
FLICKER_SIDE = 256


def _draw(scene: Scene) -> None:
    if not show_sides(scene):
        return
    a, b = make_side(scene, "a"), make_side(scene, "b")
    st.caption(f"{scene.view.model} · {image_caption(scene, scene.view.image)} · explained: {target_caption(scene)}")
    why_not = _not_comparable(a, b)
    if why_not:
        st.info(why_not)
        with st.grid(min_column_width=enlarged(CARD_WIDTH), gap="small"):
            for key, side in {"map-a": a, "map-b": b}.items():
                with st.container():
                    show_map(MapCard(side.title, side.how, side.values, _scale(side, side)), {"value": side.values}, key)
        show_second_opinions(scene)
        return
    _compare(scene, a, b)


def _compare(scene: Scene, a: Side, b: Side) -> None:
    comparison = xl.compare(a.values, b.values)
    show_metrics(comparison)
    found = decomposed(scene, a, b)
    under_pointer = {"a": a.values, "b": b.values, "b − a": comparison.difference, **cause_values(found)}
    with st.grid(min_column_width=enlarged(CARD_WIDTH), gap="small"):
        for key, card in _cards(a, b, comparison).items():
            with st.container():
                show_map(card, under_pointer, key)
    if found is not None:
        show_causes(found, comparison)
        show_steps(scene, a, b, found)
    opinions = st.container()  # filled last: nothing waits for it
    show_drawing_causes(scene.picture, a)
    _below(scene, a, b, comparison)
    _take_home(scene, a, b, comparison, found)
    with opinions:
        show_second_opinions(scene)


def _not_comparable(a: Side, b: Side) -> str | None:
    if a.values.shape != b.values.shape:
        sizes = f"a has {grid_caption(a.values.shape)} cells and b {grid_caption(b.values.shape)}"
        return f"{sizes}, so they cannot be subtracted. The same “resize” on both sides makes them comparable."
    broken = [side.title for side in (a, b) if not np.isfinite(side.values).all()]
    if broken:
        return f"{' and '.join(broken)}: the map holds NaN or infinity, so there is nothing to compare."
    return None


def _scale(a: Side, b: Side) -> Scale:
    return common_scale((a.values, b.values), (a, b))


def _cards(a: Side, b: Side, comparison: xl.Comparison) -> dict[str, MapCard]:
    signed, size, peak = comparison.difference, abs(comparison.difference), comparison.max_abs or 1.0
    scale = _scale(a, b)
    which = f"Red: b is larger. Blue: a is larger. White: they agree. The range ends at the largest difference, {peak:.3g}."
    row, column = divmod(int(size.argmax()), size.shape[1])
    how_far = (
        f"How far apart the two are. The range ends at the largest difference, at row {row}, column {column}, counted from 0."
    )
    return {
        "map-a": MapCard(a.title, a.how, a.values, scale),
        "map-b": MapCard(b.title, b.how, b.values, scale),
        "map-signed": MapCard("b − a · signed difference", which, signed, diverging(peak), NO_DIFFERENCE),
        "map-size": MapCard("|b − a| · absolute difference", how_far, size, sequential(0, peak), NO_DIFFERENCE),
    }


def _below(scene: Scene, a: Side, b: Side, comparison: xl.Comparison) -> None:
    chart, places = st.columns([1, 1], gap="medium")
    with chart:
        st.markdown("**How the differences are spread**", help=terms.HISTOGRAM)
        show_chart(
            histogram_figure(comparison.difference),
            key="histogram",
            alt=_histogram_words(comparison.difference),
        )
    with places, st.container(horizontal=True, gap="medium"):
        with st.container(width="content"):
            st.markdown("**The picture**")
            show_picture(scene.picture, "", picture_words(scene, scene.view.image), side=FLICKER_SIDE)
        with st.container(width=FLICKER_SIDE):
            _flicker(scene, a, b)


def _histogram_words(difference: Map) -> str:
    below, equal = float((difference < 0).mean()), float((difference == 0).mean())
    largest = float(np.abs(difference).max())
    return (
        f"Histogram of b − a over all pixels, within {largest:.3f} of zero: {percent(below)} of the pixels are below it, "
        f"{percent(equal)} at it"
    )


def _flicker(scene: Scene, a: Side, b: Side) -> None:
    st.toggle("Flicker between a and b", **bound("flicker", scene.view.flicker), help=terms.FLICKER)
    if scene.view.flicker:
        scale = _scale(a, b)
        show_flicker(
            map_picture(a.values, scale, FLICKER_SIDE),
            map_picture(b.values, scale, FLICKER_SIDE),
            a.title,
            b.title,
            FLICKER_SIDE,
        )
    else:
        with st.container(key="aside-flicker"):
            st.caption("Shows the two maps in turn in one place: what differs seems to move.")


def _take_home(scene: Scene, a: Side, b: Side, comparison: xl.Comparison, found: xl.Decomposition | None) -> None:
    view, target = scene.view, scene.target
    batch = batch_of(scene, a.configuration, b.configuration)
    one = len(range(batch.start, batch.stop)) == 1
    arrays: dict[str, Map | Picture] = {
        "a": a.values,
        "b": b.values,
        "difference": comparison.difference,
        "picture": scene.picture,
    }
    if found is not None:
        arrays |= {f"cause_{name}": values for name, values in found.cause_maps.items()}
    details: dict[str, object] = {
        letter: {"program": side.configuration.program, **side.configuration.settings.as_dict()}
        for letter, side in (("a", a), ("b", b))
    }
    numbers = {metric.name: float(getattr(comparison, metric.name)) for metric in METRICS}
    details["comparison"] = {name: None if isnan(value) else value for name, value in numbers.items()}
    details["causes"] = None if found is None else dict(found.causes)
    scale = _scale(a, b)
    offer(
        TakeHome(
            name=f"image{view.image}-{view.model}-a-b-{target_name(target, scene.model.classes)}",
            picture=lambda: png(np.concatenate([map_picture(side.values, scale, FLICKER_SIDE) for side in (a, b)], axis=1)),
            arrays=lambda: arrays_file(arrays),
            settings=lambda: settings_file(view, scene.model, target, details),
            snippet=lambda: disagreement_snippet(
                view,
                target,
                target_caption(scene),
                a.configuration,
                b.configuration,
                batch,
                "the image alone" if one else "the notebook's batch of four",
                causes=found is not None,
                pixels=scene.picture_set.snippet(scene.model),
                model=scene.load_call,
            ),
        ),
        slide=lambda: pair_slide(scene, a, b, xl.Drawing(signed=scale.low < 0), scale.high),
    )


show_page("disagreement", _draw, layers=side_steps)
