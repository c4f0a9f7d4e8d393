"""Numbers, shares, intervals, lists and names as pages, commands and error messages write them.

The rule for numbers in words, and the only place where one becomes text. A mean has as many decimals as two significant digits
of half its interval's width need; another number has two digits that count. A share is 0 % or 100 % only if it is so exactly.
Which way a difference goes is said where `direction` knows it. NaN is "not defined".
"""

from collections.abc import Iterable, Sequence
from math import isfinite, isnan
from typing import Literal, SupportsFloat

from explain_lib.base.errors import LayerError
from explain_lib.base.statistics import Estimate

MOST_PLACES = 6
"""Maps are float32: more decimals of a mean would be those of rounding."""
_SMALL = 1e-4
"""A smaller number has a power of ten."""
_SAME = 1e-9
"""An interval that is narrower than this share of its mean has no width but that of rounding."""

# Section: numbers


def number(value: SupportsFloat, places: int = 3, *, sign: bool = False) -> str:
    """0.0235 as "0.024" or "+0.024", with a proper minus; a value that rounds to zero has no sign."""
    exact = float(value)
    if not isfinite(exact):
        return _no_number(exact)
    rounded = round(exact, places) + 0.0  # -0.0 + 0.0 is 0.0
    return proper_minus(f"{rounded:{'+' if sign and rounded else ''}.{places}f}")


def short(value: SupportsFloat, digits: int = 3, *, sign: bool = False) -> str:
    """A number with so many digits that count, as "0.0342" or "−1.2e−05"; only 0 itself is written as 0."""
    exact = float(value) + 0.0  # -0.0 + 0.0 is 0.0
    return proper_minus(f"{exact:{'+' if sign and exact else ''}.{digits}g}") if isfinite(exact) else _no_number(exact)


def fine(value: SupportsFloat, places: int = 3, *, sign: bool = False) -> str:
    """A number with so many decimals, or with two digits that count where those would show fewer, as "0.0034" or "2e−08"."""
    exact = float(value)
    shows = exact == 0 or not isfinite(exact) or abs(exact) >= 10.0 ** (1 - places)
    return number(exact, places, sign=sign) if shows else short(exact, 2, sign=sign)


def two(value: SupportsFloat, *, sign: bool = False) -> str:
    """A number in running text, with two significant digits: "0.30", "12", "0.0034", "2.1e−08"."""
    exact = float(value)
    if not isfinite(exact) or exact == 0:
        return number(exact, 0)
    if abs(exact) < _SMALL:
        return proper_minus(f"{exact:{'+' if sign else ''}.1e}")
    return number(exact, _places(abs(exact)), sign=sign)


def _no_number(value: float) -> str:
    return "not defined" if isnan(value) else "not finite"


def proper_minus(text: str) -> str:
    """The text with the minus sign, U+2212, in place of each hyphen."""
    return text.replace("-", "−")


def correlation_words(value: float, places: int = 2) -> str:
    """A correlation; "not defined" for NaN, where a map is the same everywhere."""
    return number(value, places)


# Section: shares


def percent(share: SupportsFloat, places: int = 1, *, sign: bool = False) -> str:
    """0.673 as "67.3 %"; one that would be rounded to 0 or 100 as "below 0.1 %" or "above 99.9 %"."""
    text = _in_percent(float(share), places, sign)
    return f"{text} %" if isfinite(float(share)) else text


def precise_percent(share: float) -> str:
    """A share in percent where there is room: two digits that count of how far it is from 0 or 100 %, up to 6 decimals."""
    gap = min(abs(share), abs(1 - share))
    return percent(share, max(1, min(MOST_PLACES, _places(100 * gap))) if gap > 0 else 1)


def _in_percent(share: float, places: int, sign: bool = False) -> str:
    if share in (0, 1):
        return number(100 * share, 0, sign=sign)
    rounded = round(100 * share, places) if isfinite(share) else share
    if rounded not in (0, 100):
        return number(rounded, places, sign=sign)
    lower = share < rounded / 100
    near = rounded + (-1 if lower else 1) * 10.0**-places
    return f"{'above' if lower else 'below'} {number(near, places, sign=sign)}"


