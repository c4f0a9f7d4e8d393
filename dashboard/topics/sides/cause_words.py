"""The causes of a difference, in words that are written from the numbers."""

from collections.abc import Iterable, Sequence
from math import floor, log10

import explain_lib as xl
from explain_lib.base.words import counted, listed, percent, two
from explain_lib.compare.scan_summary import ScanSummary

NOTHING = 5e-7
"""A share below this is rounding: maps are float32, and lie between 0 and 1."""
LITTLE = 0.01
"""A share of the whole below which a cause is only named."""
_NOUNS = {
    "layers": "the choice of layers",
    "variant": "the variant of Grad-CAM",
    "inplace_overwrites": "overwriting in place",
    "inplace_gradient": "the gradient behind the overwriting",
    "channel_reduction": "sum or mean over the channels",
    "relu": "the cut at zero",
    "scale_over": "the scaling of the map",
    "subtract_minimum": "subtracting the minimum",
    "epsilon": "the epsilon in the divisor",
    "placement": "the placement of cells",
    "resize": "the way of enlarging",
    "rescale_after_merge": "rescaling after merging",
    "exponent": "the exponent",
}
"""Each setting as a cause in a sentence."""


def setting_words(name: str) -> str:
    """A setting as the controls call it."""
    return name.replace("_", " ")


def causes_by_size(found: xl.Decomposition) -> list[tuple[str, float]]:
    """Each setting with its share, largest magnitude first; those that change nothing are left out."""
    return _by_size(found.causes.items())


def causes_with_effect(found: xl.Decomposition) -> list[tuple[str, float]]:
    """Those with 1 % of the difference, or with a map that reaches 1 % of the strongest one; the others need no picture."""
    causes = causes_by_size(found)
    reach = {name: float(abs(found.cause_maps[name]).max()) for name, _ in causes}
    strongest = max(reach.values(), default=0.0)
    return [(name, share) for name, share in causes if not _is_little(share, found.mae) or reach[name] >= LITTLE * strongest]


def _by_size(causes: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted((cause for cause in causes if abs(cause[1]) > NOTHING), key=lambda cause: -abs(cause[1]))


def causes_sentences(found: xl.Decomposition) -> str:
    """What adds to the difference, what takes away from it, and what does next to nothing; for maps that differ."""
    sentences = [main_causes_sentences(found), *_little_words(causes_by_size(found), found.mae)]
    idle = [_NOUNS[name] for name in found.settings if name not in dict(causes_by_size(found))]
    if idle:
        sentences.append(f"No effect on this image: {listed(idle)}.")
    return " ".join(sentences)


def main_causes_sentences(found: xl.Decomposition) -> str:
    """What makes at least 1 % of the difference, up or down; for maps that differ."""
    return _shares_words(causes_by_size(found), found.mae, "the difference")


def _shares_words(causes: Sequence[tuple[str, float]], whole: float, of: str) -> str:
    """The shares of the whole, named `of`, that causes add, then those that they take away."""
    counting = [(name, share) for name, share in causes if not _is_little(share, whole)]
    (name, share), *others = [(name, share) for name, share in counting if share > 0]
    parts = [f"{_in_percent(share, whole)} of {of} comes from **{_NOUNS[name]}**"]
    parts += [f"{_in_percent(share, whole)} from {_NOUNS[name]}" for name, share in others]
    taken = [f"{_NOUNS[name]} takes away {_in_percent(-share, whole)}" for name, share in counting if share < 0]
    if not taken:
        return f"{listed(parts)}."
    less = listed(taken)
    return f"{listed(parts)}. {less[0].upper()}{less[1:]}, so the others add up to more than 100 %."


def _little_words(causes: Sequence[tuple[str, float]], whole: float) -> list[str]:
    little = [_NOUNS[name] for name, share in causes if _is_little(share, whole)]
    return [f"Below 1 %: {listed(little)}."] if little else []


def _is_little(share: float, whole: float) -> bool:
    return abs(share) < LITTLE * whole


def _in_percent(share: float, whole: float) -> str:
    """Two digits that count."""
    return percent(share / whole, 0 if abs(share) >= 0.0995 * whole else 1)


def total_causes(summary: ScanSummary) -> list[tuple[str, float]]:
    """Each setting with its mean share over many images, in the same order."""
    return _by_size(zip(summary.settings, summary.shares.tolist(), strict=True))


def total_causes_sentence(summary: ScanSummary) -> str:
    """What adds most to the difference of many images, on average, and what takes away from it."""
    if summary.finite == 0:
        return "No image has two finite maps to compare."
    causes = total_causes(summary)
    if not any(share > 0 for _, share in causes):
        return "No setting changes anything on these images."
    if summary.mean <= NOTHING:
        return "The effects of the settings cancel out on each of these images."
    return f"Over {counted(summary.finite)}, {_shares_words(causes, summary.mean, 'the mean difference')}"


def differ(found: xl.Decomposition) -> bool:
    """Whether there is a difference for settings to cause."""
    return abs(found.mae) > NOTHING and bool(causes_by_size(found))


def agreement_sentence(found: xl.Decomposition, largest: float) -> str:
    """That the sides are alike, or differ without effect, and to how many digits their maps agree.

    largest: the largest absolute difference of the two maps themselves.
    """
    alike = "The two sides are configured alike."
    if found.settings and causes_by_size(found):
        alike = f"The effects of {listed([setting_words(name) for name in found.settings])} cancel out on this image."
    elif found.settings:
        alike = f"The two sides differ in {listed([setting_words(name) for name in found.settings])}, with no effect here."
    if largest == 0:
        return f"{alike} Their maps agree in every digit: no pixel differs."
    if digits(largest) == 0:
        return f"{alike} No setting explains why pixels differ by up to {two(largest)}."
    agree = f"Their maps agree to {digits(largest)} decimal places"
    return f"{alike} {agree}: the largest difference of a pixel is {two(largest)}."


def digits(largest: float) -> int:
    """The digits after the decimal point that two numbers this far apart have in common, up to rounding."""
    return max(0, floor(-log10(2 * largest)))
