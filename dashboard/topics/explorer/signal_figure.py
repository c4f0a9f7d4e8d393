"""A signal as curves over the strip of its map, and several maps as rows of colours."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.figures.chart_parts import Part, chart, name_rows
from dashboard.figures.scale import Scale, diverging, sequential
from explain_lib.base.maps import Map
from explain_lib.cam.drawing import Drawing

HEIGHT, ROW = 300, 26


def signal_figure(channels: NDArray[np.uint8], values: Map, drawing: Drawing) -> go.Figure:
    """Curves uint8 (channels, samples) over the map at each sample, float32 (samples,)."""
    samples = np.arange(len(values))
    lines: list[Part] = [
        {
            "type": "scatter", "mode": "lines", "x": samples, "y": line, "name": f"channel {number}", "line": {"width": 1.5},
            "hovertemplate": "sample %{x}: %{y} of 255<extra></extra>",
        }
        for number, line in enumerate(channels)
    ]  # fmt: skip
    reach = float(np.abs(values).max()) or 1.0
    scale = diverging(reach) if drawing.signed else sequential(0, reach, drawing.palette)
    strip = _strip(values[None], scale, "sample %{x}: map %{z:.4g}<extra></extra>") | {"yaxis": "y2"}
    layout: Part = {
        "yaxis": {"domain": [0.24, 1], "title": "signal, 0 to 255", "automargin": True},
        "yaxis2": {"domain": [0, 0.18], "showticklabels": False, "title": "map", "fixedrange": True},
        "xaxis": {"title": "sample", "anchor": "y2", "range": [-0.5, len(values) - 0.5]},
        "showlegend": len(channels) > 1,
    }
    return chart([strip, *lines], layout, height=HEIGHT, top=8)


def layers_figure(names: Sequence[str], rows: Map, *, signed: bool, reach: float | None = None) -> go.Figure:
    """A row of colours for each layer, or each map, float32 (rows, samples).

    reach: the common end of the colours, None for a scale of its own for each row.
    """
    tops = np.abs(rows).max(1, keepdims=True) if reach is None else np.full((len(rows), 1), reach, np.float32)
    shares = np.divide(rows, tops, out=np.zeros_like(rows), where=tops > 0)
    scale = diverging(1) if signed else sequential(0, 1)
    strip = _strip(shares, scale, "%{text}, sample %{x}: %{customdata:.4g}<extra></extra>")
    texts = np.repeat(np.array(names, dtype=object)[:, None], rows.shape[1], axis=1)
    layout: Part = {"yaxis": name_rows(names), "xaxis": {"title": "sample"}}
    return chart([strip | {"customdata": rows, "text": texts}], layout, height=ROW * len(names) + 50, top=4)


def _strip(values: Map, scale: Scale, words: str) -> Part:
    return {
        "type": "heatmap", "z": values, "zmin": scale.low, "zmax": scale.high, "colorscale": scale.colours, "showscale": False,
        "hovertemplate": words,
    }  # fmt: skip
