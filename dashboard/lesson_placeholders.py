"""Placeholders in a lesson's hints and answers, such as {map.peak_row}: where they stand, and which do not exist."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

# Braces behind a backslash, a letter or another brace are LaTeX, unless what they hold has the form of a placeholder.
_PLACEHOLDER = re.compile(r"(?<!\\)\{(?P<name>[A-Za-z_]+\.[A-Za-z_]+)\}|(?<![\\\w}^])\{(?P<other>[^{}\n]{1,80})\}")

NEAREST = 3


def placeholder_problems(line: str, known: Sequence[str], *, computed: bool) -> list[str]:
    """A sentence, without its full stop, for each placeholder in a line that does not exist or does not belong there.

    known: the names that there are. computed: whether it is a line in which placeholders are computed.
    """
    names = [found["name"] or found["other"] for found in _PLACEHOLDER.finditer(line)]
    if not computed:
        return [f"{{{name}}} stands in a question; in a hint or an answer it would be right" for name in names]
    return [f"there is no {{{name}}}; {_nearest(name, known)} would be right" for name in names if name not in known]


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, NEAREST, 0.5) or known[:NEAREST]
    return " or ".join(f"{{{one}}}" for one in near)


def filled(text: str, compute: Callable[[str], str]) -> str:
    """The text with what `compute` makes of each placeholder's name in its place."""
    return _PLACEHOLDER.sub(lambda found: compute(found["name"] or found["other"]), text)
