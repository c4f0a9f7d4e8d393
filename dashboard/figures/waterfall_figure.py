"""The causes of a difference, from 0 to the mean absolute difference."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.chart_parts import chart
from dashboard.figures.colours import AGAINST, FOR, NEUTRAL
from explain_lib.base.words import fine


def waterfall_figure(causes: Sequence[tuple[str, float]], total: float) -> go.Figure:
    """One bar a cause (its name and its share), each beginning where the last one ended, and the total."""
    names = [*(name for name, _ in causes), "mean |b − a|"]
    values = [*(share for _, share in causes), total]
    words = [fine(value, 4, sign=True) for _, value in causes]
    bars = {
        "type": "waterfall",
        "orientation": "h",
        "y": names,
        "x": values,
        "measure": [*("relative" for _ in causes), "absolute"],
        "text": [*words, fine(total, 4)],
        "textposition": "outside",
        "cliponaxis": False,
        "increasing": {"marker": {"color": FOR}},
        "decreasing": {"marker": {"color": AGAINST}},
        "totals": {"marker": {"color": NEUTRAL}},
        "connector": {"line": {"width": 1, "color": NEUTRAL}},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
    layout = {
        "showlegend": False,
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"rangemode": "tozero", "zeroline": True, "automargin": True},
    }
    return chart([bars], layout, height=max(120, min(260, 60 + 36 * len(names))), top=4, right=56)


def waterfall_words(causes: Sequence[tuple[str, float]], total: float) -> str:
    """Alternative text of the waterfall."""
    listed = ", ".join(f"{name} {fine(share, 4)}" for name, share in causes)
    return f"Waterfall from 0 to the mean absolute difference {fine(total, 4)}: {listed}"
