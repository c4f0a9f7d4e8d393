"""The networks of a reason as dots over their settings: trained ones at the end of their training, and untrained ones."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.chart_parts import LEGEND, Part, chart
from dashboard.figures.colours import CHOSEN, NEUTRAL
from explain_lib.base.words import number, percent
from explain_lib.study.reasons.plan import REASONS
from explain_lib.study.reasons.rows import ReasonRows
from explain_lib.study.reasons.rules import LATE_LAYERS
from explain_lib.study.reasons.training import END, START

HEIGHT = 240
LAYER = LATE_LAYERS[1]
"""Whose numbers are drawn: that of the study."""


def network_means(rows: ReasonRows, stage: str) -> list[NDArray[np.float64]]:
    """The mean of each network at LAYER, for each setting of the rule float64 (n,); a network without a value is left out."""
    column = next(name for name in rows.columns if name.startswith(LAYER))
    every = (one[~np.isnan(one).all(1)] for one in rows.of(stage, column))
    return [np.nanmean(one, axis=1) if len(one) else np.zeros(0) for one in every]


def networks_figure(rows: ReasonRows) -> go.Figure:
    """A dot a network: settings across, on a logarithmic axis, the rule's number upwards."""
    rule = REASONS[rows.reason]
    traces = [_trace(rows, END, CHOSEN, "trained"), _trace(rows, START, NEUTRAL, "untrained")]
    settings = list(rule.settings)
    layout: Part = {
        "showlegend": True,
        "legend": LEGEND,
        "xaxis": {
            "type": "log",
            "title": {"text": rule.unit},
            "tickvals": settings,
            "ticktext": [str(one) for one in settings],
        },
        "yaxis": {"title": {"text": "own minus other"}, "zeroline": True, "tickformat": ".0%" if rule.shares else None},
    }
    return chart(traces, layout, height=HEIGHT, top=30)


def _trace(rows: ReasonRows, stage: str, colour: str, name: str) -> Part:
    rule, means = REASONS[rows.reason], network_means(rows, stage)
    across = [setting for setting, found in zip(rule.settings, means, strict=True) for _ in found]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": across,
        "y": np.concatenate(means).tolist(),
        "marker": {"color": colour, "size": 9, "opacity": 0.8},
        "hovertemplate": f"%{{x}} {rule.unit}, {name}: %{{y:.4f}}<extra></extra>",
    }


def networks_words(rows: ReasonRows) -> str:
    """Alternative text: the mean of the networks of each setting."""
    rule = REASONS[rows.reason]
    parts = []
    for name, stage in (("trained", END), ("untrained", START)):
        means = zip(rule.settings, network_means(rows, stage), strict=True)
        said = ", ".join(f"{setting} {rule.unit} {_mean(found, rule.shares)}" for setting, found in means)
        parts.append(f"{name} networks: {said}")
    return f"Own minus other at {LAYER}, means of the networks; {'; '.join(parts)}"


def _mean(found: NDArray[np.float64], shares: bool) -> str:
    if len(found) == 0:
        return "none"
    return percent(float(found.mean())) if shares else number(found.mean())
