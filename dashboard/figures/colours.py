"""The colours that mean the same on every page."""

from collections.abc import Sequence

from explain_lib.base.statistics import Estimate

FOR = "#b2182b"
"""Above zero: b is brighter, or evidence for."""
AGAINST = "#2166ac"
"""Below zero: a is brighter, or evidence against."""
NEUTRAL = "#8c96a8"
"""Neither."""
CHOSEN = "#d95f0e"
"""What was chosen or is explained."""


# Section: The bars of 95 % intervals around means, for Plotly's error_x and error_y.


def interval_bars(estimates: Sequence[Estimate], colour: str) -> dict[str, object]:
    """From each mean to the two ends of its interval."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.mean for one in estimates],
        "arrayminus": [one.mean - one.low for one in estimates],
        "color": colour,
        "thickness": 2,
        "width": 4,
    }
