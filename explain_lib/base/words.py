"""Numbers, intervals, shares and lists as the pages and commands write them."""

from collections.abc import Iterable, Sequence
from math import isnan

from explain_lib.base.errors import LayerError
from explain_lib.base.statistics import Estimate


def number(value: float, places: int = 3, *, sign: bool = False) -> str:
    """0.0235 as "0.024" or "+0.024", with a proper minus; a value that rounds to zero has no sign."""
    rounded = round(value, places) + 0.0  # -0.0 + 0.0 is 0.0
    return f"{rounded:{'+' if sign and rounded else ''}.{places}f}".replace("-", "−")


def correlation_words(value: float, places: int = 2) -> str:
    """A correlation; "not defined" for NaN, where a map is the same everywhere."""
    return "not defined" if isnan(value) else number(value, places)


def interval(estimate: Estimate, places: int = 3) -> str:
    """Its ends, as "[0.010 … 0.034]"."""
    return f"[{number(estimate.low, places)} … {number(estimate.high, places)}]"


def percent(share: float) -> str:
    """0.673 as "67.3 %"."""
    return f"{number(share * 100, 1)} %"


def points(estimate: Estimate) -> str:
    """A difference of shares with its interval, as "+1.2 points [0.3 … 2.1]"."""
    ends = f"[{number(estimate.low * 100, 1)} … {number(estimate.high * 100, 1)}]"
    return f"{number(estimate.mean * 100, 1, sign=True)} points {ends}"


def listed(words: list[str]) -> str:
    """Words with commas and "and"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


# Section: Names of layers as callers give them.


def list_names(names: object) -> tuple[str, ...]:
    """One name or several as a tuple. Raises LayerError for what is neither."""
    listed = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in listed):
        raise LayerError(f"layers: {names!r}; the name of a layer, or several names, would be right")
    return listed


def few_names(names: Sequence[str], most: int = 24) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_line(name: object, most: int = 80) -> str:
    """A name from a file of somebody's, short enough for a sentence: its first characters, on one line."""
    words = " ".join(str(name)[: most + 1].split())
    return words if len(words) <= most else f"{words[:most]}…"
