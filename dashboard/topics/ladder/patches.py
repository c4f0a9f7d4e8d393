"""Single deletion on one picture: what the score loses without each patch, the map summed in patches, and both in a chart."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.chart_parts import LEGEND, chart
from dashboard.figures.colours import AGAINST, CHOSEN, NEUTRAL
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.view.scene import Scene
from dashboard.widgets.explained import overlay_panel
from explain_lib.base.maps import Map
from explain_lib.base.words import fine
from explain_lib.trust.ladder import LadderCurves
from explain_lib.trust.measures import FILL_WORDS, FILLS, Fill
from explain_lib.trust.single_deletion import patch_sums

NO_LOSS = "Zero everywhere: the score is the same without any patch."


def loss_panel(scene: Scene, found: LadderCurves, fill: Fill, width: int) -> Panel:
    """What the score loses without each patch, over the picture; where it rises, the colours are those below zero."""
    loss, words = _float(found.changes[0, FILLS.index(fill)]), FILL_WORDS[fill]
    over = overlay_panel(scene, loss, f"loss of the score while a patch alone becomes {words}, on {scene.name}", width)
    caption = f"{words}: {fine(loss.min())} to {fine(loss.max())}"
    drawing = replace(over.drawing, signed=True, smooth=False, contour=False)
    return replace(
        over, name=f"loss-{fill}", title="Score lost", label="Score lost", caption=caption, drawing=drawing, help="",
        when_zero=NO_LOSS,
    )  # fmt: skip


def sums_panel(scene: Scene, found: LadderCurves, column: int, width: int) -> Panel:
    """The map of a row, summed in each patch, over the picture."""
    name, sums = found.rows.rungs[column].name, patch_sums(found.maps.maps[0, column])
    over = overlay_panel(scene, _float(sums), f"map of {name} summed in each patch, on {scene.name}", width)
    caption = f"{sums.shape[0]} × {sums.shape[1]} patches"
    drawing = replace(over.drawing, smooth=False, contour=False)
    return replace(over, name="sums", title="Summed in patches", caption=caption, drawing=drawing, help="")


def _float(values: NDArray[np.float64]) -> Map:
    return values.astype(np.float32)


# Section: the chart


def patches_figure(found: LadderCurves, columns: Mapping[str, int], fill: Fill) -> go.Figure:
    """The loss of each patch by its rank in some rows' maps, the first of them strongest. columns: by their names."""
    loss = found.changes[0, FILLS.index(fill)].ravel()
    styles = ((CHOSEN, "circle", 9, 1.0), (AGAINST, "diamond-open", 7, 0.7), (NEUTRAL, "x-thin-open", 6, 0.7))
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": patch_ranks(found, column),
            "y": loss,
            "marker": {"color": colour, "symbol": symbol, "size": size, "opacity": opacity},
            "hovertemplate": f"{name}, rank %{{x:.3~g}}: %{{y:.3f}}<extra></extra>",
        }
        for (name, column), (colour, symbol, size, opacity) in zip(columns.items(), styles, strict=False)
    ]
    ranks = {"title": {"text": "rank of the patch in the map, 1 is highest"}, "automargin": True, "zeroline": False}
    losses = {"title": {"text": "loss of the score"}, "automargin": True, "zeroline": True}
    return chart(traces, {"legend": LEGEND, "xaxis": ranks, "yaxis": losses}, height=360, top=36)


def patch_ranks(found: LadderCurves, column: int) -> NDArray[np.float64]:
    """The rank of each patch in the map of a row, 1 for the highest sum, ties averaged, float64 (P,)."""
    from scipy.stats import rankdata  # a third of a second to import

    return np.asarray(rankdata(-patch_sums(found.maps.maps[0, column]).ravel()), np.float64)


def patches_words(found: LadderCurves, names: tuple[str, ...], fill: Fill) -> str:
    """Alternative text: the rows, and where the score loses most."""
    loss = _float(found.changes[0, FILLS.index(fill)])
    return f"Loss of the score without each patch, against the rank of the patch in {', '.join(names)}; {where_words(loss)}"
