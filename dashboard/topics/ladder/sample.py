"""The layer ladder over many images: the ranking, its change with the fill, and every number with its interval."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

import explain_lib as xl
from dashboard.topics.ladder.columns import ALL_NUMBERS, ROW_MEANINGS, centre_columns, columns
from dashboard.topics.ladder.figure import RankedRow, places_figure, places_words, ranked_figure, ranked_words
from dashboard.topics.ladder.measured import explained_words, ladder_command, sample_request
from dashboard.topics.sides.plus_plus import PLUS_PLUS, first_few, plus_plus_warning, show_plus_plus
from dashboard.view import terms
from dashboard.view.captions import grid_caption, plain
from dashboard.view.scene import Scene, sample_scene, sample_words
from dashboard.widgets.charts import show_chart
from dashboard.widgets.job_run import say_so_far, show_job
from dashboard.widgets.number_table import Cell, Column, Row, estimate_cell, share_cell, show_number_table
from dashboard.widgets.pickers import sample_picker
from explain_lib.base.errors import DataError
from explain_lib.base.words import counted
from explain_lib.compare.scan_summary import to_csv
from explain_lib.take_home.registry import note_kept_ladder
from explain_lib.trust.ladder import LadderRequest, LadderRows
from explain_lib.trust.ladder_summary import (
    LADDER_MAPS,
    BesideCentre,
    Ranking,
    RungSummary,
    beside_centre,
    beside_centre_sentence,
    fill_sentence,
    opinions_sentence,
    rank_ladder,
    ranking_sentence,
    summarise_ladder,
)
from explain_lib.trust.measures import FILL_WORDS, FILLS, MEASURE_WORDS, Measure, direction_words, measure_words
from explain_lib.work.ladder_files import bundled_ladder, ladder_table

BESIDE = "Other methods, placements and measures beside the centre"
SAMPLES = (500, 1000, 2000)
FLAT = Column(
    "flat", "of the images", "Share of the images with a map that is zero or the same everywhere and so ranks no pixel"
)
INTERVALS = (
    "Means over images; in brackets the 95 % bootstrap interval: it contains the means of 95 % of 2,000 samples, each with as "
    "many images, drawn from these with repetition. Differences between rows are paired over the same images. The best layer "
    "was picked by these very numbers, and the best of many is partly the luckiest: its intervals in the sentence above allow "
    "for that, and are wider than its interval here. With them, layers that merely equal a baseline are said to beat it in at "
    "most 5 % of samples, however many layers there are. The intervals of the other methods allow for there being several "
    "methods."
)


def show_sample_ladder(scene: Scene) -> None:
    """The ladder over the first test images: started, watched and stopped here."""
    st.header("Many pictures", anchor=False)
    sample_picker(scene, SAMPLES)
    request = sample_request(scene)
    where, images = request.opinions, sample_words(*sample_scene(scene))
    others = f" Other methods and placements always use {where}, the last conv layer." if where else ""
    st.caption(f"{images}, each with {explained_words(scene)}.{others}")
    known = _measured_beforehand(request)
    if known is not None:
        note_kept_ladder(request, known)
        _results(scene, request, known, more=False)
        st.caption(
            "These numbers come with the dashboard. Other layers, a chosen class and more images are measured on request."
        )
        return
    nothing = "Nothing has been measured yet. The ranking appears here during the work, and becomes more exact with each image."
    show_job(request, "Measure", partial(_results, scene, request), what="The ladder", nothing=nothing)


def _measured_beforehand(request: LadderRequest) -> LadderRows | None:
    try:
        return bundled_ladder(request)
    except DataError as error:
        st.warning(f"The ready-made numbers cannot be shown: {plain(str(error))}. You can measure them here.")
        return None


def _results(scene: Scene, request: LadderRequest, rows: LadderRows, more: bool) -> None:
    if len(rows.rungs) < request.rungs:
        _results_of_first(scene, request, rows)
        return
    view = scene.view
    say_so_far(len(rows), more)
    summary, ranking = summarise_ladder(rows), rank_ladder(rows, view.measure, view.fill)
    st.markdown(plain(f"{ranking_sentence(ranking, summary)} {opinions_sentence(ranking)}"))
    beside = beside_centre(rows, view.fill)
    st.markdown(plain(beside_centre_sentence(beside, view.fill)))
    ranked, places = st.columns(2, gap="medium")
    with ranked:
        _ranked(scene, summary, ranking)
    with places:
        _by_fill(scene, rows)
    with st.expander(ALL_NUMBERS):
        _table(scene, summary, ranking)
    with st.expander(BESIDE):
        _centre_table(beside, ranking)
    _note_plus_plus(request, rows)
    _files(scene, request, rows)


def _results_of_first(scene: Scene, request: LadderRequest, rows: LadderRows) -> None:
    """The rows of the first picture that are measured, while it is under way."""
    summary, ranking = summarise_ladder(rows), rank_ladder(rows, scene.view.measure, scene.view.fill)
    st.caption(f"So far, {len(rows.rungs)} of {request.rungs} rows of the first picture.")
    st.markdown(plain(ranking_sentence(ranking, summary)))
    _table(scene, summary, ranking)


def _note_plus_plus(request: LadderRequest, rows: LadderRows) -> None:
    """Where the package's Grad-CAM++ has a row at a layer that is not right for it, measured on the first images."""
    if request.opinions is not None:
        few, where = first_few(request.model, rows.images)
        asked = [xl.package_settings((request.opinions,), PLUS_PLUS)]
        show_plus_plus(plus_plus_warning(request.model, request.pixels[few], request.target, asked, where), small=True)


