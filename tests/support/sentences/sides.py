"""The sentences and tables on two sides, on scans, and in a lesson's file, made of numbers that are drawn."""

import numpy as np
from hypothesis import strategies as st
from sentences.library import contours, rankings
from sentences.pages import all_of, maps
from sentences.said import Cases, Said, adds_to, counts, values

import explain_lib as xl
from dashboard.figures.waterfall_figure import waterfall_figure, waterfall_words
from dashboard.lesson.map_numbers import plain_causes
from dashboard.take_home.lesson_file.tables import Table, causes_table, contour_table, ranking_table
from dashboard.topics.scan.figure import class_figure, class_words, spread_figure, spread_words
from dashboard.topics.sides.cause_words import (
    agreement_sentence,
    causes_by_size,
    causes_sentences,
    differ,
    total_causes_sentence,
)
from dashboard.topics.sides.figure import histogram_words
from dashboard.topics.sides.second_opinions import pair_numbers
from explain_lib.compare.scan_summary import ScanSummary

CASES: Cases = {}
case = adds_to(CASES)


# Section: two sides


@st.composite
def decompositions(draw: st.DrawFn) -> xl.Decomposition:
    names = ("layers", "relu", "epsilon")[: draw(st.integers(0, 3))]
    zero = np.zeros((2, 2), np.float32)
    parts = np.array([draw(values) for _ in names])
    if parts.sum() < 0:
        parts = -parts
    return xl.Decomposition(zero, zero, names, parts, np.zeros((len(names), 2, 2), np.float32), None)


@case
def causes_of_a_difference(draw: st.DrawFn) -> Said:
    found, largest = draw(decompositions()), abs(draw(values))
    whole = float(found.shares.sum())
    said = causes_sentences(found) if differ(found) else agreement_sentence(found, largest)
    parts = [abs(share) / whole for share in found.shares.tolist()] if whole else []  # "takes away" says the sign
    return Said(
        f"{said} {plain_causes(found)}",
        [*found.shares.tolist(), whole, largest, *range(400)],
        parts,
        known=("more than 100 %", "Below 1 %"),
    )


@case
def a_waterfall(draw: st.DrawFn) -> Said:
    found = draw(decompositions())
    (bars,) = waterfall_figure(causes_by_size(found), found.mae).data
    said = f"{waterfall_words(causes_by_size(found), found.mae)}; {'; '.join(bars.text)}"
    return Said(said, [*found.shares.tolist(), found.mae, 0])


@case
def a_histogram(draw: st.DrawFn) -> Said:
    gap = draw(maps(finite=True))
    pixels = [float((gap < 0).mean()), float((gap == 0).mean())]
    return Said(histogram_words(gap), [float(np.abs(gap).max())], shares=pixels, known=("below it",))


@case
def two_opinions(draw: st.DrawFn) -> Said:
    a, b = draw(maps()), draw(maps())
    said = pair_numbers(a, b)
    if not np.isfinite([a, b]).all():
        return Said("; ".join(said))
    found = xl.compare(a, b)
    return Said("; ".join(said), [found.spearman, found.mae, found.iou])


# Section: scans


@st.composite
def scan_summaries(draw: st.DrawFn) -> ScanSummary:
    images = draw(counts)
    one = st.one_of(st.just(float("nan")), st.floats(0, 1), st.sampled_from((0.0, 3e-7, 4e-5)))
    spread = np.sort([abs(draw(values)) for _ in range(5)]) if images else np.full(5, np.nan)
    parts = np.array([draw(values), draw(values)]) if images else np.full(2, np.nan)
    parts = -parts if parts.sum() < 0 else parts
    mean = float(parts.sum()) if images else float("nan")
    classes = np.array([draw(one), draw(one)])
    return ScanSummary(
        images, images, mean, spread, classes, np.array([1, 1]), draw(one), draw(one), 1, 1, ("layers", "relu"),
        np.sort(parts), parts, np.zeros(0, np.int64), np.zeros(0, np.int64),
    )  # fmt: skip


@case
def causes_over_many_images(draw: st.DrawFn) -> Said:
    summary = draw(scan_summaries())
    parts = [abs(share) / summary.mean for share in summary.shares.tolist()] if summary.mean > 0 else []
    said = total_causes_sentence(summary)
    return Said(said, [*summary.shares.tolist(), summary.mean, summary.finite], shares=parts)


@case
def the_spread_of_a_scan(draw: st.DrawFn) -> Said:
    summary = draw(scan_summaries())
    figure = spread_figure(np.abs(summary.quantiles)).layout.annotations[0].text if summary.finite else ""
    median = [float(summary.quantiles[2])]
    return Said(
        f"{spread_words(summary)} {figure}".strip(), [*all_of(summary.quantiles), *median, summary.finite], [0.05, 0.95]
    )


@case
def classes_of_a_scan(draw: st.DrawFn) -> Said:
    summary = draw(scan_summaries())
    (bars,) = class_figure(summary, ("cat", "dog")).data
    numbers = [*all_of(summary.class_means), summary.right_mean, summary.wrong_mean]
    return Said("; ".join([class_words(summary, ("cat", "dog")).strip(), *bars.text]), numbers)


# Section: tables of a lesson's file


def cells_of(table: Table) -> str:
    return "; ".join(cell for row in table.rows for cell in row)


@case
def a_table_of_causes(draw: st.DrawFn) -> Said:
    found = draw(decompositions())
    whole = float(found.shares.sum())
    parts = [share / whole for share in found.shares.tolist()] if whole else []
    return Said(cells_of(causes_table(found)), found.shares.tolist(), parts)


@case
def a_table_of_layers(draw: st.DrawFn) -> Said:
    ranking, summary, _ = draw(rankings())
    means = [one.value(ranking.measure, ranking.fill) for one in summary]
    return Said(cells_of(ranking_table(ranking, summary, "")), [*range(1, 1 + len(summary))], means=means)


@case
def a_table_of_contours(draw: st.DrawFn) -> Said:
    found = draw(contours())
    groups = (found.decides, found.craft)
    means = [mean for one in groups for mean in (one.along, one.inside, one.where)]
    return Said(cells_of(contour_table(found)), means=means, shared=[one.use for one in groups])
