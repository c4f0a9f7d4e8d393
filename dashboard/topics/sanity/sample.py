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
from dashboard.widgets.pickers import choice, number_picker, sample_picker
from explain_lib.base.words import counted
from explain_lib.networks.randomisation import MOST_SEED
from explain_lib.passes.tasks import segments
from explain_lib.trust.sanity import SanityRequest, SanityRows
from explain_lib.trust.sanity_summary import BOUND, SanitySummary, sanity_sentence, step_words, summarise_sanity

SAMPLES = (200, 500, 1000)
DRAWN = (1, 5, 10, 30)
INTERVALS = (
    "Means over images and draws of random weights; in brackets the 95 % interval, which is about other images and other "
    "draws: both are drawn again and again (the pigeonhole bootstrap, Owen 2007), and of few draws it is as much wider as "
    "Student's t is. With a single draw it is about other images alone. If the sentence above picks two single layers, the "
    "lowest and the highest, their intervals allow for that choice and are wider than here."
)
CHANCE = (
    "The correlation of the trained network's map with the randomised network's map of the next picture, of the same class. "
    "Borders, the grid and the draw make maps alike whatever the picture is: that much is in this number, and so not in the "
    "difference."
)
VERDICT = (
    f"“No more than chance” if the whole interval of the difference lies within ±{BOUND:g}, “above chance” if it lies above "
    f"{BOUND:g}, otherwise “undecided”. At a correlation of {BOUND:g} two maps share 1 % of the variance of their ranks, which "
    f"Cohen 1988 calls small."
)
DRAWS_HELP = "How many times the layers are given new random weights. A verdict takes two or more, and ten are usual."


def show_sanity_sample(check: Check) -> None:
    """The chart of the picked image, and of many images as far as they are known."""
    scene, view = check.scene, check.scene.view
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sample_picker(scene, SAMPLES)
        offered = {count: str(count) for count in sorted({*DRAWN, view.draws})}
        choice("draws", "Draws of random weights", offered, view.draws, DRAWS_HELP)
        number_picker("seed", "First draw", view.seed, MOST_SEED)
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
    return SanityRequest(
        scene.model, around.images.pixels, images, check.layer, view.target, view.mode, seed=view.seed, draws=view.draws
    )


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
    if segments(check.scene.model.task):
        return "the same class covers most of the picture"
    if check.scene.model.task == "detection":
        return "the same class has the best box"
    return f"the {said.predicted} {said.a_class} stays the same; of numbers there is none"


def _table(check: Check, summary: SanitySummary) -> None:
    columns = (
        Column("correlation", "with the original", "Spearman correlation of the maps on the layer's grid", ranks=True),
        Column("by chance", "other pictures", CHANCE),
        Column("difference", "more than chance", "Correlation less that by chance, paired over the same images and draws"),
        Column("verdict", f"bound {BOUND:g}", VERDICT),
        Column("same prediction", "of the images", f"Share of the images for which {_stays(check)}"),
        Column("flat", "of the images", "Share of the images with a map that is then zero or the same everywhere"),
    )
    rows = []
    for place, step in enumerate(summary.steps, 1):
        kept = Cell("no class") if check.scene.model.task == "regression" else share_cell(step.kept)
        means = [estimate_cell(one) for one in (step.correlation, step.beside, step.gap)]
        cells = [*means, Cell(step_words(summary.verdict(step))), kept, share_cell(step.flat)]
        rows.append(Row(step.name, "layer", cells, marked=place == check.shown))
    st.markdown("**Step by step**", help=INTERVALS + terms.see("interval"))
    show_number_table(columns, rows, f"Sanity checks over {counted(summary.images)} and {counted(summary.draws, 'draw')}")
    view, many = check.scene.view, f"{summary.images}-images-{summary.draws}-draws"
    name = f"sanity-{view.model}-{check.layer}-{view.mode}-{many}.csv"
    st.download_button("Table (CSV)", lambda: summary_csv(summary), name, "text/csv", on_click="ignore", key="sanity-csv")
