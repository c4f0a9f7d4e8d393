"""Maps in words: for those who do not see them, and for whoever wants to say it aloud."""

import numpy as np

from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import fine, percent

_FLAT = {
    MapState.ZERO: "zero everywhere",
    MapState.CONSTANT: "the same everywhere",
    MapState.NOT_FINITE: "it contains NaN or infinity",
}


def map_words(name: str, values: Map) -> str:
    """Alternative text of a map (h, w): its grid, its range, and where it is large."""
    rows, columns = values.shape
    reach = "" if map_state(values) is MapState.NOT_FINITE else f" from {fine(values.min())} to {fine(values.max())}"
    return f"{name}: {rows} by {columns} cells{reach}, {where_words(values)}"


def where_words(values: Map) -> str:
    """Where a map (h, w) is large: its peak, and how much of it is in the upper and in the left half.

    Halves are of what is above zero; a row or a column in the middle counts half to either side. Of numbers below zero the
    lowest is named instead, if it is further from zero than the peak.
    """
    state = map_state(values)
    if state is not MapState.VARIED:
        return _FLAT[state]
    signed = bool((values < 0).any())
    words = _place("peak", int(values.argmax()), values.shape)
    if signed and -values.min() > values.max():
        words = _place("lowest", int(values.argmin()), values.shape)
    above = np.maximum(values, 0).astype(np.float64)
    if above.sum() == 0:
        return f"{words}, counted from 0; nothing above zero"
    what = "what is above zero" if signed else "the map"
    upper, left = (_first_half(above.sum(axis=axis)) for axis in (1, 0))
    return f"{words}, counted from 0; {percent(upper, 0)} of {what} in the upper half, {percent(left, 0)} in the left"


def _place(word: str, cell: int, shape: tuple[int, ...]) -> str:
    row, column = divmod(cell, shape[1])
    return f"{word} at row {row}, column {column}"


def _first_half(sums: Map) -> float:
    """The share of the first half; sums: float64 (n,), not all zero."""
    middle, odd = divmod(len(sums), 2)
    first = float(sums[:middle].sum()) + (float(sums[middle]) / 2 if odd else 0.0)
    return first / float(sums.sum())
