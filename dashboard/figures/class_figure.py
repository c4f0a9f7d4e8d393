"""Class probabilities as bars."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.colours import AGAINST, CHOSEN, NEUTRAL


def probabilities_figure(
    classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int, true: int, minus: int | None = None
) -> go.Figure:
    """A bar a class; the explained class and the one it is contrasted with have their colours; they, the true and the
    predicted one have a word.
    """
    predicted = int(probabilities.argmax())
    names = [
        _label(name, explained=k == target, contrasted=k == minus, true=k == true, predicted=k == predicted)
        for k, name in enumerate(classes)
    ]
    bars = {
        "type": "bar",
        "x": probabilities,
        "y": names,
        "orientation": "h",
        "marker": {"color": [{target: CHOSEN, minus: AGAINST}.get(k, NEUTRAL) for k in range(len(classes))]},
        "text": [f"{share * 100:.1f} %" for share in probabilities],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{customdata}: %{x:.4f}<extra></extra>",
        "customdata": classes,
    }
    layout = {
        "height": 340,
        "margin": {"l": 0, "r": 48, "t": 4, "b": 4},
        "bargap": 0.35,
        "dragmode": False,
        "xaxis": {"range": [0, 1], "visible": False},
        "yaxis": {"autorange": "reversed", "automargin": True, "ticksuffix": "  "},
    }
    return go.Figure([bars], layout)


def _label(name: str, **holds: bool) -> str:
    words = [word for word, held in holds.items() if held]
    return f"{name}<br><span style='font-size:10px'>{', '.join(words)}</span>" if words else name
