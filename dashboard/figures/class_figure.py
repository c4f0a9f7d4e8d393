"""Class probabilities as bars."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.colours import AGAINST, CHOSEN, NEUTRAL

MOST = 12
"""With more classes than so many, the likeliest and the marked ones are shown alone."""
LIKELIEST = 10


def probabilities_figure(
    classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int, true: int, minus: int | None = None
) -> go.Figure:
    """A bar a class; the explained class and the one it is contrasted with have their colours; they, the true and the
    predicted one have a word. Of many classes, see shown_words.
    """
    predicted = int(probabilities.argmax())
    shown = _shown(probabilities, {target, true, minus})
    names = [
        _label(_told_apart(classes, k), explained=k == target, contrasted=k == minus, true=k == true, predicted=k == predicted)
        for k in shown
    ]
    bars = {
        "type": "bar",
        "x": probabilities[shown],
        "y": names,
        "orientation": "h",
        "marker": {"color": [{target: CHOSEN, minus: AGAINST}.get(k, NEUTRAL) for k in shown]},
        "text": [f"{share * 100:.1f} %" for share in probabilities[shown]],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{customdata}: %{x:.4f}<extra></extra>",
        "customdata": [classes[k] for k in shown],
    }
    layout = {
        "height": max(340, 30 * len(shown)),
        "margin": {"l": 0, "r": 48, "t": 4, "b": 4},
        "bargap": 0.35,
        "dragmode": False,
        "xaxis": {"range": [0, 1], "visible": False},
        "yaxis": {"autorange": "reversed", "automargin": True, "ticksuffix": "  "},
    }
    return go.Figure([bars], layout)


def probabilities_words(classes: tuple[str, ...], probabilities: NDArray[np.float32], target: int) -> str:
    """Alternative text: the three likeliest classes with their probabilities, and that of the explained one."""
    order = np.argsort(-probabilities, kind="stable")[:3]
    likeliest = ", ".join(f"{classes[k]} {probabilities[k] * 100:.1f} %" for k in order)
    explained = f"{classes[target]}, explained, {probabilities[target] * 100:.1f} %"
    return f"Probability of each class, the likeliest first: {likeliest}; {explained}"


def shown_words(classes: tuple[str, ...]) -> str:
    """Which classes have a bar, where not all have one: a sentence; empty where all have."""
    return "" if len(classes) <= MOST else f"The {LIKELIEST} likeliest of {len(classes):,} classes, and those with a word."


def _shown(probabilities: NDArray[np.float32], marked: set[int | None]) -> list[int]:
    """All classes in their order, or the likeliest and the marked ones, the likeliest first."""
    if len(probabilities) <= MOST:
        return list(range(len(probabilities)))
    order: list[int] = np.argsort(-probabilities, kind="stable").tolist()
    return [k for place, k in enumerate(order) if place < LIKELIEST or k in marked]


def _told_apart(classes: tuple[str, ...], k: int) -> str:
    """The name of a class, with its number where another has the same."""
    return f"{classes[k]} ({k})" if classes.count(classes[k]) > 1 else classes[k]


def _label(name: str, **holds: bool) -> str:
    words = [word for word, held in holds.items() if held]
    return f"{name}<br><span style='font-size:10px'>{', '.join(words)}</span>" if words else name
