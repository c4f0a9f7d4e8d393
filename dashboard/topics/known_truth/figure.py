"""How well every method finds known places at every layer, as dots with intervals beside those of the baselines."""

from collections.abc import Mapping
from typing import Final

import plotly.graph_objects as go

from dashboard.figures.chart_parts import LEGEND, Part, chart, interval_dots, name_rows
from dashboard.figures.colours import AGAINST, CHOSEN, FOR, NEUTRAL
from explain_lib.base.words import share_words
from explain_lib.cam.settings import Variant
from explain_lib.truth.finders import METHODS, Finder
from explain_lib.truth.localisation import TruthMeasure
from explain_lib.truth.summary import TruthSummary

ROW = 40
_STYLES: Final[Mapping[Variant, tuple[str, str]]] = {
    "grad-cam": (CHOSEN, "circle"),
    "hirescam": (AGAINST, "diamond"),
    "layercam": (FOR, "square"),
    "grad-cam++": (NEUTRAL, "x"),
}
"""The colour and the symbol of each method."""
_APART = 0.17
"""How far the methods of a layer are apart, in rows."""


def finders_figure(summary: TruthSummary, measure: TruthMeasure, title: str, chosen: Finder) -> go.Figure:
    """A row a layer with a dot a method, then a row a baseline; a line at chance. The chosen layer is bold."""
    layers = list(dict.fromkeys(one.finder.layer for one in summary.finders))
    traces = [_method(summary, measure, method, layers, place) for place, method in enumerate(METHODS)]
    baselines = [
        (float(layers.index(finder.layer)), finder.name, summary.value(finder, measure))
        for finder in (one.finder for one in summary.finders)
        if finder.is_baseline
    ]
    traces.append(interval_dots("never looks at the network", NEUTRAL, baselines, percent=True, symbol="line-ns-open", size=13))
    names = [f"<b>{layer}</b>" if layer == chosen.layer else layer for layer in layers]
    axis = {"title": {"text": title}, "tickformat": ".0%", "rangemode": "tozero", "automargin": True, "zeroline": False}
    line = {"type": "line", "x0": summary.chance, "x1": summary.chance, "y0": 0, "y1": 1, "yref": "paper"}
    marks = [line | {"line": {"color": NEUTRAL, "dash": "dot", "width": 1.5}}]
    layout = {"legend": LEGEND, "xaxis": axis, "yaxis": name_rows(names), "shapes": marks}
    return chart(traces, layout, height=ROW * len(layers) + 100, top=36)


def _method(summary: TruthSummary, measure: TruthMeasure, method: Variant, layers: list[str], place: int) -> Part:
    colour, symbol = _STYLES[method]
    own = [one.finder for one in summary.finders if one.finder.method == method]
    shift = (place - (len(METHODS) - 1) / 2) * _APART
    rows = [(layers.index(finder.layer) + shift, finder.name, summary.value(finder, measure)) for finder in own]
    return interval_dots(METHODS[method], colour, rows, percent=True, symbol=symbol)


def finders_words(summary: TruthSummary, measure: TruthMeasure, title: str) -> str:
    """Alternative text: every finder with its mean and interval, in the order of the forward pass."""
    listed = (f"{one.finder.name} {share_words(summary.value(one.finder, measure))}" for one in summary.finders)
    return f"{title}, means with 95 % intervals: {'; '.join(listed)}"
