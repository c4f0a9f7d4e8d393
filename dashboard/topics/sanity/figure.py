"""The sanity checks as a chart: how far maps are still the original ones, step by step."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.chart_parts import LEGEND, Part, chart, interval_bars, shown_mark
from dashboard.figures.colours import AGAINST, CHOSEN, NEUTRAL
from explain_lib.base.statistics import Estimate
from explain_lib.base.words import correlation_words, counted, mean_words
from explain_lib.networks.randomisation import Mode
from explain_lib.trust.sanity_summary import SanitySummary


def steps_figure(
    steps: Sequence[str], own: Sequence[float], summary: SanitySummary | None, shown: int, mode: Mode
) -> go.Figure:
    """Spearman correlation with the original map after each step: of the picked image, and the mean over many with intervals.

    own: one number a step, NaN where there is none. summary: None while nothing is known over many images. shown: the number
    of the step that is looked at, 0 for none of them. mode: points are joined in a cascade only.
    """
    axis = "randomised down to" if mode == "cascading" else "randomised alone"
    drawn = "lines+markers" if mode == "cascading" else "markers"
    names = ["none", *steps]
    traces = [_own(names, own) | {"mode": drawn}]
    if summary is not None:
        traces += [_means(names, summary) | {"mode": drawn}, _chance(names, summary) | {"mode": drawn}]
    return chart(
        traces,
        {
            "legend": LEGEND,
            "xaxis": {"title": {"text": axis}, "type": "category", "automargin": True},
            "yaxis": {"title": {"text": "Spearman correlation"}, "range": [-1.05, 1.05], "automargin": True},
            **shown_mark(shown, 0.3),
        },
        height=360,
        top=44,
    )


def _own(names: Sequence[str], own: Sequence[float]) -> Part:
    return {
        "type": "scatter",
        "name": "this picture",
        "x": list(names),
        "y": [1.0, *own],
        "line": {"color": AGAINST, "width": 2, "dash": "dash"},
        "marker": {"symbol": "diamond", "size": 7},
        "hovertemplate": "%{x}: %{y:.3f}<extra>this picture</extra>",
    }


def _means(names: Sequence[str], summary: SanitySummary) -> Part:
    start = Estimate(1.0, 1.0, 1.0, summary.images)  # a map has a correlation of 1 with itself
    estimates = [start, *(step.correlation for step in summary.steps)]
    return {
        "type": "scatter",
        "name": f"mean of {counted(summary.images, 'picture')}",
        "x": list(names),
        "y": [one.mean for one in estimates],
        "line": {"color": CHOSEN, "width": 3},
        "marker": {"size": 8},
        "error_y": interval_bars(estimates, CHOSEN),
        "hovertemplate": "%{x}: %{y:.3f}<extra>mean</extra>",
    }


def _chance(names: Sequence[str], summary: SanitySummary) -> Part:
    estimates = [step.beside for step in summary.steps]
    return {
        "type": "scatter",
        "name": "by chance: another picture's map",
        "x": list(names[1:]),
        "y": [one.mean for one in estimates],
        "line": {"color": NEUTRAL, "width": 2, "dash": "dot"},
        "marker": {"size": 6},
        "error_y": interval_bars(estimates, NEUTRAL),
        "hovertemplate": "%{x}: %{y:.3f}<extra>by chance</extra>",
    }


def steps_words(steps: Sequence[str], own: Sequence[float], summary: SanitySummary | None) -> str:
    """Alternative text: the numbers of the chart."""
    listed = ", ".join(f"{name} {correlation_words(value)}" for name, value in zip(steps, own, strict=True))
    words = f"Spearman correlation with the original map of this picture, by the layer that was randomised last: {listed}"
    if summary is None:
        return words
    means = ", ".join(f"{step.name} {mean_words(step.correlation)}" for step in summary.steps)
    chance = ", ".join(f"{step.name} {mean_words(step.beside)}" for step in summary.steps)
    return f"{words}; means of {counted(summary.images, 'picture')}: {means}; by chance: {chance}"
