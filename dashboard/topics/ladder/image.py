"""The layer ladder of the picked image: every row with its map and numbers, and the effect of removing pixels."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.panel import Action, Panel
from dashboard.topics.ladder.advice import advice_fact
from dashboard.topics.ladder.columns import ALL_NUMBERS, FILL_HELP, FILLS_ON_OFFER, MEASURE_HELP, ROW_MEANINGS, columns
from dashboard.topics.ladder.figure import curves_figure, curves_words, least_first_curve, removal_curve
from dashboard.topics.ladder.measured import (
    asked_layer,
    curve_caption,
    curve_title,
    curves_request,
    image_layers,
    left_over,
    patches_caption,
)
from dashboard.topics.ladder.patches import loss_panel, patches_figure, patches_words, sums_panel
from dashboard.topics.sides.plus_plus import PLUS_PLUS, plus_plus_warning, show_plus_plus
from dashboard.view import terms
from dashboard.view.captions import grid_caption, image_caption, plain, short_layer
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.job_run import Example, is_done, rows_so_far, show_job
from dashboard.widgets.number_table import Cell, Row, show_number_table
from dashboard.widgets.pickers import choice
from dashboard.widgets.stage import Fact, Stage, show_stage
from dashboard.widgets.stage import Row as Panels
from explain_lib.base.maps import MapState, map_state
from explain_lib.base.words import fine
from explain_lib.networks.task_words import value_words
from explain_lib.passes.tasks import segments
from explain_lib.trust.by_row import is_large
from explain_lib.trust.faithfulness import pixel_ranks, removal_pictures
from explain_lib.trust.ladder import ASKED_PER_IMAGE, ASKED_PER_ROW, CENTRE, RANDOM, LadderCurves, ladder_curves
from explain_lib.trust.ladder_summary import Ranking, measured, rank_ladder, ranking_sentence, summarise_ladder
from explain_lib.trust.measures import FILL_WORDS, FILLS, MEASURE_WORDS, Fill, direction_words, measure_words

FLAT_WORDS = (
    " A map that is zero or constant ranks no pixel: its numbers come from removing pixels row by row from the top, and say "
    "nothing about the layer."
)
KEPT_WORDS = "Results stay if you stop, leave the page or close the browser; the next visit goes on from there."
SIDE, THUMBNAIL, REMOVED = 224, 96, 128
STRIP = "All rows, each with its rank and its number; click a layer to choose it"
STEPS = (4, 8, 12)
"""Sixteenths of the pixels that are removed in the pictures: a quarter, a half, three quarters."""


def show_image_ladder(scene: Scene) -> Callable[[], None]:
    """The picked image with the maps of all rows, and the controls; the call that shows its sentence, curves and table.

    Of a large picture these come with its rows, and the call shows nothing more.
    """
    if is_large(scene.model):
        _show_by_row(scene)
        _controls(scene)
        return lambda: None
    layer, found = scene.layer, image_ladder(scene)
    _maps(scene, found, layer)
    _controls(scene)
    return partial(_on_this_picture, scene, layer, found)


def _on_this_picture(scene: Scene, layer: str, found: LadderCurves) -> None:
    st.header("This picture alone", anchor=False)
    _numbers(scene, layer, found)


def _show_by_row(scene: Scene) -> None:
    """The ladder of a large picture, also while it is measured: first what is the same whichever layer is chosen."""
    layer = scene.layer
    asked_at = asked_layer(layer)
    base = curves_request(scene)
    whole = replace(base, opinions=asked_at)
    request = whole if is_done(whole) or is_done(base) else base
    known = rows_so_far(request) or rows_so_far(base)
    if known is None:
        show_stage(Stage((Panels((original_panel(scene, SIDE, "alone"),)),), key="stage-alone"))
    height, width = scene.model.input_size
    asked = (
        f"The network has to see {ASKED_PER_ROW * request.rungs + ASKED_PER_IMAGE:,} pictures of {height} × {width} pixels, "
        f"{ASKED_PER_ROW} for each of {request.rungs} rows, the ends of stages first, and {ASKED_PER_IMAGE} for the single "
        f"deletion of all. {KEPT_WORDS}"
    )

    def show(found: LadderCurves, _: bool) -> None:
        _maps(scene, found, layer)
        if len(found.rows.rungs) == whole.rungs:
            _numbers(scene, layer, found)
        else:
            _numbers_so_far(scene, layer, found, request.rungs)

    nothing = asked if known is None else Example(known, partial(show, known, True))
    show_job(request, "Measure", show, what="The measurement", nothing=nothing, by_itself=True)


def _numbers_so_far(scene: Scene, layer: str, found: LadderCurves, rows: int) -> None:
    """The sentence and the table of the rows that are measured, of so many."""
    ranking = rank_ladder(found.rows, scene.view.measure, scene.view.fill)
    st.caption(f"So far, {len(found.rows.rungs)} of {rows} rows. {KEPT_WORDS}")
    st.markdown(plain(ranking_sentence(ranking, summarise_ladder(found.rows))))
    _table(scene, found, layer, ranking)


def _controls(scene: Scene) -> None:
    """The measure that ranks, and what stands in the place of removed pixels."""
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choice("measure", "Rank by", MEASURE_WORDS, view.measure, MEASURE_HELP + terms.see("road"))
        choice("fill", "Removed pixels become", FILLS_ON_OFFER, view.fill, FILL_HELP)
    st.caption(image_caption(scene, scene.view.image))


def _numbers(scene: Scene, layer: str, found: LadderCurves) -> None:
    ranking = rank_ladder(found.rows, scene.view.measure, scene.view.fill)
    st.markdown(plain(ranking_sentence(ranking, summarise_ladder(found.rows))))
    curve, others = st.columns(2, gap="medium")
    with curve:
        _curves(scene, found, layer)
    with others:
        _pictures(scene, found, layer)
    asked_at = asked_layer(layer)
    if asked_at is not None:
        asked = [xl.package_settings((asked_at,), PLUS_PLUS)]
        words = plus_plus_warning(scene.model, scene.seen[None], scene.asked, asked, scene.name)
        show_plus_plus(words, small=True)
    with st.expander(ALL_NUMBERS):
        _table(scene, found, layer, ranking)


# Section: the maps


def _maps(scene: Scene, found: LadderCurves, layer: str) -> None:
    """The picture, the map of the chosen layer, what is left when its pixels go, and the maps of all rows; a click on a layer's
    chooses it.
    """
    show_stage(ladder_stage(scene, found, layer, advice_fact(scene)))


def image_ladder(scene: Scene) -> LadderCurves:
    """The ladder of the picked image, measured at once."""
    view, layers = scene.view, image_layers(scene)
    return ladder_curves(scene.model, scene.images.pixels, view.image, layers, scene.asked, asked_layer(scene.layer))


def ladder_stage(scene: Scene, found: LadderCurves, layer: str, advised: Fact | None = None) -> Stage:
    """The stage of the picked image. layer: the chosen one. advised: the layer to hook, where that is known."""
    names = [rung.name for rung in found.rows.rungs]
    order = rank_ladder(found.rows, scene.view.measure, scene.view.fill).order
    places = [order.index(name) + 1 for name in names]
    thumbnails = tuple(_thumbnail(scene, found, column, place, layer) for column, place in enumerate(places))
    strip = Panels(thumbnails, STRIP, strip=True)
    if layer not in names:  # its row is still to come
        return Stage((Panels((original_panel(scene, SIDE, "alone"),)), strip), key="stage-so-far")
    column = names.index(layer)
    chosen = replace(_overlay(scene, found, column, SIDE), title=f"Map of {layer}", name="chosen", previews=True)
    panels = original_panel(scene, SIDE), chosen, *_asked(scene, found, column, scene.view.fill)
    facts = [*_facts(scene, found, column, places[column]), *([] if advised is None else [advised])]
    main = Panels(panels, facts=tuple(facts))
    return Stage((main, strip), slider="chosen", fits=2)


def _asked(scene: Scene, found: LadderCurves, column: int, fill: Fill) -> tuple[Panel, ...]:
    """What the network was asked about with a fill: pixels removed in order, or each patch alone."""
    if scene.view.measure == "single-deletion":
        return sums_panel(scene, found, column, REMOVED), loss_panel(scene, found, fill, REMOVED)
    return _without(scene, found, column, fill)


def _facts(scene: Scene, found: LadderCurves, column: int, place: int) -> Iterator[Fact]:
    rows, measure = found.rows, scene.view.measure
    by = f"by {measure_words(measure, scene.view.fill)}"
    yield Fact("Its rank among these rows", "none" if rows.flat[0, column] else f"{place} of {len(rows.rungs)}", "", by)
    value, name = float(measured(rows, measure, scene.view.fill)[0, column]), MEASURE_WORDS[measure]
    yield Fact(f"{name[0].upper()}{name[1:]}", _number(value), MEASURE_HELP, direction_words(measure))


def _thumbnail(scene: Scene, found: LadderCurves, column: int, place: int, layer: str) -> Panel:
    rung, rows = found.rows.rungs[column], found.rows
    value = _number(float(measured(rows, scene.view.measure, scene.view.fill)[0, column]))
    over = _overlay(scene, found, column, THUMBNAIL)
    title = short_layer(rung.name) if rung.kind == "layer" else rung.name.partition(f" at {rung.asked_at}")[0]
    title += ", placed" if rung.kind == "placed" else ""
    over = replace(
        over, name=f"row-{column}", title=title, caption="not ranked" if rows.flat[0, column] else f"no. {place} · {value}",
        drawing=replace(over.drawing, contour=False), shows=rung.name,
    )  # fmt: skip
    if rung.kind != "layer":
        return replace(over, shows="")
    return replace(over, action=Action("shows this layer", {"layer": rung.name}), chosen=rung.name == layer)


def _overlay(scene: Scene, found: LadderCurves, column: int, side: int) -> Panel:
    """The map of a row over the picture. Baselines have no zero of their own, and are drawn from their lowest value."""
    rung, values = found.rows.rungs[column], found.maps.maps[0, column]
    painted = np.asarray(values - values.min()) if rung.kind == "baseline" else values
    return replace(overlay_panel(scene, painted, f"map of {rung.name} on {scene.name}", side), help="")


# Section: the table and the curves


def _table(scene: Scene, found: LadderCurves, layer: str, ranking: Ranking) -> None:
    view = scene.view
    place = "Rank among all rows on this one image, by the chosen measure; 1 is best"
    places = [ranking.order.index(rung.name) + 1 for rung in found.rows.rungs]
    drawn = [_row(scene, found, column, place, layer) for column, place in enumerate(places)]
    show_number_table(columns(view, place=place, value=scene.task_words.measured), drawn, f"Layer ladder of {scene.name}")
    st.caption(
        "Layers in the order of the forward pass, then rows for comparison. The maps are enlarged bilinearly and drawn over "
        f"the picture in {view.palette}, each divided by its own maximum; pixels are removed from the highest to the lowest. "
        f"The row of the chosen layer, {layer}, is shaded; other methods use the same layer."
        f"{FLAT_WORDS if found.rows.flat.any() else ''}"
    )


def _row(scene: Scene, found: LadderCurves, column: int, place: int, layer: str) -> Row:
    rows, state = found.rows, map_state(found.maps.maps[0, column])
    rung, fill = rows.rungs[column], FILLS.index(scene.view.fill)
    by_fill = rows.deletion[0, column, fill], rows.insertion[0, column, fill]
    single = rows.single_deletion[0, column, fill]
    numbers = (*by_fill, rows.road[0, column], single, rows.edges[0, column], rows.centre[0, column])
    first, last = "none" if rows.flat[0, column] else str(place), grid_caption(rung.grid) if rung.grid else ""
    cells = [Cell(first), *(Cell(_number(one)) for one in numbers), Cell(last)]
    badge = "" if state is MapState.VARIED else f"{state.value} map"
    return Row(rung.name, rung.kind, cells, badge, rung.name == layer, ROW_MEANINGS.get(rung.name, ""))


def _number(value: float) -> str:
    return "none" if np.isnan(value) else fine(value)


def _curves(scene: Scene, found: LadderCurves, layer: str) -> None:
    """The curve whose mean a row's number is, beside those of two baselines that never look at the network."""
    view, names = scene.view, [rung.name for rung in found.rows.rungs]
    st.markdown(f"**{curve_title(scene)}, by the map of {plain(layer)}**")
    if view.measure == "single-deletion":
        _patches(scene, found, {name: names.index(name) for name in dict.fromkeys((layer, CENTRE))})
        return
    axis = "pixels shown" if view.measure == "insertion" else "pixels removed"
    curves = [
        removal_curve(found.curves, names.index(name), name, view.measure, view.fill)
        for name in dict.fromkeys((layer, CENTRE, RANDOM))
    ]
    if view.measure == "road":
        curves.append(least_first_curve(found.curves, names.index(layer), layer))
    show_chart(
        curves_figure(curves, axis, scene.model.task), key="removal-curves", alt=curves_words(curves, axis, scene.model.task)
    )
    st.caption(curve_caption(scene, found))


