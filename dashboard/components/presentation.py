"""The presentation: nothing but pictures and their words, large enough for the last row of a room."""

from dashboard.components.address import current_view

FACTOR = 1.5
"""How many times as wide pictures and charts are in a presentation."""


def enlarged(side: int) -> int:
    """A picture's or chart's width in pixels, larger in a presentation."""
    return round(side * FACTOR) if current_view().present else side
