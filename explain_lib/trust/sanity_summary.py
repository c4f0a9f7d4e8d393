"""The summary of sanity checks over many images and draws of random weights: means with intervals, verdicts, and sentences.

The verdict on a step is an equivalence test, by whether an interval lies within bounds: Schuirmann 1987, Journal of
Pharmacokinetics and Biopharmaceutics 15, page 657; here with the 95 % interval, which is stricter than his of 90 %.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import LEAST_IMAGES, Estimate, bootstrap_difference, crossed_means, crossed_shares
from explain_lib.base.words import counted, direction, few_images, mean_words, percent
from explain_lib.networks.randomisation import Mode
from explain_lib.trust.sanity import SanityRows

HALF = 0.5
"""A lower correlation has lost more than it kept."""
BOUND = 0.1
"""Correlations that differ by less are the same in practice: at 0.1 two maps share 1 % of the variance of their ranks, which
is "small" in Cohen 1988, Statistical Power Analysis, section 3.2."""
Verdict = Literal["chance", "above", "below", "undecided"]


def verdict_of(gap: Estimate) -> Verdict:
    """What an interval of a difference from chance says: all of it within ±BOUND, above, or below; else undecided.

    An interval above zero and below BOUND is "chance" too: were it "above", a second sample of the same truth could as well
    say "chance". So two samples contradict each other only where their intervals lie on different sides of BOUND.
    """
    if gap.images < LEAST_IMAGES:
        return "undecided"
    if gap.low > BOUND:
        return "above"
    if gap.high < -BOUND:
        return "below"
    return "chance" if gap.low > -BOUND and gap.high < BOUND else "undecided"


@dataclass(frozen=True)
class StepSummary(Frozen):
    """One step: means and shares over images and draws, each with its 95 % interval, see crossed_means and crossed_shares.

    correlation: Spearman correlation of the maps with those of the model, without constant maps. among: the same with an
    interval for a step that is picked as the highest or the lowest of all. beside: the correlation with the other's maps of the
    next image, what chance gives. gap: correlation less beside, paired. kept: the share with the same prediction as the
    model's. flat: the share with a zero or constant map, both in [0, 1].
    """

    name: str
    correlation: Estimate
    among: Estimate
    beside: Estimate
    gap: Estimate
    kept: Estimate
    flat: Estimate


@dataclass(frozen=True)
class SanitySummary(Frozen):
    """All steps in their order, over so many images and draws of random weights; 0 draws where the others are trained."""

    steps: tuple[StepSummary, ...]
    images: int
    draws: int

    def verdict(self, step: StepSummary) -> Verdict:
        """That on a step; one draw leaves it undecided, for its interval is about other images alone."""
        return "undecided" if self.draws == 1 else verdict_of(step.gap)


@dataclass(frozen=True)
class TwinSummary(Frozen):
    """The twin, trained on labels in random order, and the second network, with the right ones, each beside the model.

    gain: how much more alike the second network's maps are to the model's, paired over the same images.
    """

    twin: StepSummary
    second: StepSummary
    gain: Estimate
    images: int


def summarise_sanity(rows: SanityRows) -> SanitySummary:
    """Means over the images and draws of the rows."""
    correlations = crossed_means(rows.correlations, (-1, 1))
    among = crossed_means(rows.correlations, (-1, 1), together=True)
    beside = crossed_means(rows.beside, (-1, 1))
    gaps = crossed_means(rows.correlations - rows.beside, (-2, 2))
    shares = (crossed_shares(values) for values in (rows.kept, rows.flat))
    every = zip(rows.steps, correlations, among, beside, gaps, *shares, strict=True)
    return SanitySummary(tuple(StepSummary(*step) for step in every), len(rows), len(rows.seeds))


def summarise_twin(rows: SanityRows) -> TwinSummary:
    """The same of rows that compare with a twin and a second network."""
    twin, second = summarise_sanity(rows).steps
    gain = bootstrap_difference(*np.ascontiguousarray(rows.correlations[:, 0].T))
    return TwinSummary(twin, second, gain, len(rows))


# Section: sentences

_WORDS: dict[Verdict, str] = {
    "chance": "no more than chance",
    "above": "above chance",
    "below": "below chance",
    "undecided": "undecided",
}
_NONE = "No map of {} can be compared: for every image, one of the two maps is the same everywhere."


def sanity_sentence(summary: SanitySummary, layer: str, mode: Mode) -> str:
    """Sentences on whether the maps of a layer depend on the weights."""
    if all(step.correlation.images == 0 for step in summary.steps):
        return _NONE.format(layer)
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
        f"{first}With every layer randomised, their correlation with the original maps is {mean_words(last.correlation)} over "
        f"{counted(summary.draws, 'draw')} of random weights; by chance, that is with the randomised maps of other pictures, "
        f"it is {mean_words(last.beside)}. {_judged(summary)}{_flat(last)}"
    )


def _fall(summary: SanitySummary) -> StepSummary | None:
    """The step from which on all intervals lie below half; a correlation without images counts as lost, one of few does not."""
    found = None
    for step in reversed(summary.steps):
        if step.correlation.high >= HALF or 0 < step.correlation.images < LEAST_IMAGES:
            break
        found = step
    return found


def _judged(summary: SanitySummary) -> str:
    """The verdict on the last step, in sentences."""
    last = summary.steps[-1]
    verdict, gap = summary.verdict(last), last.gap
    if gap.images < LEAST_IMAGES:
        return f"{_too_few(gap)}."
    words = f"The difference is {mean_words(gap)}"
    if verdict == "undecided":
        return f"{words}. {_open_words(summary.draws)}"
    if verdict == "below":
        return f"{words}, below −{BOUND:g}: less alike than chance. What the maps show depends on what the network has learnt."
    if verdict == "above":
        more = f"{words}, above {BOUND:g}: more alike than chance."
        if last.correlation.low >= HALF:
            return f"{more} They hardly depend on what the network has learnt: most of their order remains without it."
        return f"{more} That part comes from the picture and the architecture, not from what the network has learnt."
    common = last.beside.low >= BOUND
    what = "The part that differs between pictures" if common else "What the maps show"
    but = "; the part that all pictures have in common does not" if common else ""
    return f"{words}, within ±{BOUND:g}: no more alike than chance. {what} depends on what the network has learnt{but}."


def _open_words(draws: int) -> str:
    """Why nothing is decided."""
    if draws == 1:
        return "One draw of random weights decides nothing: another may say the opposite."
    return f"Its interval lies neither within ±{BOUND:g} nor beyond: undecided, more images or draws are needed."


def _independent(summary: SanitySummary, layer: str) -> str:
    known = [step for step in summary.steps if step.correlation.images]
    high, low = (pick(known, key=lambda step: step.correlation.mean) for pick in (max, min))
    over = f"Over {counted(summary.draws, 'draw')} of random weights, "
    lowest = f"{mean_words(low.among)}{_flat(low, end='')}"
    if len(known) == 1:
        return f"{over}{low.name} randomised alone leaves the maps of {layer} a correlation of {lowest}. {_by_chance(low)}"
    return (
        f"{over}{low.name} randomised alone leaves the maps of {layer} the lowest mean correlation of all single layers, "
        f"{lowest}; {high.name} the highest, {mean_words(high.among)}. {_by_chance(low)}"
    )


def _by_chance(step: StepSummary) -> str:
    return f"By chance, that is with the randomised maps of other pictures, that of {step.name} is {mean_words(step.beside)}."


def step_words(verdict: Verdict) -> str:
    """A verdict in a table."""
    return {"chance": "no more than chance", "above": "above chance", "below": "below chance", "undecided": "undecided"}[
        verdict
    ]


def twin_sentence(summary: TwinSummary, layer: str, model: str) -> str:
    """Sentences on whether the maps of a model resemble those of a twin, trained on labels in random order, less than those of
    a second network with the right labels.
    """
    twin, second = summary.twin, summary.second
    if summary.gain.images == 0:
        return _NONE.format(layer)
    return (
        f"At {layer} the maps of {model} have a correlation of {mean_words(twin.correlation)} with those of the twin, and of "
        f"{mean_words(second.correlation)} with those of a second network that learnt the right labels from another seed. "
        f"{_gain_words(summary.gain)}{_flat(twin)}"
    )


def _gain_words(gain: Estimate) -> str:
    if gain.images < LEAST_IMAGES:
        return f"{_too_few(gain)}."
    words = f"The difference is {mean_words(gain)}"
    if direction(gain) > 0:
        return f"{words}: two networks that learnt the right labels are more alike than a network and its twin."
    if direction(gain) < 0:
        return f"{words}: with the right labels two networks are less alike than a network and its twin."
    if verdict_of(gain) == "chance":
        return f"{words}, within ±{BOUND:g}: another seed changes the maps as much as wrong labels do."
    return f"{words}: undecided, more images are needed."


def _too_few(gap: Estimate) -> str:
    """That so few images have two maps to compare."""
    if gap.images == 0:
        return "No image has all the maps that a comparison takes"
    words = few_images(gap.images)
    return f"{words[0].upper()}{words[1:]} to compare them"


def _flat(step: StepSummary, end: str = " ") -> str:
    """The share of maps that are the same everywhere and do not count, in words, if any."""
    if not step.flat.mean > 0:
        return ""
    words = f"{percent(step.flat.mean)} of the maps are then the same everywhere and do not count"
    return f"{end}{words[0].upper()}{words[1:]}." if end else f" ({words})"