def _patches(scene: Scene, found: LadderCurves, columns: Mapping[str, int]) -> None:
    """The loss of each patch by its rank, whose correlation a row's number is."""
    fill = scene.view.fill
    show_chart(patches_figure(found, columns, fill), key="patches", alt=patches_words(found, tuple(columns), fill))
    st.caption(patches_caption(scene, found))


# Section: what the network was asked about


def _pictures(scene: Scene, found: LadderCurves, layer: str) -> None:
    """What the network was asked about with the other fills: the same pixels removed, or each patch alone."""
    if scene.view.measure == "single-deletion":
        st.markdown("**What the score loses without each patch, with the other fills**")
        panels = tuple(loss_panel(scene, found, fill, SIDE) for fill in FILLS if fill != scene.view.fill)
        show_stage(Stage((Panels(panels),), key="stage-losses", line_after=None))
        return
    place = [rung.name for rung in found.rows.rungs].index(layer)
    if found.rows.flat[0, place]:
        which = f"the map of {plain(layer)} ranks no pixel, so they go row by row from the top"
    else:
        which = f"the highest pixels of the map of {plain(layer)} are gone"
    st.markdown(f"**What the network sees with the other fills: {which}**")
    others = [fill for fill in FILLS if fill != scene.view.fill]
    for fill in others:
        row = Panels(_without(scene, found, place, fill), FILL_WORDS[fill][0].upper() + FILL_WORDS[fill][1:])
        show_stage(Stage((row,), key=f"stage-{fill}", line_after=None))


def _without(scene: Scene, found: LadderCurves, place: int, fill: Fill) -> tuple[Panel, ...]:
    """The picture with a quarter, a half and three quarters of its pixels replaced, each with the probability that is left."""
    order = pixel_ranks(found.maps.maps[0, place])
    shown = scene.shown(removal_pictures(scene.model, scene.seen, scene.view.image, order, fill, STEPS))
    words, name = FILL_WORDS[fill], scene.model.classes[int(found.rows.explained[0])]
    picked = scene.name[0].upper() + scene.name[1:]
    panels = []
    for step, picture in zip(STEPS, shown, strict=True):
        left = value_words(left_over(found, place, fill, step), scene.model.task, unit=scene.model.unit)
        share = f"{100 * step // 16} %"
        left += " in its region" if segments(scene.model.task) else " in its box" if scene.model.task == "detection" else ""
        alt = f"{picked} with {share} of its pixels replaced by {words}; {name} is left with {left}"
        panels.append(
            Panel(
                f"{fill}-{step}", alt, REMOVED, title=f"{share} gone", caption=f"{name} {left}", picture=picture,
                place=place_of(scene),
            )
        )  # fmt: skip
    return tuple(panels)
