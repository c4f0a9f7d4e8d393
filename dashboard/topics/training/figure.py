"""A training in time: accuracy, and the probability of one picture's true class."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.chart_parts import LEGEND, Part, chart, shown_mark
from dashboard.figures.colours import AGAINST, CHOSEN
from explain_lib.base.words import percent, precise_percent


def training_figure(
    epochs: Sequence[int], accuracy: Sequence[float], true_class: Sequence[float], shown: int, name: str
) -> go.Figure:
    """Both as shares in [0, 1] against the epochs, which stand at equal distances; the one that is shown is marked.

    name: of the true class.
    """
    ticks = [str(epoch) for epoch in epochs]
    lines = [
        _line("test accuracy (10,000 images)", ticks, accuracy, AGAINST, "solid", "circle"),
        _line(f"probability of {name}, the true class of this image", ticks, true_class, CHOSEN, "dash", "diamond"),
    ]
    return chart(
        lines,
        {
            "legend": LEGEND,
            "xaxis": {"title": {"text": "epochs of training (not to scale)"}, "type": "category", "automargin": True},
            "yaxis": {"range": [0, 1.03], "tickformat": ".0%", "automargin": True},
            **shown_mark(list(epochs).index(shown), 0.22, color=CHOSEN),
        },
        height=300,
        top=40,
    )


def _line(name: str, ticks: list[str], shares: Sequence[float], colour: str, dash: str, symbol: str) -> Part:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": ticks,
        "y": list(shares),
        "line": {"color": colour, "width": 2, "dash": dash},
        "marker": {"color": colour, "size": 9, "symbol": symbol},
        "customdata": [precise_percent(share) for share in shares],
        "hovertemplate": "epoch %{x}: %{customdata}<extra></extra>",
    }


def training_words(epochs: Sequence[int], accuracy: Sequence[float], true_class: Sequence[float], name: str) -> str:
    """Alternative text: every number of the chart."""
    listed = (
        f"epoch {epoch}: {percent(right)} right, {percent(share)} {name}"
        for epoch, right, share in zip(epochs, accuracy, true_class, strict=True)
    )
    return f"Accuracy, and probability of the true class, by epoch. {'; '.join(listed)}"
