"""Parts that charts share: the layout, marks on it, rows of names, histograms, and means with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explain_lib.base.statistics import Estimate
from explain_lib.base.words import counted, precise_percent, short

Part = dict[str, object]

LEGEND: Part = {"orientation": "h", "x": 0, "xanchor": "left", "yref": "container", "y": 1, "yanchor": "top"}
"""A legend in one line above the chart."""


def chart(
    traces: Sequence[Mapping[str, object]], layout: Mapping[str, object], *, height: float, top: int, right: int = 12
) -> go.Figure:
    """A chart that cannot be dragged. height, top, right: in pixels, the latter two of its margins."""
    margin = {"l": 0, "r": right, "t": top, "b": 0}
    return go.Figure(traces, {"height": height, "margin": margin, "dragmode": False, **layout})


def upright(kind: str, x0: float, x1: float, **line: object) -> Part:
    """A line or a rectangle over the whole height of a chart."""
    return {"type": kind, "x0": x0, "x1": x1, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def note_at(x: float, text: str, yanchor: str, **more: object) -> Part:
    """A word at the upper end of a chart."""
    return {"x": x, "y": 1, "yref": "paper", "yanchor": yanchor, "text": text, "showarrow": False} | more


def shown_mark(place: int, reach: float, **line: object) -> Part:
    """The frame around the point that the page shows, as a part of the layout; reach: half its width, in points."""
    frame = upright("rect", place - reach, place + reach, **line, width=1.5)
    return {"shapes": [frame], "annotations": [note_at(place, "shown", "top", font={"size": 11})]}


def name_rows(names: Sequence[str]) -> Part:
    """A y axis with a row a name, the first on top."""
    return {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [len(names) - 0.5, -0.5],
        "automargin": True,
        "ticksuffix": "  ",
        "zeroline": False,
    }


def histogram(values: NDArray[np.floating], bins: int, low: float, high: float, colours: object, words: str) -> Part:
    """Bars that count the values in each bin. words: under the pointer; customdata holds the ends of a bin, y its count."""
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    return {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "width": edges[1] - edges[0],
        "marker": {"color": colours},
        "customdata": np.stack([edges[:-1], edges[1:]], axis=-1),
        "hovertemplate": f"{words}<extra></extra>",
    }


def interval_dots(
    series: str,
    colour: str,
    rows: Sequence[tuple[float, str, Estimate]],
    *,
    pointed: str = "%{customdata[0]}",
    percent: bool = False,
    **marker: object,
) -> Part:
    """A dot a row, at its mean, with the bar of its 95 % interval. rows: the height, the name and the estimate of each.

    pointed: the words under the pointer before the numbers. percent: whether these are shares.
    """
    estimates, said = [estimate for _, _, estimate in rows], precise_percent if percent else _pointed
    return {
        "type": "scatter",
        "mode": "markers",
        "name": series,
        "x": [estimate.mean for estimate in estimates],
        "y": [height for height, _, _ in rows],
        "marker": {"color": colour, "size": 9} | marker,
        "error_x": interval_bars(estimates, colour),
        "customdata": [[name, *map(said, (one.mean, one.low, one.high)), counted(one.images)] for _, name, one in rows],
        "hovertemplate": (
            f"{pointed}: %{{customdata[1]}}<br>95 % interval %{{customdata[2]}} to %{{customdata[3]}}, "
            "%{customdata[4]}<extra></extra>"
        ),
    }


def _pointed(value: float) -> str:
    """A number under the pointer, with the digits of float32."""
    return short(value, 6)


def interval_bars(estimates: Sequence[Estimate], colour: str) -> Part:
    """Bars from each mean to the two ends of its 95 % interval, for Plotly's error_x and error_y."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.mean for one in estimates],
        "arrayminus": [one.mean - one.low for one in estimates],
        "color": colour,
        "thickness": 2,
        "width": 4,
    }
