"""A layer ladder as charts: rows ranked with their intervals, their places by fill, and curves of removal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.figures.chart_parts import LEGEND, chart, interval_dots, name_rows
from dashboard.figures.colours import AGAINST, CHOSEN, NEUTRAL
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import mean_words
from explain_lib.networks.task_words import TASK_WORDS, value_words
from explain_lib.passes.tasks import Task
from explain_lib.trust.faithfulness import ROAD_STEPS, STEPS, RemovalCurves
from explain_lib.trust.ladder import CENTRE, RANDOM, Kind, Rung
from explain_lib.trust.ladder_summary import Ranking
from explain_lib.trust.measures import FILL_WORDS, FILLS, Fill, Measure

ROW = 26
KINDS: Mapping[Kind, tuple[str, str, str]] = {
    "layer": ("layer", CHOSEN, "circle"),
    "average": ("average of layers", CHOSEN, "circle-open"),
    "opinion": ("another method", AGAINST, "diamond"),
    "placed": ("each cell where it looks", AGAINST, "diamond-open"),
    "baseline": ("never looks at the network", NEUTRAL, "square"),
}
"""The word, colour and symbol of each kind of row."""


@dataclass(frozen=True)
class RankedRow:
    """One row: what it is, and its mean over images."""

    rung: Rung
    estimate: Estimate


def ranked_figure(rows: Sequence[RankedRow], title: str, best: str | None) -> go.Figure:
    """The rows, the best on top, each with the bar of its interval; a symbol for each kind."""
    traces = []
    for kind, (word, colour, symbol) in KINDS.items():
        own = [(place, row.rung.name, row.estimate) for place, row in enumerate(rows) if row.rung.kind == kind]
        if own:
            traces.append(interval_dots(word, colour, own, symbol=symbol))
    names = [f"<b>{row.rung.name}</b>" if row.rung.name == best else row.rung.name for row in rows]
    axis = {"title": {"text": title}, "automargin": True, "zeroline": False}
    layout = {"legend": LEGEND, "xaxis": axis, "yaxis": name_rows(names)}
    return chart(traces, layout, height=ROW * len(rows) + 96, top=36)


def ranked_words(rows: Sequence[RankedRow], title: str) -> str:
    """Alternative text: every row with its mean and interval, the best first."""
    listed = (f"{row.rung.name} {mean_words(row.estimate)}" for row in rows)
    return f"{title}, the best first, means with 95 % intervals: {'; '.join(listed)}"


def places_figure(rankings: Mapping[Fill, Ranking], rungs: Sequence[Rung], marked: str) -> go.Figure:
    """The place of every row under each fill, the first on top; lines show how the fill moves them."""
    plain_axis = {"showgrid": False, "zeroline": False}
    fills = {
        "tickvals": list(range(len(FILLS))),
        "ticktext": ["mid<br>grey", "blurred<br>picture", "noisy<br>linear"],
        "range": [-0.25, len(FILLS) - 0.8],
        "side": "top",
    }
    places = {
        "tickvals": list(range(1, len(rungs) + 1)),
        "ticktext": [f"{place}  {name}" for place, name in enumerate(rankings[FILLS[-1]].order, 1)],
        "range": [len(rungs) + 0.5, 0.5],
        "side": "right",
        "automargin": True,
    }
    traces = [_places_trace(rankings, rung, marked) for rung in rungs]
    layout = {"showlegend": False, "xaxis": fills | plain_axis, "yaxis": places | plain_axis}
    return chart(traces, layout, height=ROW * len(rungs) + 96, top=44, right=0)


def _places_trace(rankings: Mapping[Fill, Ranking], rung: Rung, marked: str) -> dict[str, object]:
    _, colour, symbol = KINDS[rung.kind]
    strong = rung.name in (marked, RANDOM, CENTRE, *(ranking.best for ranking in rankings.values()))
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": rung.name,
        "x": list(range(len(FILLS))),
        "y": [rankings[fill].order.index(rung.name) + 1 for fill in FILLS],
        "line": {"color": colour, "width": 3 if strong else 1, "dash": "solid" if rung.kind == "layer" else "dot"},
        "marker": {"symbol": symbol, "size": 9 if strong else 6},
        "opacity": 1 if strong else 0.5,
        "hovertemplate": f"{rung.name}: place %{{y}}<extra></extra>",
    }


def places_words(rankings: Mapping[Fill, Ranking]) -> str:
    """Alternative text: the first three rows under each fill."""
    firsts = (f"with {FILL_WORDS[fill]} {', '.join(ranking.order[:3])}" for fill, ranking in rankings.items())
    return f"Ranks of all rows by the replacement of removed pixels; the first three are {'; '.join(firsts)}"


@dataclass(frozen=True)
class Curve:
    """The probability of the explained class, float in [0, 1], or the number of a regression, at shares of the pixels, in
    percent.
    """

    name: str
    shares: tuple[float, ...]
    probabilities: tuple[float, ...]


def least_first_curve(curves: RemovalCurves, place: int, name: str) -> Curve:
    """The first image's other half of ROAD: the probability that is left when the least relevant pixels go first."""
    shares = tuple(100 * step / STEPS for step in ROAD_STEPS)
    return Curve(f"{name}, least important first", shares, tuple(curves.lerf[0, place].tolist()))


