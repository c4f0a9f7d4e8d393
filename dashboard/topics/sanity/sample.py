"""The sanity checks over many images: the job and its results."""

from functools import partial
from math import isnan

import streamlit as st

from dashboard.topics.sanity.check import Check, check_command, summary_csv
from dashboard.topics.sanity.figure import steps_figure, steps_words
from dashboard.view import terms
from dashboard.view.captions import plain
from dashboard.view.scene import sample_scene
from dashboard.widgets.charts import show_chart
from dashboard.widgets.job_run import has_rows, say_so_far, show_job
from dashboard.widgets.number_table import Cell, Column, Row, estimate_cell, share_cell, show_number_table
from dashboard.widgets.pickers import sample_picker
from explain_lib.base.words import counted
from explain_lib.trust.sanity import SanityRequest, SanityRows
from explain_lib.trust.sanity_summary import SanitySummary, sanity_sentence, summarise_sanity

SAMPLES = (200, 500, 1000)
INTERVALS = (
    "Means over images; in brackets the 95 % bootstrap interval over images. All images use the same random weights, from one "
    "draw: `python -m explain_lib sanity --seed 1` takes another, and the first steps can then come out differently. If the "
    "sentence above picks two single layers, the ones that matter most and least, their intervals allow for that choice and "
    "are wider than here."
)


def show_sanity_sample(check: Check) -> None:
    """The chart of the picked image, and of many images as far as they are known."""
    sample_picker(check.scene.view.sample, SAMPLES)
    nothing = "Nothing has been checked over many images yet. Until then the chart shows this picture alone."
    show_job(_request(check), "Check", partial(_results, check), what="The check", nothing=nothing)
    command = check_command(check, len(_request(check)))
    if command is not None:
        st.caption(f"The same from a terminal: `{command}`")


def show_own_chart(check: Check) -> None:
    """The chart of the picked image alone, until there is one with many beside it."""
    if not isnan(check.correlation(0)) and not has_rows(_request(check)):
        _chart(check, None, "sanity-own")


def _request(check: Check) -> SanityRequest:
    scene, view = check.scene, check.scene.view
    around, images = sample_scene(scene)
    return SanityRequest(scene.model, around.images.pixels, images, check.layer, view.target, view.mode)


def _results(check: Check, rows: SanityRows, more: bool) -> None:
    summary = summarise_sanity(rows)
    say_so_far(summary.images, more)
    st.markdown(plain(sanity_sentence(summary, check.layer, check.scene.view.mode)))
    _chart(check, summary, "sanity-many")
    _table(check, summary)


def _chart(check: Check, summary: SanitySummary | None, key: str) -> None:
    steps, own = check.found.steps, [float(value) for value in check.found.correlations[0]]
    figure = steps_figure(steps, own, summary, check.shown, check.scene.view.mode)
    show_chart(figure, key=key, alt=steps_words(steps, own, summary))


def _stays(check: Check) -> str:
    said = check.scene.task_words
    return f"the {said.predicted} {said.a_class} stays the same; of numbers there is none"


def _table(check: Check, summary: SanitySummary) -> None:
    columns = (
        Column("correlation", "with the original", "Spearman correlation of the maps on the layer's grid", ranks=True),
        Column("same prediction", "of the images", f"Share of the images for which {_stays(check)}"),
        Column("flat", "of the images", "Share of the images with a map that is then zero or the same everywhere"),
    )
    rows = []
    for place, step in enumerate(summary.steps, 1):
        kept = Cell("no class") if check.scene.model.task == "regression" else share_cell(step.kept)
        cells = [estimate_cell(step.correlation), kept, share_cell(step.flat)]
        rows.append(Row(step.name, "layer", cells, marked=place == check.shown))
    rows.append(Row("two different pictures", "baseline", [estimate_cell(summary.unrelated), Cell(""), Cell("")]))
    st.markdown("**Step by step**", help=INTERVALS + terms.see("interval"))
    show_number_table(columns, rows, f"Sanity checks over {counted(summary.images)}")
    name = f"sanity-{check.scene.view.model}-{check.layer}-{check.scene.view.mode}-{summary.images}-images.csv"
    st.download_button("Table (CSV)", lambda: summary_csv(summary), name, "text/csv", on_click="ignore", key="sanity-csv")
