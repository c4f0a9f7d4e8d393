"""The maps of random starts in words: their mean correlation, with its interval."""

from explain_lib.base.words import interval, mean_places, mean_words
from explain_lib.trust.sanity import RandomStarts


def starts_sentence(starts: RandomStarts) -> str:
    """The mean correlation over random starts, with its interval, and whether that holds 0."""
    mean, count = starts.mean, len(starts.seeds)
    if mean.images == 0:
        return f"None of the maps of {count} random starts can be compared: one of the two maps is always the same everywhere."
    some = f"{mean.images} of {count} random starts (the maps of the others are flat)"
    over = f"{count} random starts" if mean.images == count else some
    words = f"Over {over} the mean correlation with the trained network's map is {mean_words(mean)}."
    if mean.images == 1:
        return words
    low, high = (round(end, mean_places(mean)) for end in (mean.low, mean.high))  # as they are shown
    if low <= 0 <= high:
        return f"{words} The 95 % interval, in brackets, contains 0: the mean is not clearly different from 0."
    found = (
        "on this picture a trace of the map remains in networks that have forgotten"
        if low > 0
        else "on this picture networks that have forgotten mark what this map leaves out"
    )
    return (
        f"{words} The 95 % interval, in brackets, does not contain 0: {found}. “Many pictures” shows whether that is the rule."
    )


def interval_words(starts: RandomStarts) -> str:
    """The interval of the mean, below it; empty for fewer than two starts with a correlation."""
    return f"95 % interval {interval(starts.mean)}" if starts.mean.images > 1 else ""


def mean_title(starts: RandomStarts) -> str:
    """The mean over random starts in a title."""
    return f"mean rank correlation over {starts.mean.images} random starts {mean_words(starts.mean)}"