def _ranked(scene: Scene, summary: Sequence[RungSummary], ranking: Ranking) -> None:
    view = scene.view
    title = f"{measure_words(view.measure, view.fill)}, {direction_words(view.measure)}"
    by_name = {one.rung.name: one for one in summary}
    rows = [RankedRow(by_name[name].rung, by_name[name].value(view.measure, view.fill)) for name in ranking.order]
    st.markdown("**Ranked, the best on top, the best layer in bold**", help=INTERVALS + terms.see("baseline"))
    figure = ranked_figure(rows, title, ranking.best)
    show_chart(figure, key="ladder-ranked", alt=ranked_words(rows, title))


def _by_fill(scene: Scene, rows: LadderRows) -> None:
    """The ranking under each fill; ROAD has a fill of its own, and deletion is shown in its place."""
    measure: Measure = "deletion" if scene.view.measure == "road" else scene.view.measure
    rankings = {fill: rank_ladder(rows, measure, fill) for fill in FILLS}
    other = "For comparison: ranks" if scene.view.measure == "road" else "Ranks"
    st.markdown(f"**{other} by {MEASURE_WORDS[measure]}, if removed pixels become …**")
    figure = places_figure(rankings, rows.rungs, scene.layer)
    show_chart(figure, key="ladder-places", alt=places_words(rankings))
    st.caption(
        f"{plain(fill_sentence(rankings))} Thick lines: the chosen layer, the best layer of each fill, centre first, random "
        f"order. Names are at the ranks on the right."
    )


def _table(scene: Scene, summary: Sequence[RungSummary], ranking: Ranking) -> None:
    place = "Rank among all rows, by the chosen measure; 1 is best"
    rows = [_row(scene, one, ranking.order.index(one.rung.name) + 1) for one in summary]
    st.markdown("**In the order of the forward pass**", help=INTERVALS)
    shown = columns(scene.view, place=place, value=scene.task_words.measured)
    show_number_table((*shown, FLAT), rows, f"Layer ladder over {counted(ranking.images)}")
    if any(one.flat.mean for one in summary):
        st.caption("A flat map ranks no pixel; its pixels go row by row from the top.")


def _centre_table(beside: Sequence[BesideCentre], ranking: Ranking) -> None:
    """Every method and placement beside the centre, by every measure."""
    words = FILL_WORDS[ranking.fill]
    st.caption(
        f"A layer's row is {LADDER_MAPS}. Above 0 is better than the centre, whichever way the measure counts. Removed pixels "
        f"become {words}; ROAD has its own fill. The intervals of the whole table hold together in 95 % of samples."
    )
    rows = [
        Row(one.rung.name, one.rung.kind, [estimate_cell(lead) for lead in one.leads], marked=_is_ahead(one)) for one in beside
    ]
    show_number_table(centre_columns(), rows, f"Rows beside “centre first” over {counted(ranking.images)}")


def _is_ahead(one: BesideCentre) -> bool:
    """Whether the row beats the centre by any measure."""
    return any(lead.excludes_zero and lead.mean > 0 for lead in one.leads)


def _row(scene: Scene, one: RungSummary, place: int) -> Row:
    rung, fill = one.rung, FILLS.index(scene.view.fill)
    estimates = (one.deletion[fill], one.insertion[fill], one.road, one.single_deletion[fill], one.edges, one.centre)
    grid = grid_caption(rung.grid) if rung.grid else ""
    cells = [Cell(str(place)), *map(estimate_cell, estimates), Cell(grid), share_cell(one.flat)]
    return Row(rung.name, rung.kind, cells, marked=rung.name == scene.layer, meaning=ROW_MEANINGS.get(rung.name, ""))


def _files(scene: Scene, request: LadderRequest, rows: LadderRows) -> None:
    name = f"ladder-{scene.view.model}-{len(rows)}-images.csv"
    table = partial(ladder_table, rows, scene.model.classes)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Take home", width="content")
        st.download_button("Rows (CSV)", lambda: to_csv(table()), name, "text/csv", on_click="ignore", key="ladder-csv")
    command = ladder_command(scene, request)
    if command is not None:
        st.caption(f"The same from a terminal: `{command}`")
