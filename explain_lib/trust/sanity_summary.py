"""The summary of sanity checks over many images: means with intervals, and sentences about them."""

from dataclasses import dataclass

import numpy as np

from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import (
    LEAST_IMAGES,
    Estimate,
    bootstrap_mean,
    bootstrap_means,
    image_shares,
    simultaneous_means,
)
from explain_lib.base.words import direction, few_images, mean_words, percent
from explain_lib.networks.randomisation import Mode
from explain_lib.trust.sanity import SanityRows


@dataclass(frozen=True)
class StepSummary(Frozen):
    """One step: means and shares over images, each with its 95 % interval.

    correlation: Spearman correlation of the maps with those of the model, over the images without a constant map. among: the
    same with an interval for a step that is picked as the highest or the lowest of all, see simultaneous_means. kept: the
    share of images with the same prediction as the model's. flat: the share with a zero or constant map, both in [0, 1].
    """

    name: str
    correlation: Estimate
    among: Estimate
    kept: Estimate
    flat: Estimate


@dataclass(frozen=True)
class SanitySummary(Frozen):
    """All steps in their order, beside the maps of two different pictures.

    unrelated: the correlation of the maps of two different pictures. left: how much higher the correlation of the last
    step's map with the model's own is, paired over the same images.
    """

    steps: tuple[StepSummary, ...]
    unrelated: Estimate
    left: Estimate
    images: int


def summarise_sanity(rows: SanityRows) -> SanitySummary:
    """Means over the images of the rows."""
    *correlations, unrelated = bootstrap_means(np.concatenate([rows.correlations, rows.unrelated[:, None]], axis=1))
    (among,) = simultaneous_means(rows.correlations)
    every = zip(rows.steps, correlations, among, image_shares(rows.kept), image_shares(rows.flat), strict=True)
    left = bootstrap_mean(rows.correlations[:, -1] - rows.unrelated)
    return SanitySummary(tuple(StepSummary(*step) for step in every), unrelated, left, len(rows))


# Section: sentences

HALF = 0.5
"""A lower correlation has lost more than it kept."""
LITTLE = 0.1
"""A lower correlation of maps is not worth mentioning."""


def sanity_sentence(summary: SanitySummary, layer: str, mode: Mode) -> str:
    """Sentences on whether the maps of a layer depend on the weights."""
    if all(step.correlation.images == 0 for step in summary.steps):
        return f"No map of {layer} can be compared: for every image, one of the two maps is the same everywhere."
    return _cascade(summary, layer) if mode == "cascading" else _independent(summary, layer)


def _cascade(summary: SanitySummary, layer: str) -> str:
    last = summary.steps[-1]
    if last.correlation.images == 0:
        return f"With every layer randomised, no map of {layer} can be compared: all are the same everywhere."
    fall = _fall(summary)
    first = (
        f"The maps of {layer} keep less than half of their order (a correlation below {HALF:g}) from {fall.name} on. "
        if fall is not None
        else ""
    )
    return (
        f"{first}With every layer randomised, their correlation with the original maps is {mean_words(last.correlation)}"
        f"{_compared(summary)}{_flat(last)}"
    )


def _fall(summary: SanitySummary) -> StepSummary | None:
    """The step from which on all intervals lie below half; a correlation without images counts as lost, one of few does not."""
    found = None
    for step in reversed(summary.steps):
        if step.correlation.high >= HALF or 0 < step.correlation.images < LEAST_IMAGES:
            break
        found = step
    return found


def _compared(summary: SanitySummary) -> str:
    """The verdict: the last step beside the maps of two different pictures."""
    gap, unrelated, last = summary.left, summary.unrelated, summary.steps[-1].correlation
    if gap.images < LEAST_IMAGES:
        return f"; {_too_few(gap)}"
    beside, way = f"the maps of two different pictures have {mean_words(unrelated)}", direction(gap)
    if way <= 0:
        how = "below that of unrelated maps" if way else "which cannot be told apart from that of unrelated maps"
        if gap.high >= HALF:
            return f", {how}: {beside}. These images leave open how much depends on what the network has learnt."
        common = last.mean >= LITTLE and direction(last) > 0
        what = "The part that differs between pictures" if common else "What the maps show"
        but = "; the part that all pictures have in common does not" if common else ""
        return f", {how}: {beside}. {what} depends on what the network has learnt{but}."
    more = f", and {beside}: {mean_words(gap)} more"
    if last.low >= HALF:
        return f"{more}. They hardly depend on what the network has learnt: most of their order remains without it."
    return f"{more}. That part comes from the picture and the architecture, not from what the network has learnt."


def _independent(summary: SanitySummary, layer: str) -> str:
    known = [step for step in summary.steps if step.correlation.images]
    high, low = (pick(known, key=lambda step: step.correlation.mean) for pick in (max, min))
    beside = f"Maps of two different pictures have {mean_words(summary.unrelated)}."
    lowest = f"{mean_words(low.among)}{_flat(low, end='')}"
    if len(known) == 1:
        return f"Randomised alone, {low.name} leaves the maps of {layer} a correlation of {lowest}. {beside}"
    return (
        f"Of single layers, {low.name} randomised alone leaves the maps of {layer} the lowest mean correlation, {lowest}; "
        f"{high.name} the highest, {mean_words(high.among)}. {beside}"
    )


def twin_sentence(summary: SanitySummary, layer: str, model: str) -> str:
    """Sentences on whether the maps of a model resemble those of its twin, trained on labels in random order."""
    (step,) = summary.steps
    if step.correlation.images == 0:
        return f"No map of {layer} can be compared: for every image, one of the two maps is the same everywhere."
    words = (
        f"At {layer} the twin's maps of the same class have a correlation of {mean_words(step.correlation)} with those "
        f"of {model}; maps of two different pictures have {mean_words(summary.unrelated)}"
    )
    return f"{words}. {_twin_verdict(summary)}{_flat(step)}"


def _twin_verdict(summary: SanitySummary) -> str:
    gap, way = summary.left, direction(summary.left)
    if gap.images < LEAST_IMAGES:
        words = _too_few(gap)
        return words[0].upper() + words[1:]
    if way <= 0 and gap.high >= HALF:
        return "These images leave open how much learning the labels changed the maps."
    if way < 0:
        return "Learning the labels changed the maps: they are less alike than maps of two different pictures."
    if way == 0:
        return "Learning the labels changed the maps: they cannot be told apart from maps of two different pictures."
    if summary.steps[0].correlation.low >= HALF:
        return "The maps hardly depend on the labels: a network that learnt nonsense gives nearly the same."
    return (
        f"They are more alike by {mean_words(gap)}, paired over {gap.images:,} images: that much does not need the right "
        f"labels."
    )


def _too_few(gap: Estimate) -> str:
    """That so few images have two maps to compare."""
    if gap.images == 0:
        return "no image has two maps to compare with maps of different pictures."
    return f"{few_images(gap.images)} to compare that with the maps of different pictures."


def _flat(step: StepSummary, end: str = " ") -> str:
    """The share of maps that are the same everywhere and do not count, in words, if any."""
    if not step.flat.mean > 0:
        return ""
    words = f"{percent(step.flat.mean)} of the maps are then the same everywhere and do not count"
    return f"{end}{words[0].upper()}{words[1:]}." if end else f" ({words})"
