"""The bars of 95 % intervals around means, for Plotly's error_x and error_y."""

from collections.abc import Sequence

from explain_lib.bootstrap import Estimate


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
