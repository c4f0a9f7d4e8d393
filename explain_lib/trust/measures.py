"""The measures that rank layers, and the fills of removed pixels: their names, without the computation."""

from collections.abc import Mapping
from typing import Literal, get_args

from explain_lib.base.errors import InputError

Fill = Literal["grey", "blur", "noisy-linear"]
FILLS: tuple[Fill, ...] = get_args(Fill)
FILL_WORDS: Mapping[Fill, str] = {"grey": "mid grey", "blur": "the blurred picture", "noisy-linear": "noisy linear imputation"}

Measure = Literal["deletion", "insertion", "road"]
MEASURES: tuple[Measure, ...] = get_args(Measure)


def measure_words(measure: Measure, fill: Fill) -> str:
    """The measure and its fill, as "deletion with mid grey"; ROAD has its own."""
    return "ROAD" if measure == "road" else f"{measure} with {FILL_WORDS[fill]}"


def check_fill(fill: str) -> Fill:
    """The fill itself. Raises InputError, listing the fills, for anything else."""
    for known in FILLS:
        if fill == known:
            return known
    raise InputError(f"fill: {fill!r}; one of {', '.join(FILLS)} would be right")
