"""Known places over many pictures: the headline, every method at every layer beside the baselines, and all numbers."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.topics.known_truth.chosen import KnownPicture
from dashboard.topics.known_truth.figure import finders_figure, finders_words
from dashboard.topics.known_truth.many import (
    TruthRequest,
    is_measured_at_once,
    sample_caption,
    summary_csv,
    truth_command,
    truth_request,
)
from dashboard.topics.known_truth.words import FINDS_WORDS, MEANINGS
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.job_run import Example, show_job
from dashboard.widgets.number_table import Cell, Column, Row, estimate_cell, share_cell, show_number_table
from dashboard.widgets.pickers import sample_picker
from explain_lib.base.words import counted
from explain_lib.truth.finders import TruthRows
from explain_lib.truth.secret import MARKED
from explain_lib.truth.summary import PLACE_WORDS, TruthSummary, rank_finders, summarise_truth, truth_sentence, turned_sentence

SAMPLES = (200, 500, 1000)
INTERVALS = (
    "Means over pictures; in brackets the 95 % interval. The best was picked by these very numbers; its interval in the "
    "sentence above, and its lead, allow for that."
)


def show_known_sample(known: KnownPicture) -> None:
    """The measures over the sample: of a small network the first pictures at once, all of them on request."""
    scene = known.scene
    sample_picker(scene, SAMPLES)
    request = truth_request(scene)
    st.caption(plain(sample_caption(scene, request)))
    show = partial(_results, known)
    show_job(request, "Measure", show, what="The measurement", nothing=_at_first(scene, request, show))
    command = truth_command(scene)
    if command is not None:
        st.caption(f"The same from a terminal: `{command}`")


def _at_first(scene: Scene, request: TruthRequest, show: Callable[[TruthRows, bool], None]) -> str | Example[TruthRows]:
    """What is shown before the measurement begins: of a small network the first batch; of others that there is none."""
    if not is_measured_at_once(scene):
        return "Nothing has been measured over many pictures yet."
    first = next(request.batches(), None)
    if first is None:
        return "None of these pictures can be read."
    rows = first.at_once()
    return Example(rows, partial(show, rows, len(rows) < len(request)))


def _results(known: KnownPicture, rows: TruthRows, more: bool) -> None:
    view, summary = known.scene.view, summarise_truth(rows)
    if more:
        st.caption(f"Over the first {counted(len(rows), 'picture')} so far.")
    ranking = rank_finders(rows, summary, view.finds if view.finds in rows.measures else "energy", known.finder)
    first = f"{turned_sentence(summary, MARKED)} " if known.place == "mark" else ""
    st.markdown(plain(f"{first}{truth_sentence(summary, ranking, known.place)}"))
    title = f"{FINDS_WORDS[view.finds]} in {PLACE_WORDS[known.place]}, mean of {counted(ranking.images, 'picture')}"
    figure = finders_figure(summary, ranking.measure, title, known.finder)
    show_chart(figure, key="known-finders", alt=finders_words(summary, ranking.measure, title))
    with st.expander("All numbers, layer by layer"):
        _table(known, summary)
    name = f"known-{view.known}-{view.model}-{len(rows)}-images.csv"
    st.download_button("Table (CSV)", lambda: summary_csv(summary), name, "text/csv", on_click="ignore", key="known-csv")


def _table(known: KnownPicture, summary: TruthSummary) -> None:
    columns = [Column(*MEANINGS[name], ranks=name == known.scene.view.finds) for name in summary.measures]
    columns.append(Column("flat", "of the pictures", "Share of the pictures whose map is the same everywhere"))
    shares = [name not in ("sparseness", "complexity") for name in summary.measures]
    rows = []
    for one in summary.finders:
        cells: list[Cell] = [
            (share_cell if share else estimate_cell)(value) for share, value in zip(shares, one.values, strict=True)
        ]
        group = "baseline" if one.finder.is_baseline else one.finder.layer
        rows.append(Row(one.finder.name, group, [*cells, share_cell(one.flat)], marked=one.finder == known.finder))
    st.markdown("**In the order of the forward pass**", help=INTERVALS + terms.see("interval"))
    show_number_table(columns, rows, "Known places")
