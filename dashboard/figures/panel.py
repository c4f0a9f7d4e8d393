"""A panel of the stage: a picture, a map, or a map over a picture, with what is said of it and what a click on it does.

A browser draws it on a canvas, from the numbers themselves; `drawn` gives the same pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dashboard.view.field import Value
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.cam.drawing import Drawing, draw_map, draw_overlay
from explain_lib.pictures.rendering import Picture, enlarge
from explain_lib.receptive_fields.centres import CellCentres
from explain_lib.trust.cover import CoverFill

NO_EVIDENCE = "Zero everywhere: in this layer the weighted sum is nowhere above zero."
NO_DIFFERENCE = "Zero everywhere: the two maps are the same."
_MEANINGS = {
    MapState.CONSTANT: "The same everywhere: the map does not distinguish any place.",
    MapState.NOT_FINITE: "Not finite: the map contains NaN or infinity.",
}


@dataclass(frozen=True)
class Action:
    """What a click does: it changes the view, or opens a page with the view so changed. words: for the tooltip."""

    words: str
    changes: Mapping[str, Value] = field(default_factory=dict)
    page: str = ""


@dataclass(frozen=True)
class Spot:
    """A mark on a panel. down, along: where its middle lies, as shares of the picture. kind: of its form. words: beside it.

    tall, wide: of a frame, as shares of the picture.
    """

    down: float
    along: float
    kind: str
    words: str
    tall: float = 0.0
    wide: float = 0.0


@dataclass(frozen=True)
class Painting:
    """That parts of a panel's picture can be covered by the pointer, or marked.

    key: the picture that the covered cells belong to. code, fill: those that are covered, and what stands there; see
    explain_lib.trust.cover. whole: the picture with nothing covered, uint8 (H, W, 3). change: what that changes most, in words
    for below the picture, where a phone has no room for more; empty for nothing. marks: whether the cells are an answer, which
    is drawn over the picture and covers nothing.
    """

    key: str
    code: str
    fill: CoverFill
    whole: Picture
    change: str = ""
    marks: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel. It has a picture uint8 (H, W, 3), a map float32 (h, w), or both.

    name: one panel of the page has it. label: in the line that reads the numbers, else the title or the name. alt: words for
    those who do not see it. width: in CSS pixels. drawing, reach: how the map is painted, and the value of its last colour,
    None for its own largest magnitude. place: what the panel shows, so that the same spot is marked in all panels of that
    place. when_zero: the meaning of a map that is zero everywhere. flat_too: whether a map that is zero or constant is painted
    all the same, since its colour on the common scale says something. grid: cells that the pointer moves by, None for those of
    the map or else of the picture. bar: whether the range of colours stands below. action: of a click; without one it pins
    the pointer. chosen: whether it is the one of several that is chosen. previews: whether it shows what a panel with `shows`
    or a class has, while that is pointed at. turn: another map that is shown in turn with the first in one place, under a
    title of its own. centres: where the cells of the map look, None where it is stretched; over a picture they are drawn there,
    and the pointer finds the same cell in all panels of a place. spots: marks. asks: for what a click sends the pixel that was
    clicked, in words; empty where it does not. veil: said below a panel whose map is not to be seen yet, None for all
    others. paints: that it can be painted over, None where it cannot. outline: the code of cells that a line is drawn around,
    empty for none. steps: whether arrow keys lead from it to its neighbours in a strip, as they do from one with `shows`.
    """

    name: str
    alt: str
    width: int
    title: str = ""
    caption: str = ""
    help: str = ""
    picture: Picture | None = None
    values: Map | None = None
    drawing: Drawing = field(default_factory=Drawing)
    reach: float | None = None
    place: str = ""
    when_zero: str = NO_EVIDENCE
    flat_too: bool = False
    grid: tuple[int, int] | None = None
    bar: bool = False
    action: Action | None = None
    chosen: bool = False
    previews: bool = False
    shows: str = ""
    label: str = ""
    turn: Map | None = None
    turn_title: str = ""
    centres: CellCentres | None = None
    spots: tuple[Spot, ...] = ()
    asks: str = ""
    veil: str | None = None
    paints: Painting | None = None
    outline: str = ""
    steps: bool = False

    @cached_property
    def state(self) -> MapState | None:
        """The state of the map, None without one."""
        return None if self.values is None else map_state(self.values)

    @property
    def is_painted(self) -> bool:
        """Whether there is a map with something to paint."""
        painted = (MapState.VARIED, MapState.ZERO, MapState.CONSTANT) if self.flat_too else (MapState.VARIED,)
        return self.state in painted

    @property
    def badge(self) -> str:
        """The meaning of a map that is zero, constant or not finite, or the reason for none; empty for others."""
        state = self.state
        return self.veil or "" if state is None or state is MapState.VARIED else _MEANINGS.get(state, self.when_zero)

    @property
    def top(self) -> float:
        """The value of the last colour."""
        if self.reach is not None or self.values is None:
            return self.reach or 0.0
        return float(np.abs(self.values).max())

    @property
    def size(self) -> tuple[int, int]:
        """The height and width of the canvas: each pixel of the picture, or cell of the map, a whole number of pixels.

        Never wider than the panel, unless the picture itself is: the screen enlarges it, and leaves no pixel out.
        """
        ground = self.values if self.picture is None else self.picture
        height, width = self.grid or (1, 1) if ground is None else (ground.shape[0], ground.shape[1])
        times = max(1, self.width // width)
        return height * times, width * times

    def drawn(self) -> Picture | None:
        """The pixels of the canvas, uint8 (*size, 3); None where it has nothing to show but its badge."""
        height, width = self.size
        if self.picture is None:
            return draw_map(self._map(), self.drawing, width, self.reach) if self.is_painted else None
        if self.is_painted:
            points = None if self.centres is None else self.centres.points
            return draw_overlay(self.picture, self._map(), self.drawing, width, self.reach, points)
        return enlarge(self.picture, height, width)

    def _map(self) -> Map:
        assert self.values is not None
        return self.values


def number_array(values: Map | None) -> NDArray[np.float32] | None:
    """A map as the browser gets it."""
    return None if values is None else np.ascontiguousarray(values, np.float32)
