"""Numbers, shares, intervals, lists and names as pages, commands and error messages write them."""

from collections.abc import Iterable, Sequence
from math import isnan

from explain_lib.base.errors import LayerError
from explain_lib.base.statistics import Estimate


def number(value: float, places: int = 3, *, sign: bool = False) -> str:
    """0.0235 as "0.024" or "+0.024", with a proper minus; a value that rounds to zero has no sign."""
    rounded = round(value, places) + 0.0  # -0.0 + 0.0 is 0.0
    return proper_minus(f"{rounded:{'+' if sign and rounded else ''}.{places}f}")


def proper_minus(text: str) -> str:
    """The text with the minus sign, U+2212, in place of each hyphen."""
    return text.replace("-", "−")


def correlation_words(value: float, places: int = 2) -> str:
    """A correlation; "not defined" for NaN, where a map is the same everywhere."""
    return "not defined" if isnan(value) else number(value, places)


def interval(estimate: Estimate, places: int = 3) -> str:
    """The ends of an interval, as "[0.010 … 0.034]"."""
    return f"[{number(estimate.low, places)} … {number(estimate.high, places)}]"


def percent(share: float, places: int = 1) -> str:
    """0.673 as "67.3 %"."""
    return f"{number(share * 100, places)} %"


def precise_percent(share: float) -> str:
    """A share in percent, with more digits where one would round it to 0 or 100."""
    return percent(share) if 0.0005 <= share <= 0.9995 else f"{share * 100:.7g} %"


def percent_interval(estimate: Estimate) -> str:
    """The ends of an interval of shares, in percent, as "[0.3 … 2.1]"."""
    return f"[{number(estimate.low * 100, 1)} … {number(estimate.high * 100, 1)}]"


def points(estimate: Estimate) -> str:
    """A difference of shares with its interval, as "+1.2 points [0.3 … 2.1]"."""
    return f"{number(estimate.mean * 100, 1, sign=True)} points {percent_interval(estimate)}"


def listed(words: list[str]) -> str:
    """At least one word, with commas and "and" between several."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def list_names(names: object) -> tuple[str, ...]:
    """The name of one layer, or the names of several, as a tuple. Raises LayerError for anything else."""
    found = (names,) if isinstance(names, str) else tuple(names) if isinstance(names, Iterable) else ()
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in found):
        raise LayerError(f"layers: {names!r}; the name of a layer, or several names, would be right")
    return found


def few_names(names: Sequence[str], most: int = 24) -> str:
    """The first names, with commas, and how many more there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def one_line(name: object, most: int = 80) -> str:
    """A name from a foreign file, short enough for a sentence: its first characters, on one line."""
    words = " ".join(str(name)[: most + 1].split())
    return words if len(words) <= most else f"{words[:most]}…"


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or the name of its type if it has none."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def error_words(error: BaseException, most: int | None = None) -> str:
    """The type of an exception and the first line of its message, up to so many characters: "ValueError: no such file"."""
    return f"{type(error).__name__}: {first_line(error)[:most]}" if str(error) else type(error).__name__
