"""The causes of a difference, in words that are written from the numbers."""

from collections.abc import Iterable
from math import floor, log10

import explain_lib as xl
from explain_lib.base.words import counted, fine, listed, percent, two
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
    """What adds to the difference, what takes away from it, and what does nothing; for maps that differ."""
    causes = causes_by_size(found)
    (name, share), *others = _adding(causes)  # the shares sum to a difference above 0
    parts = [f"The main cause is **{setting_words(name)}**: {_of(share, found.mae)}."]
    if others:
        parts.append(f"Then {_each(others, found.mae)}.")
    parts += _taking_words(causes, found.mae)
    idle = [setting_words(other) for other in found.settings if other not in dict(causes)]
    if idle:
        parts.append(f"Set differently, but without effect on this image: {listed(idle)}.")
    return " ".join(parts)


def _adding(causes: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(name, share) for name, share in causes if share > 0]


def _taking_words(causes: Iterable[tuple[str, float]], whole: float) -> list[str]:
    """The settings with which the maps are more alike, and why others can have more than the whole; nothing without any."""
    taking = [(name, share) for name, share in causes if share < 0]
    if not taking:
        return []
    above = any(share > whole for _, share in causes)
    why = ["That is why a cause can have more than 100 %."] if above else []
    return [f"The difference is made smaller by {_each(taking, whole)}.", *why]


def _each(causes: Iterable[tuple[str, float]], whole: float) -> str:
    return listed([f"{setting_words(name)} with {_of(share, whole)}" for name, share in causes])


def total_causes(summary: ScanSummary) -> list[tuple[str, float]]:
    """Each setting with its mean share over many images, in the same order."""
    return _by_size(zip(summary.settings, summary.shares.tolist(), strict=True))


def total_causes_sentence(summary: ScanSummary) -> str:
    """What adds most to the difference of many images, on average, and what takes away from it."""
    if summary.finite == 0:
        return "No image has two finite maps to compare."
    causes = total_causes(summary)
    adding = _adding(causes)
    if not adding:
        return "No setting changes anything on these images."
    if summary.mean <= NOTHING:
        return "What the settings change cancels out on each of these images."
    most = f"Over {counted(summary.finite)} most comes from {_each(adding[:3], summary.mean)}."
    return " ".join([most, *_taking_words(causes, summary.mean)])


def _of(share: float, whole: float) -> str:
    return f"{fine(share)} of {fine(whole)} ({percent(share / whole, 0)})"


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
        return f"{alike} No setting explains why pixels differ by up to {two(largest)}."
    agree = f"Their maps agree to {digits(largest)} digits after the point"
    return f"{alike} {agree}: the largest difference of a pixel is {two(largest)}."


def digits(largest: float) -> int:
    """The digits after the decimal point that two numbers this far apart have in common, up to rounding."""
    return max(0, floor(-log10(2 * largest)))
