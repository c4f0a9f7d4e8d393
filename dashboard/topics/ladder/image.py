"""The layer ladder of the picked image: every row with its map and numbers, and the effect of removing pixels."""

import numpy as np
import streamlit as st

from dashboard.figures.map_figure import overlay_or_picture
from dashboard.figures.map_words import where_words
from dashboard.topics.ladder.columns import ROW_MEANINGS, columns
from dashboard.topics.ladder.figure import curves_figure, curves_words, least_first_curve, removal_curve
from dashboard.topics.ladder.measured import asked_layer, curve_caption, curve_title, left_over
from dashboard.view.captions import grid_caption, plain
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.job_run import show_job
from dashboard.widgets.number_table import Cell, Row, show_number_table
from dashboard.widgets.pictures import show_picture
from dashboard.widgets.presentation import enlarged
from explain_lib.base.maps import MapState, map_state
from explain_lib.base.words import number, percent
from explain_lib.trust.faithfulness import pixel_ranks, removal_pictures
from explain_lib.trust.ladder import (
    ASKED_PER_ROW,
    BASELINES,
    CENTRE,
    OPINIONS,
    RANDOM,
    CurvesRequest,
    LadderCurves,
    ladder_curves,
)
from explain_lib.trust.ladder_summary import Ranking, rank_ladder, ranking_sentence, summarise_ladder
from explain_lib.trust.measures import FILL_WORDS, FILLS, Fill

FLAT_WORDS = (
    " A map that is zero or constant ranks no pixel: its numbers are those of pixels that go row by row from the top, and say "
    "nothing of the layer."
)
AT_ONCE = 64 * 64
"""The most pixels of a picture with which the page measures without being asked to."""
OTHER_ROWS = 1 + len(OPINIONS) + len(BASELINES)
SIDE = 116
STEPS = (4, 8, 12)
"""Sixteenths of the pixels that are removed in the pictures: a quarter, a half, three quarters."""


def show_image_ladder(scene: Scene) -> None:
    """The picked image's sentence and table, and beside it curves and pictures of the chosen layer."""
    layer, offered = scene.layer, scene.offered_layers
    pixels, image, target, asked_at = scene.images.pixels, scene.view.image, scene.view.target, asked_layer(layer)
    height, width = scene.model.input_size
    if height * width <= AT_ONCE:
        found = ladder_curves(scene.model, pixels, image, offered, target, asked_at)
        _show(scene, layer, found)
        return
    request = CurvesRequest(scene.model, pixels, np.array([image]), offered, target, asked_at)
    asked = ASKED_PER_ROW * (len(offered) + OTHER_ROWS)
    nothing = f"The network would be asked about {asked:,} pictures of {height} × {width} pixels, which may take minutes."
    show_job(request, "Measure", lambda curves, _: _show(scene, layer, curves), what="The measurement", nothing=nothing)


def _show(scene: Scene, layer: str, found: LadderCurves) -> None:
    ranking = rank_ladder(found.rows, scene.view.measure, scene.view.fill)
    st.markdown(plain(ranking_sentence(ranking, summarise_ladder(found.rows))))
    table, curve = st.columns([9, 5], gap="medium")
    with table:
        _table(scene, found, layer, ranking)
    with curve:
        _curves(scene, found, layer)
    _pictures(scene, found, layer)


def _table(scene: Scene, found: LadderCurves, layer: str, ranking: Ranking) -> None:
    view = scene.view
    place = "Of all rows on this one image, by the measure that ranks; 1 is best"
    places = [ranking.order.index(rung.name) + 1 for rung in found.rows.rungs]
    drawn = [_row(scene, found, column, place, layer) for column, place in enumerate(places)]
    show_number_table(columns(view, place=place), drawn, f"Layer ladder of {scene.name}")
    st.caption(
        "Layers in the order of the forward pass; then rows to measure them against. The maps are enlarged bilinearly and "
        f"drawn over the picture in {view.palette}, each divided by its own maximum: in this order pixels are removed. "
        f"The row of {layer}, the chosen layer, is shaded; the other methods of the package are asked at the same layer."
        f"{FLAT_WORDS if found.rows.flat.any() else ''}"
    )


