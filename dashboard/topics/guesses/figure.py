"""Means over images as dots, each with the bar of its 95 % interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.figures.colours import NEUTRAL, interval_bars
from explain_lib.base.statistics import Estimate

ROW = 30
LEGEND = 30
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


def dots_figure(chart: DotChart) -> go.Figure:
    """The chart, with the numbers under the pointer."""
    several, row = len(chart.series) > 1, ROW * (1.5 if any("<br>" in name for name in chart.rows) else 1)
    shifts = [(place - (len(chart.series) - 1) / 2) * 2 * APART for place in range(len(chart.series))]
    layout = {
        "height": row * len(chart.rows) + 66 + LEGEND * several,
        "margin": {"l": 0, "r": 12, "t": 8 + LEGEND * several, "b": 0},
        "dragmode": False,
        "showlegend": several,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        "xaxis": {
            "title": {"text": chart.title},
            "rangemode": "tozero",
            "zeroline": True,
            "automargin": True,
            "tickformat": ".0%" if chart.percent else None,
        },
        "yaxis": {
            "tickvals": list(range(len(chart.rows))),
            "ticktext": [f"<b>{name}</b>" if place == chart.bold else name for place, name in enumerate(chart.rows)],
            "range": [len(chart.rows) - 0.5, -0.5],
            "automargin": True,
            "ticksuffix": "  ",
            "zeroline": False,
        },
    }
    traces = [_trace(chart, one, shift) for one, shift in zip(chart.series, shifts, strict=True)]
    return go.Figure(traces, layout | _limit(chart.limit))


def _trace(chart: DotChart, one: Dots, shift: float) -> dict[str, object]:
    means = [estimate.mean for estimate in one.estimates]
    shown = ".1%" if chart.percent else ".3f"
    return {
        "type": "scatter",
        "mode": "markers",
        "name": one.name,
        "x": means,
        "y": [place + shift for place in range(len(chart.rows))],
        "marker": {"color": one.colour, "size": 9},
        "error_x": interval_bars(one.estimates, one.colour),
        "customdata": [
            [name, estimate.low, estimate.high, estimate.images]
            for name, estimate in zip(chart.rows, one.estimates, strict=True)
        ],
        "hovertemplate": (
            f"%{{customdata[0]}}, {one.name}: %{{x:{shown}}}<br>95 % interval %{{customdata[1]:{shown}}} to "
            f"%{{customdata[2]:{shown}}}, %{{customdata[3]}} images<extra></extra>"
        ),
    }


def _limit(limit: tuple[float, str] | None) -> dict[str, object]:
    if limit is None:
        return {}
    value, word = limit
    ends = {"x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "paper"}
    line = {"type": "line", "line": {"dash": "dot", "color": NEUTRAL}, **ends}
    note = {
        "x": value,
        "y": 1,
        "yref": "paper",
        "text": word,
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "top",
        "xshift": 3,
        "font": {"size": 11},
    }
    return {"shapes": [line], "annotations": [note]}


def dots_words(chart: DotChart) -> str:
    """Alternative text: every mean with its interval."""
    factor, unit, places = (100, " %", 1) if chart.percent else (1, "", 3)

    def words(one: Estimate) -> str:
        low, mean, high = (f"{factor * value:.{places}f}" for value in (one.low, one.mean, one.high))
        return f"{mean}{unit} ({low} to {high})"

    listed = (
        f"{name.replace('<br>', ' ')}, {one.name} {words(estimate)}"
        for one in chart.series
        for name, estimate in zip(chart.rows, one.estimates, strict=True)
    )
    return f"{chart.title}, means with 95 % intervals: {'; '.join(listed)}"
