"""The colours that mean the same on every page, in charts and in styles, and the bars of intervals in charts."""

from collections.abc import Sequence

from explain_lib.base.statistics import Estimate
from explain_lib.pictures.rendering import DIVERGING

AGAINST, FOR = DIVERGING[0], DIVERGING[-1]
"""Below zero: a is brighter, or evidence against. Above zero: b is brighter, or evidence for."""
NEUTRAL = "#8c96a8"
"""Neither."""
CHOSEN = "#d95f0e"
"""Chosen or explained."""
PICKED = "#ff9f1c"
"""The frame around the picked picture or channel."""

VARIABLES = f""":root {{
  --above: light-dark({FOR}, #e5685a);
  --below: light-dark({AGAINST}, #5fa3dd);
  --chosen: {CHOSEN};
  --picked: {PICKED};
}}
"""
"""The same colours for the style of a component, where VARIABLES comes first; lighter on a dark page."""


def interval_bars(estimates: Sequence[Estimate], colour: str) -> dict[str, object]:
    """Bars from each mean to the two ends of its 95 % interval, for Plotly's error_x and error_y."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.mean for one in estimates],
        "arrayminus": [one.mean - one.low for one in estimates],
        "color": colour,
        "thickness": 2,
        "width": 4,
    }
