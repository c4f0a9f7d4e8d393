"""The histogram of the differences of two maps."""

import numpy as np
import plotly.graph_objects as go

from dashboard.figures.colours import AGAINST, FOR, NEUTRAL
from explain_lib.base.maps import Map

BINS = 41


def histogram_figure(difference: Map, height: int = 260) -> go.Figure:
    """How many pixels have which b - a: 41 bins, symmetric around 0, in the colours of the difference map."""
    reach = float(np.abs(difference).max()) or 1.0
    counts, edges = np.histogram(difference, bins=BINS, range=(-reach, reach))
    middles = (edges[:-1] + edges[1:]) / 2
    colours = [NEUTRAL if k == BINS // 2 else AGAINST if k < BINS // 2 else FOR for k in range(BINS)]
    bars = {
        "type": "bar",
        "x": middles,
        "y": counts,
        "width": edges[1] - edges[0],
        "marker": {"color": colours},
        "customdata": np.stack([edges[:-1], edges[1:]], axis=-1),
        "hovertemplate": "b − a from %{customdata[0]:.3f} to %{customdata[1]:.3f}: %{y} pixels<extra></extra>",
    }
    layout = {
        "height": height,
        "margin": {"l": 0, "r": 8, "t": 4, "b": 0},
        "bargap": 0,
        "dragmode": False,
        "xaxis": {"title": {"text": "b − a"}, "range": [-reach, reach], "zeroline": True},
        "yaxis": {"title": {"text": "pixels"}, "automargin": True},
    }
    return go.Figure([bars], layout)
