"""Colours and their range, for several maps that are compared."""

from dataclasses import dataclass

import numpy as np

from explain_lib.base.words import short
from explain_lib.cam.drawing import Drawing
from explain_lib.pictures.palettes import DIVERGING, Palette, palette_table


@dataclass(frozen=True)
class Scale:
    """Colours, each with its place from 0 to 1, and their range, which begins at 0 or is symmetric."""

    colours: list[tuple[float, str]]
    low: float
    high: float

    @property
    def drawing(self) -> Drawing:
        """The drawing of maps on this scale, in magma if they have no sign; `high` is their reach."""
        return Drawing(signed=self.low < 0)

    @property
    def words(self) -> str:
        """The range in words."""
        return f"{short(self.low)} to {short(self.high)}"


def sequential(low: float, high: float, palette: Palette = "magma") -> Scale:
    """A palette from `low` to `high`."""
    table = palette_table(palette)[::17]
    places = np.linspace(0, 1, len(table)).tolist()
    return Scale([(place, f"rgb({r},{g},{b})") for place, (r, g, b) in zip(places, table, strict=True)], low, high)


def diverging(reach: float) -> Scale:
    """Blue to red, symmetric around zero."""
    return Scale(list(zip(np.linspace(0, 1, len(DIVERGING)).tolist(), DIVERGING, strict=True)), -reach, reach)
