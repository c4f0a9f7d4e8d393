"""Means over images as dots, each with the bar of its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.figures.chart_parts import LEGEND, Part, chart, interval_dots, name_rows, note_at, upright
from dashboard.figures.colours import NEUTRAL
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import mean_words, share_words

ROW = 30
LEGEND_HEIGHT = 30
APART = 0.16  # between the dots of two series in one row, in rows


@dataclass(frozen=True)
class Dots:
    """One dot a row: what they stand for, their colour, and the means with their intervals."""

    name: str
    colour: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True)
class DotChart:
    """A row a name, the first on top, with a dot of each series.

    title: of the axis. bold: the row that matters most. limit: a threshold, drawn as a dotted line with this word. percent:
    whether the numbers are shares.
    """

    title: str
    rows: Sequence[str]
    series: Sequence[Dots]
    bold: int | None = None
    limit: tuple[float, str] | None = None
    percent: bool = False


def dots_figure(dots: DotChart) -> go.Figure:
    """The chart, with the numbers under the pointer."""
    several, row = len(dots.series) > 1, ROW * (1.5 if any("<br>" in name for name in dots.rows) else 1)
    shifts = [(place - (len(dots.series) - 1) / 2) * 2 * APART for place in range(len(dots.series))]
    layout: Part = {
        "showlegend": several,
        "legend": LEGEND,
        "xaxis": {
            "title": {"text": dots.title},
            "rangemode": "tozero",
            "zeroline": True,
            "automargin": True,
            "tickformat": ".0%" if dots.percent else None,
        },
        "yaxis": name_rows([f"<b>{name}</b>" if place == dots.bold else name for place, name in enumerate(dots.rows)]),
    }
    if dots.limit is not None:
        value, word = dots.limit
        layout["shapes"] = [upright("line", value, value, dash="dot", color=NEUTRAL)]
        layout["annotations"] = [note_at(value, word, "top", xanchor="left", xshift=3, font={"size": 11})]
    traces = [_trace(dots, one, shift) for one, shift in zip(dots.series, shifts, strict=True)]
    legend = LEGEND_HEIGHT * several
    return chart(traces, layout, height=row * len(dots.rows) + 66 + legend, top=8 + legend)


def _trace(dots: DotChart, one: Dots, shift: float) -> Part:
    rows = [
        (place + shift, name, estimate) for place, (name, estimate) in enumerate(zip(dots.rows, one.estimates, strict=True))
    ]
    pointed = f"%{{customdata[0]}}, {one.name}"
    return interval_dots(one.name, one.colour, rows, pointed=pointed, percent=dots.percent)


def dots_words(dots: DotChart) -> str:
    """Alternative text: every mean with its interval."""

    def words(one: Estimate) -> str:
        return share_words(one) if dots.percent else mean_words(one)

    listed = (
        f"{name.replace('<br>', ' ')}, {one.name} {words(estimate)}"
        for one in dots.series
        for name, estimate in zip(dots.rows, one.estimates, strict=True)
    )
    return f"{dots.title}, means with 95 % intervals: {'; '.join(listed)}"
