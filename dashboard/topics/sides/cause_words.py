"""The causes of a difference, in words that are written from the numbers."""

from collections.abc import Iterable
from math import floor, log10

import explain_lib as xl
from explain_lib.base.words import listed, proper_minus
from explain_lib.compare.scan_summary import ScanSummary

NOTHING = 5e-7
"""A share below this is rounding: maps are float32, and lie between 0 and 1."""


def setting_words(name: str) -> str:
    """A setting as the controls call it."""
    return name.replace("_", " ")


def causes_by_size(found: xl.Decomposition) -> list[tuple[str, float]]:
    """Each setting with its share, largest magnitude first; those that change nothing are left out."""
    return _by_size(found.causes.items())


def _by_size(causes: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted((cause for cause in causes if abs(cause[1]) > NOTHING), key=lambda cause: -abs(cause[1]))


def main_cause_sentence(found: xl.Decomposition) -> str:
    """The main cause, the next ones, and those that work against it; for maps that differ."""
    causes = causes_by_size(found)
    (name, share), *others = causes
    parts = [f"The main cause is **{setting_words(name)}**: {_of(share, found.mae)}."]
    if others:
        parts.append(f"Then {listed([f'{setting_words(other)} with {_of(part, found.mae)}' for other, part in others])}.")
    against = [setting_words(other) for other, part in causes if part < 0]
    if against:
        parts.append(f"Below zero works against the rest: with {listed(against)} the two maps are more alike than without.")
    idle = [setting_words(other) for other in found.settings if other not in dict(causes)]
    if idle:
        parts.append(f"Set differently, but without effect on this image: {listed(idle)}.")
    return " ".join(parts)


def total_causes(summary: ScanSummary) -> list[tuple[str, float]]:
    """Each setting with its mean share over many images, in the same order."""
    return _by_size(zip(summary.settings, summary.shares.tolist(), strict=True))


def total_causes_sentence(summary: ScanSummary) -> str:
    """The main causes of the difference of many images, on average."""
    causes = total_causes(summary)
    if not causes:
        return "No setting changes anything on these images."
    largest = [f"{setting_words(name)} with {_of(share, summary.mean)}" for name, share in causes[:3]]
    return f"Over {summary.finite:,} images most comes from {listed(largest)}."


def _of(share: float, whole: float) -> str:
    return f"{_number(share)} of {whole:.4f} ({_number(100 * share / whole, 0)} %)"


def _number(value: float, places: int = 4) -> str:
    return proper_minus(f"{value:.{places}f}")


def differ(found: xl.Decomposition) -> bool:
    """Whether there is a difference for settings to cause."""
    return abs(found.mae) > NOTHING and bool(causes_by_size(found))


def agreement_sentence(found: xl.Decomposition, largest: float) -> str:
    """That the sides are alike, or differ without effect, and to how many digits their maps agree.

    largest: the largest absolute difference of the two maps themselves.
    """
    alike = "The two sides are configured alike."
    if found.settings and causes_by_size(found):
        alike = f"What {listed([setting_words(name) for name in found.settings])} change cancels out on this image."
    elif found.settings:
        alike = f"The two sides differ in {listed([setting_words(name) for name in found.settings])}, without effect here."
    if largest == 0:
        return f"{alike} Their maps agree in every digit: no pixel differs."
    if digits(largest) == 0:
        return f"{alike} No setting explains why pixels differ by up to {largest:.3g}."
    return f"{alike} Their maps agree to {digits(largest)} digits after the point: no pixel differs by more than {largest:.1e}."


def digits(largest: float) -> int:
    """The digits after the decimal point that two numbers this far apart have in common, up to rounding."""
    return max(0, floor(-log10(2 * largest)))