def _row(scene: Scene, found: LadderCurves, column: int, place: int, layer: str) -> Row:
    rows, values = found.rows, found.maps.maps[0, column]
    rung, fill = rows.rungs[column], FILLS.index(scene.view.fill)
    by_fill = rows.deletion[0, column, fill], rows.insertion[0, column, fill]
    numbers = (*by_fill, rows.road[0, column], rows.edges[0, column], rows.centre[0, column])
    first, last = "none" if rows.flat[0, column] else str(place), grid_caption(rung.grid) if rung.grid else ""
    cells = [Cell(first), *(Cell(_number(one)) for one in numbers), Cell(last)]
    # baselines have no zero of their own, and are drawn from their lowest value
    painted = np.asarray(values - values.min()) if rung.kind == "baseline" else values
    picture = overlay_or_picture(scene.picture, painted, scene.drawing, None, SIDE)
    state, badge, alt = map_state(values), "", f"Map of {rung.name} over {scene.name}; {where_words(values)}"
    if state is not MapState.VARIED:
        badge, alt = f"{state.value} map", f"The picture alone, the map of {rung.name} is {state.value}"
    return Row(rung.name, rung.kind, cells, (picture, alt), badge, rung.name == layer, ROW_MEANINGS.get(rung.name, ""))


def _number(value: float) -> str:
    return "none" if np.isnan(value) else number(float(value))


def _curves(scene: Scene, found: LadderCurves, layer: str) -> None:
    """The curve whose mean a row's number is, beside those of two orders that ask no network."""
    view, names = scene.view, [rung.name for rung in found.rows.rungs]
    st.markdown(f"**{curve_title(scene)}, by the map of {plain(layer)}**")
    axis = "pixels shown" if view.measure == "insertion" else "pixels removed"
    curves = [
        removal_curve(found.curves, names.index(name), name, view.measure, view.fill)
        for name in dict.fromkeys((layer, CENTRE, RANDOM))
    ]
    if view.measure == "road":
        curves.append(least_first_curve(found.curves, names.index(layer), layer))
    show_chart(curves_figure(curves, axis), key="removal-curves", alt=curves_words(curves, axis))
    st.caption(curve_caption(scene, found))


def _pictures(scene: Scene, found: LadderCurves, layer: str) -> None:
    """The pictures that the network was asked about: the same pixels removed, with each fill."""
    place = [rung.name for rung in found.rows.rungs].index(layer)
    if found.rows.flat[0, place]:
        which = f"the map of {plain(layer)} puts no pixel first, and they go row by row from the top"
    else:
        which = f"the pixels that the map of {plain(layer)} puts first are gone"
    st.markdown(f"**What the network sees: {which}, under three fills**")
    with st.grid(min_column_width=enlarged(3 * SIDE + 8), gap="small"):
        for fill in FILLS:
            with st.container():
                _fill_row(scene, found, place, fill)


def _fill_row(scene: Scene, found: LadderCurves, place: int, fill: Fill) -> None:
    """The picture with a quarter, a half and three quarters of its pixels replaced, each with the probability that is left."""
    order = pixel_ranks(found.maps.maps[0, place])
    shown = removal_pictures(scene.model, scene.picture, scene.view.image, order, fill, STEPS)
    words, name = FILL_WORDS[fill], scene.model.classes[int(found.rows.explained[0])]
    picked = scene.name[0].upper() + scene.name[1:]
    st.caption(words[0].upper() + words[1:])
    with st.container(horizontal=True, gap="xxsmall"):
        for step, picture in zip(STEPS, shown, strict=True):
            left = percent(left_over(found, place, fill, step))
            share = f"{100 * step // 16} %"
            alt = f"{picked} with {share} of its pixels replaced by {words}; {name} is left with {left}"
            with st.container(width=SIDE):
                show_picture(picture, f"{share} gone: {left}", alt, SIDE)
