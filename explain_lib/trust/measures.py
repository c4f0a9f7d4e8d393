"""The measures that rank layers, and the fills of removed pixels: their names, without the computation."""

from collections.abc import Mapping
from typing import Literal, get_args

from explain_lib.base.errors import InputError

Fill = Literal["grey", "blur", "noisy-linear"]
FILLS: tuple[Fill, ...] = get_args(Fill)
FILL_WORDS: Mapping[Fill, str] = {"grey": "mid grey", "blur": "the blurred picture", "noisy-linear": "noisy linear imputation"}

Measure = Literal["deletion", "insertion", "road", "single-deletion"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
MEASURE_WORDS: Mapping[str, str] = {
    "deletion": "deletion",
    "insertion": "insertion",
    "road": "ROAD",
    "single-deletion": "single deletion",
}


def measure_words(measure: Measure, fill: Fill) -> str:
    """The measure and its fill, as "deletion with mid grey"; ROAD has its own."""
    return MEASURE_WORDS[measure] if measure == "road" else f"{MEASURE_WORDS[measure]} with {FILL_WORDS[fill]}"


def direction_words(measure: Measure) -> str:
    """Which numbers of a measure are better: "lower is better" or "higher is better"."""
    return "lower is better" if measure == "deletion" else "higher is better"


def check_fill(fill: str) -> Fill:
    """The fill itself. Raises InputError, listing the fills, for anything else."""
    for known in FILLS:
        if fill == known:
            return known
    raise InputError(f"fill: {fill!r}; one of {', '.join(FILLS)} would be right")
