"""A slide, 16:9: a picture, its map, the overlay of both, and a caption.

Drawn with objects of matplotlib, without its global state, at 1920 x 1080 pixels; every cell of a map is a sharp square.
"""

import textwrap
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import short
from explain_lib.cam.drawing import Drawing, draw_overlay
from explain_lib.pictures.palettes import colour, colour_signed
from explain_lib.pictures.rendering import Picture, enlarge

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 1920, 1080, 100
MARGIN, GAP, WIDEST = 60, 60, 560
TOP, BAR_BELOW, BAR_HEIGHT = 190, 22, 26
INK, FAINT, FRAME = "#1a1a1a", "#555555", "#767676"
NAME_SIZE, TEXT_SIZE, SMALL_SIZE, TITLE_SIZE = 38, 31, 24, 46
"""Sizes of letters in pixels: 31 of 1080 can be read from the last row of a room."""
LETTER, BOLD_LETTER = 0.54, 0.68
"""The width of a letter of DejaVu Sans as a share of its size: 0.49 on average in captions, and some reserve."""
_STATES = {
    MapState.ZERO: "The map is zero\neverywhere: there is\nnothing to paint.",
    MapState.CONSTANT: "The map is the same\neverywhere: there is\nnothing to paint.",
    MapState.NOT_FINITE: "The map is not finite:\nit contains NaN or infinity.",
}
_lock = threading.Lock()
"""matplotlib's fonts are shared by all threads."""


@dataclass(frozen=True)
class ColourBar:
    """The colours of a map from low to high, and their range."""

    low: float
    high: float
    drawing: Drawing


@dataclass(frozen=True)
class Panel:
    """One picture of a slide.

    picture: uint8 (H, W, 3) of any size, or words if there is nothing to paint. bar: its colour bar, if it has one. below: a
    line under it.
    """

    name: str
    picture: Picture | str
    bar: ColourBar | None = None
    below: str = ""


@dataclass(frozen=True)
class Slide:
    """Up to four panels, a title, and lines of a caption; description: its content in words, for people who cannot see it."""

    title: str
    panels: tuple[Panel, ...]
    caption: tuple[str, ...]
    description: str


def map_panel(name: str, values: Map, drawing: Drawing, reach: float | None = None, below: str = "") -> Panel:
    """A map (h, w) in its own cells with its colour bar. reach: the end of the colours, None for the largest magnitude.

    A map that is zero, constant or not finite is not painted; a sentence stands in its place.
    """
    state = map_state(values)
    if state is not MapState.VARIED:
        return Panel(name, _STATES[state])
    top = float(np.abs(values).max()) if reach is None else reach
    coloured = colour_signed(values, top) if drawing.signed else colour(values / np.float32(top), drawing.palette)
    return Panel(name, coloured, ColourBar(-top if drawing.signed else 0.0, top, drawing), below)


def overlay_panel(
    name: str,
    picture: Picture,
    values: Map,
    drawing: Drawing,
    reach: float | None = None,
    centres: NDArray[np.float32] | None = None,
) -> Panel:
    """A map over its picture, as draw_overlay draws it; the picture alone if the map has nothing to paint."""
    if map_state(values) is not MapState.VARIED:
        return Panel(name, picture, below="the picture alone")
    share = round(drawing.strength * 100)
    words = f"{share} % opaque{', smoothed bilinearly' if drawing.smooth else ''}"
    return Panel(name, draw_overlay(picture, values, drawing, _side(3), reach, centres), below=words)


