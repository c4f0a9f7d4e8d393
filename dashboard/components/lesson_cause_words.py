"""What causes a difference, in the words of a lesson: choices instead of settings, and only those that matter."""

from collections.abc import Mapping

import explain_lib as xl
from dashboard.components.cause_words import causes_by_size, differ
from explain_lib.number_words import number

SMALLEST = 0.01
"""The least share of the mean difference, up or down, that is named."""

CHOICES: Mapping[str, str] = {
    "layers": "which layers are looked at",
    "variant": "how the channels are weighed",
    "inplace_overwrites": "whether a layer's output is read before or after the next step has overwritten it",
    "inplace_gradient": "whether the gradient is taken before or after the next step has overwritten the output",
    "channel_reduction": "whether the channels are added up or averaged",
    "relu": "whether what speaks against the class is cut off",
    "scale_over": "what a map is divided by",
    "subtract_minimum": "whether the smallest value is subtracted from a map",
    "epsilon": "a tiny number that is added before dividing",
    "resize": "how a map is enlarged",
    "rescale_after_merge": "whether the merged map is scaled once more",
    "exponent": "the power that a map is raised to",
}
"""Every setting as a choice that a program makes."""


def plain_causes(found: xl.Decomposition) -> str:
    """Which choices cause the difference and which work against it, with their shares; a sentence where none does."""
    if not differ(found):
        return _none(found)
    named = [(name, share / found.mae) for name, share in causes_by_size(found) if abs(share) >= SMALLEST * found.mae]
    makes = _listed([f"from {CHOICES[name]} ({_percent(share)})" for name, share in named if share > 0])
    closer = [f"{CHOICES[name]} ({_percent(share)})" for name, share in named if share < 0]
    counts = f" What brings the two maps closer counts below zero: {_listed(closer)}." if closer else ""
    return f"The difference comes {makes}.{counts}"


def _none(found: xl.Decomposition) -> str:
    if causes_by_size(found):
        return "What the two programs chose differently cancels out on this picture."
    if found.settings:
        return "What the two programs chose differently changes nothing on this picture."
    return "The two programs made the same choices."


def _percent(share: float) -> str:
    return f"{number(100 * share, 0)} %"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