# Section: means with their intervals


def direction(estimate: Estimate) -> Literal[-1, 0, 1]:
    """Which way a difference goes: its sign where the interval, over 30 images or more, lies wholly on one side of zero, and
    the mean as it is shown is not zero; else 0, and no word may say that there is more or less of anything.
    """
    shown = round(estimate.mean, mean_places(estimate)) if isfinite(estimate.mean) else 0
    if not estimate.excludes_zero or shown == 0:
        return 0
    return 1 if min(estimate.low, shown) > 0 else -1 if max(estimate.high, shown) < 0 else 0


def few_images(count: int) -> str:
    """That images are too few, as the beginning of a sentence's part: "3 images are too few"."""
    return "no image is enough" if count == 0 else "one image is too few" if count == 1 else f"{count:,} images are too few"


def mean_places(estimate: Estimate, unit: float = 1) -> int:
    """The decimals of a mean and of its interval's ends, if numbers are `unit` times as large as the estimate's."""
    half = (estimate.high - estimate.low) / 2
    return min(MOST_PLACES, _places(unit * (half if half > _SAME * abs(estimate.mean) else abs(estimate.mean))))


def _places(size: float) -> int:
    """The decimals that show two significant digits of a size."""
    if size == 0 or not isfinite(size):
        return 2
    return max(0, 1 - int(f"{size:.1e}".partition("e")[2]))


def mean_number(estimate: Estimate, *, sign: bool = False) -> str:
    """A mean by itself, with the decimals that its interval has."""
    return number(estimate.mean, mean_places(estimate), sign=sign)


def mean_alone(estimate: Estimate) -> str:
    """A mean in running text, where its interval is not shown: with three of those decimals at most."""
    return fine(estimate.mean, min(3, mean_places(estimate)))


def interval(estimate: Estimate) -> str:
    """The ends of an interval, as "[0.010 … 0.034]"."""
    places = mean_places(estimate)
    return f"[{number(estimate.low, places)} … {number(estimate.high, places)}]"


def mean_words(estimate: Estimate, images: int | None = None, *, sign: bool = False) -> str:
    """A mean with its interval, or without for one image. images: of the whole, None for those that have a value."""
    if estimate.images == 0:
        return "not defined"
    one = (estimate.images if images is None else images) == 1
    return mean_number(estimate, sign=sign) if one else f"{mean_number(estimate, sign=sign)} {interval(estimate)}"


def mean_percent(estimate: Estimate) -> str:
    """A mean share, in percent, with the decimals that its interval has."""
    return percent(estimate.mean, mean_places(estimate, 100))


def percent_interval(estimate: Estimate) -> str:
    """The ends of an interval of shares, in percent, as "[0 … 2.1]"."""
    low, high = (_in_percent(end, mean_places(estimate, 100)) for end in (estimate.low, estimate.high))
    return f"[{low} … {high}]"


def share_words(estimate: Estimate) -> str:
    """A mean share with its interval, as "67.3 % [64.2 … 70.3]"."""
    return f"{mean_percent(estimate)} {percent_interval(estimate)}" if estimate.images else "not defined"


def points(estimate: Estimate) -> str:
    """A difference of shares with its interval, as "+1.2 points [0.3 … 2.1]"."""
    places = mean_places(estimate, 100)
    shown, low, high = (number(100 * value, places) for value in (estimate.mean, estimate.low, estimate.high))
    if estimate.images == 0:
        return "not defined"
    plus = "+" if round(100 * estimate.mean, places) > 0 else ""
    return f"{plus}{shown} points" if estimate.images == 1 else f"{plus}{shown} points [{low} … {high}]"


# Section: lists and names


def counted(count: int, what: str = "image") -> str:
    """So many of something, as "1 image" or "1,000 images"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


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


def time_words(seconds: float) -> str:
    """90 as "90 s", 600 as "10 min", 10,000 as "2 h 47 min"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