def _side(panels: int) -> int:
    """The width of each of so many panels, in pixels."""
    return min(WIDEST, (WIDTH - 2 * MARGIN - GAP * (panels - 1)) // panels)


def draw_slide(slide: Slide, kind: Literal["png", "svg"]) -> bytes:
    """The slide as a PNG or SVG file of 1920 x 1080 pixels on white; the same slide gives the same bytes.

    In the SVG letters are outlines, so that it looks the same everywhere; its title and description are text.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with _lock, mpl.rc_context({"svg.hashsalt": "grad-cam", "svg.fonttype": "path", "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
        _draw(figure, slide)
        file = BytesIO()
        if kind == "svg":
            figure.savefig(file, format="svg", dpi=DPI, metadata={"Date": None, "Creator": None})
        else:
            figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None, "Description": slide.description})
    return _described(file.getvalue(), slide) if kind == "svg" else file.getvalue()


def _draw(figure: "Figure", slide: Slide) -> None:
    side = _side(len(slide.panels))
    whole = len(slide.panels) * side + (len(slide.panels) - 1) * GAP
    left = (WIDTH - whole) // 2
    _write(figure, left, 92, [slide.title], TITLE_SIZE, weight="bold", room=whole)
    top = TOP + (WIDEST - side) // 2
    for place, panel in enumerate(slide.panels):
        _draw_panel(figure, panel, left + place * (side + GAP), top, side)
    below = TOP + WIDEST + BAR_BELOW + BAR_HEIGHT + 136
    lines, size = _wrapped(slide.caption, whole)
    _write(figure, left, below, lines, size, room=whole)


def _draw_panel(figure: "Figure", panel: Panel, left: int, top: int, side: int) -> None:
    _write(figure, left, top - 20, [panel.name], NAME_SIZE, room=side)
    axes = _axes(figure, left, top, side, side)
    bottom = top + side + BAR_BELOW
    if isinstance(panel.picture, str):
        axes.text(0.5, 0.5, panel.picture, fontsize=_points(TEXT_SIZE), color=INK, ha="center", va="center", parse_math=False)
    else:
        axes.imshow(enlarge(panel.picture, side, side), interpolation="nearest", aspect="auto")
    if panel.bar is not None:
        _colour_bar(figure, panel.bar, left, bottom, side)
        bottom += BAR_HEIGHT + 38
    if panel.below:
        _write(figure, left, bottom + (38 if panel.bar else 30), [panel.below], TEXT_SIZE - 3, color=FAINT, room=side)


def _colour_bar(figure: "Figure", bar: ColourBar, left: int, top: int, width: int) -> None:
    steps = np.linspace(bar.low, bar.high, width, dtype=np.float32)[None]
    coloured = colour_signed(steps, bar.high) if bar.low < 0 else colour(steps / np.float32(bar.high), bar.drawing.palette)
    axes = _axes(figure, left, top, width, BAR_HEIGHT)
    axes.imshow(enlarge(coloured, BAR_HEIGHT, width), interpolation="nearest", aspect="auto")
    for place, value in enumerate((bar.low, (bar.low + bar.high) / 2, bar.high)):
        align = ("left", "center", "right")[place]
        at = left + place * width // 2
        _write(figure, at, top + BAR_HEIGHT + 34, [short(value)], TEXT_SIZE - 3, align=align)


def _axes(figure: "Figure", left: int, top: int, width: int, height: int) -> "Axes":
    """Axes at a place in pixels, counted from the upper left corner, with a frame."""
    axes = figure.add_axes((left / WIDTH, 1 - (top + height) / HEIGHT, width / WIDTH, height / HEIGHT), xticks=[], yticks=[])
    for line in axes.spines.values():
        line.set(color=FRAME, linewidth=0.72)
    return axes


def _write(
    figure: "Figure",
    left: int,
    baseline: int,
    lines: Sequence[str],
    size: int,
    *,
    room: int | None = None,
    color: str = INK,
    weight: str = "normal",
    align: str = "left",
) -> None:
    """Lines of text from a baseline on; a line that does not fit into the room becomes smaller."""
    for place, line in enumerate(lines):
        y = 1 - (baseline + place * 1.42 * size) / HEIGHT
        width = (BOLD_LETTER if weight == "bold" else LETTER) * size * len(line)
        fitting = size if room is None else min(size, size * room / max(width, 1))
        figure.text(
            left / WIDTH,
            y,
            line,
            fontsize=_points(fitting),
            color=color,
            weight=weight,
            ha=align,
            va="baseline",
            parse_math=False,
        )


def _wrapped(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """The lines broken to fit the room, and the size of their letters, smaller if they need more than three lines."""
    parts = _broken(lines, room, TEXT_SIZE)
    if len(parts) <= 3:
        return parts, TEXT_SIZE
    parts = _broken(lines, room, SMALL_SIZE)
    return (parts if len(parts) <= 4 else [*parts[:3], f"{parts[3]} …"]), SMALL_SIZE


def _broken(lines: Sequence[str], room: int, size: int) -> list[str]:
    return [part for line in lines for part in textwrap.wrap(line, int(room / (LETTER * size)))]


def _points(pixels: float) -> float:
    return pixels * 72 / DPI


def _described(content: bytes, slide: Slide) -> bytes:
    """The SVG with its title and description, for screen readers and tooltips."""
    from xml.sax.saxutils import escape

    head, tag, rest = content.decode().partition("<svg ")
    attributes, _, body = rest.partition(">")
    points = f'width="{WIDTH * 72 / DPI:g}pt" height="{HEIGHT * 72 / DPI:g}pt"'
    attributes = attributes.replace(points, f'width="{WIDTH}" height="{HEIGHT}"')
    words = f"<title>{escape(slide.title)}</title>\n <desc>{escape(slide.description)}</desc>"
    return f'{head}{tag}role="img" {attributes}>\n {words}{body}'.encode()
