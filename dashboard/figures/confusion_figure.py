"""The confusion matrix, a cell a pair of classes, each of which can be clicked."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.colours import CHOSEN

LEFT, TOP, RIGHT, CELL = 68, 62, 16, 27
LOW, HIGH = np.array([240, 240, 246]), np.array([63, 30, 120])
WHITE_TEXT_ABOVE = 0.45


def confusion_figure(
    counts: NDArray[np.int64], classes: tuple[str, ...], true_class: int | None, predicted_class: int | None
) -> go.Figure:
    """Counts (classes, classes) as numbers on squares, darker for larger shares of their row; the chosen cells are framed.

    Squares are points of a scatter, row by row, since those report clicks and cells of a heat map do not.
    """
    size = len(classes)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows, columns = np.divmod(np.arange(size * size), size)
    chosen = [(true_class in (None, r)) and (predicted_class in (None, c)) for r, c in zip(rows, columns, strict=True)]
    some = true_class is not None or predicted_class is not None
    points = {
        "type": "scatter",
        "x": columns,
        "y": rows,
        "mode": "markers+text",
        "marker": {
            "symbol": "square",
            "size": CELL - 2,
            "opacity": 1,
            "color": [_colour(share) for share in shares.ravel()],
            "line": {"width": [2 if some and one else 0 for one in chosen], "color": CHOSEN},
        },
        "text": [f"{count}" for count in counts.ravel()],
        "textfont": {"size": 10, "color": ["white" if share > WHITE_TEXT_ABOVE else "#222" for share in shares.ravel()]},
        "hovertext": [
            f"true {classes[r]}, predicted {classes[c]}: {counts[r, c]:,} images" for r, c in zip(rows, columns, strict=True)
        ],
        "hoverinfo": "text",
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "showlegend": False,
    }
    axis = {"tickvals": list(range(size)), "ticktext": list(classes), "showgrid": False, "zeroline": False, "fixedrange": True}
    layout = {
        "width": LEFT + size * CELL + RIGHT,
        "height": TOP + size * CELL,
        "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": 0},
        "dragmode": False,
        "xaxis": axis
        | {"range": [-0.5, size - 0.5], "side": "top", "tickangle": -60, "title": {"text": "predicted", "standoff": 4}},
        "yaxis": axis | {"range": [size - 0.5, -0.5], "title": {"text": "true", "standoff": 4}},
    }
    return go.Figure([points], layout)


def _colour(share: float) -> str:
    red, green, blue = np.rint(LOW + (HIGH - LOW) * share**0.5).astype(int)
    return f"rgb({red},{green},{blue})"