def removal_curve(curves: RemovalCurves, place: int, name: str, measure: Measure, fill: Fill) -> Curve:
    """The first image's curve of the rung at that place; under ROAD, with the most relevant pixels gone first."""
    if measure == "road" or fill == "noisy-linear":
        imputed = curves.lerf[0, place, ::-1] if measure == "insertion" else curves.morf[0, place]
        shares = tuple(100 * step / STEPS for step in ROAD_STEPS)
        return Curve(name, shares, tuple(imputed.tolist()))
    plain = (curves.insertion if measure == "insertion" else curves.deletion)[0, place, FILLS.index(fill)]
    return Curve(name, tuple(100 * step / STEPS for step in range(STEPS + 1)), tuple(plain.tolist()))


def curves_figure(curves: Sequence[Curve], axis: str, task: Task = "softmax") -> go.Figure:
    """The curves, the first one strongest, each with a line of its own kind."""
    styles = ((CHOSEN, "solid", 3), (AGAINST, "dash", 2), (NEUTRAL, "dot", 2), (CHOSEN, "longdash", 2))
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": curve.name,
            "x": curve.shares,
            "y": curve.probabilities,
            "line": {"color": colour, "dash": dash, "width": width},
            "hovertemplate": f"{curve.name}, %{{x:.0f}} %: %{{y:.3f}}<extra></extra>",
        }
        for curve, (colour, dash, width) in zip(curves, styles, strict=False)
    ]
    shares = {"title": {"text": axis}, "range": [0, 100], "ticksuffix": " %", "automargin": True}
    values: dict[str, object] = {"title": {"text": TASK_WORDS[task].measured}, "automargin": True}
    if task != "regression":
        values |= {"rangemode": "tozero", "range": [0, 1], "tickformat": ".0%"}
    return chart(traces, {"legend": LEGEND, "xaxis": shares, "yaxis": values}, height=300, top=36)


def curves_words(curves: Sequence[Curve], axis: str, task: Task = "softmax") -> str:
    """Alternative text: where each curve starts, is half-way, and ends."""
    listed = []
    for curve in curves:
        start, middle, end = (value_words(curve.probabilities[at], task, 0) for at in (0, len(curve.shares) // 2, -1))
        listed.append(f"{curve.name} {start}, {middle} and {end}")
    measured = TASK_WORDS[task].measured.capitalize()
    return f"{measured} against the {axis}, at the start, half-way and at the end: {'; '.join(listed)}"
