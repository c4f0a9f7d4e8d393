"""Maps as pictures in the colours of the charts, each cell a square."""

from dashboard.figures.map_figure import Scale
from explain_lib.maps import Map
from explain_lib.rendering import Picture, colour, colour_signed, enlarge


def map_picture(values: Map, scale: Scale, side: int) -> Picture:
    """A map (h, w) as the charts draw it on this scale, which begins at 0 or is symmetric: uint8 (side, side, 3)."""
    small = colour_signed(values, scale.high) if scale.low < 0 else colour(values / scale.high)
    return enlarge(small, side, side)
