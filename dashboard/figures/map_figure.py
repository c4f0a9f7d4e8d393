"""Maps as Plotly heat maps: a colour bar for the range, and the numbers under the pointer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import proper_minus
from explain_lib.cam.drawing import Drawing, draw_overlay
from explain_lib.pictures.palettes import DIVERGING, Palette, colour, colour_signed, palette_table
from explain_lib.pictures.rendering import Picture, enlarge

SIDE_MARGIN = 24  # room for half of the number at either end of the colour bar
BAR_MARGIN = 40


@dataclass(frozen=True)
class Scale:
    """Colours and their range."""

    colours: list[list[object]]
    low: float
    high: float


def sequential(low: float, high: float, palette: Palette = "magma") -> Scale:
    """A palette from `low` to `high`."""
    table = palette_table(palette)[::17]
    steps = np.linspace(0, 1, len(table))
    colours: list[list[object]] = [[float(step), f"rgb({r},{g},{b})"] for step, (r, g, b) in zip(steps, table, strict=True)]
    return Scale(colours, low, high)


def diverging(reach: float) -> Scale:
    """Blue to red, symmetric around zero."""
    steps = np.linspace(0, 1, len(DIVERGING))
    return Scale([[float(step), colour] for step, colour in zip(steps, DIVERGING, strict=True)], -reach, reach)


def own_reach(values: Map, reach: float | None) -> float:
    """The value that gets the last colour: the common one, or the map's own largest magnitude."""
    return float(np.abs(values).max()) if reach is None else reach


def map_figure(values: Map, scale: Scale, under_pointer: Mapping[str, Map], width: int) -> go.Figure:
    """One map (h, w), a cell a number, `width` pixels wide, with the values of every map of `under_pointer` in the hover."""
    names = list(under_pointer)
    lines = [f"{name}: %{{customdata[{k}]:.4f}}" for k, name in enumerate(names)]
    heat = {
        "type": "heatmap",
        "z": values,
        "zmin": scale.low,
        "zmax": scale.high,
        "colorscale": scale.colours,
        "customdata": np.stack([under_pointer[name] for name in names], axis=-1),
        "hovertemplate": "<br>".join(["row %{y}, column %{x}", *lines]) + "<extra></extra>",
        "colorbar": _colour_bar(scale),
    }
    rows, columns = values.shape
    plot_height = round((width - 2 * SIDE_MARGIN) * rows / columns)
    margin = {"l": SIDE_MARGIN, "r": SIDE_MARGIN, "t": 0, "b": BAR_MARGIN}
    axis = {"visible": False, "constrain": "domain"}
    layout = {
        "width": width,
        "height": plot_height + BAR_MARGIN,
        "margin": margin,
        "dragmode": False,
        "xaxis": axis | {"range": [-0.5, columns - 0.5]},
        "yaxis": axis | {"range": [rows - 0.5, -0.5], "scaleanchor": "x"},
    }
    return go.Figure([heat], layout)  # in one call: each update afterwards would cost milliseconds


def _colour_bar(scale: Scale) -> dict[str, object]:
    middle = (scale.low + scale.high) / 2
    inset = (scale.high - scale.low) * 1e-4  # Plotly leaves out a tick that rounding puts past the end
    return {
        "orientation": "h",
        "thickness": 10,
        "len": 1,
        "outlinewidth": 0,
        "tickvals": [scale.low + inset, middle, scale.high - inset],
        "ticktext": [proper_minus(f"{value:.3g}") for value in (scale.low, middle, scale.high)],
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "y": 0,
        "yanchor": "top",
        "ypad": 6,
    }


# Section: maps as pictures in the colours of the charts, each cell a square


def map_picture(values: Map, scale: Scale, side: int) -> Picture:
    """A map (h, w) as the charts draw it on this scale, which begins at 0 or is symmetric: uint8 (side, side, 3)."""
    small = colour_signed(values, scale.high) if scale.low < 0 else colour(values / scale.high)
    return enlarge(small, side, side)


def overlay_or_picture(picture: Picture, values: Map, drawing: Drawing, reach: float | None, side: int) -> Picture:
    """The overlay uint8 (side, side, 3), or the picture alone where the map has nothing to paint."""
    if map_state(values) is not MapState.VARIED:
        return enlarge(picture, side, side)
    return draw_overlay(picture, values, drawing, side, reach)
