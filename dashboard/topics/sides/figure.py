"""The histogram of the differences of two maps."""

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.chart_parts import chart, histogram
from dashboard.figures.colours import AGAINST, FOR, NEUTRAL
from explain_lib.base.maps import Map
from explain_lib.base.words import fine, percent

BINS = 41


def histogram_figure(difference: Map) -> go.Figure:
    """The number of pixels by b - a: 41 bins, symmetric around 0, in the colours of the difference map."""
    reach = float(np.abs(difference).max()) or 1.0
    colours = [NEUTRAL if k == BINS // 2 else AGAINST if k < BINS // 2 else FOR for k in range(BINS)]
    words = "b − a from %{customdata[0]:.3f} to %{customdata[1]:.3f}: %{y} pixels"
    return chart(
        [histogram(difference, BINS, -reach, reach, colours, words)],
        {
            "bargap": 0,
            "xaxis": {"title": {"text": "b − a"}, "range": [-reach, reach], "zeroline": True},
            "yaxis": {"title": {"text": "pixels"}, "automargin": True},
        },
        height=260,
        top=4,
        right=8,
    )


def histogram_words(difference: Map) -> str:
    """Alternative text of the histogram."""
    below, equal = float((difference < 0).mean()), float((difference == 0).mean())
    largest = float(np.abs(difference).max())
    return (
        f"Histogram of b − a over all pixels, within {fine(largest)} of zero: {percent(below)} of the pixels are below it, "
        f"{percent(equal)} at it"
    )
