"""The rules on the study's reasons applied to measured rows."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from explain_lib.base.frozen import Frozen
from explain_lib.base.words import listed, mean_words, number, points
from explain_lib.study.reasons.contrast import Change, change_along
from explain_lib.study.reasons.plan import REASONS, Reason
from explain_lib.study.reasons.rows import ReasonRows
from explain_lib.study.reasons.rules import BESIDE, LEAST_NETWORKS, WIDEST, ReasonRule
from explain_lib.study.reasons.training import END, START
from explain_lib.study.rules import Verdict, common_verdict


@dataclass(frozen=True)
class Finding(Frozen):
    """One number of a rule at one stage of the trainings: its change towards the end that the study blames, and the verdict.

    needed: how many networks of each setting would decide, if mean and variances stay; None where no number is known to.
    """

    stage: str
    column: str
    change: Change
    verdict: Verdict
    needed: int | None


@dataclass(frozen=True)
class ReasonVerdict(Frozen):
    """A rule applied.

    findings: those that count. untrained: the same numbers before training, which do not count. beside: other numbers, at the
    end of the training, which do not count either.
    """

    reason: Reason
    findings: tuple[Finding, ...]
    untrained: tuple[Finding, ...]
    beside: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """That of every finding; "can't tell" if they differ."""
        return common_verdict(one.verdict for one in self.findings)

    @property
    def networks(self) -> tuple[int, ...]:
        """How many networks of each setting have numbers in every finding."""
        return tuple(int(count) for count in np.min([one.change.networks for one in self.findings], axis=0))

    @property
    def sentence(self) -> str:
        """The findings that count in words: how many lie where, and the last of them to be judged."""
        rule, count = REASONS[self.reason], len(self.findings)
        ends = f"From {rule.settings[-1]} to {rule.settings[0]} {rule.unit}"
        if self._few:
            missing = listed(self._few)
            return f"Fewer than {LEAST_NETWORKS} networks with {missing} {rule.unit} have been measured: too few to tell."
        changes = [one.change.estimate.mean for one in self.findings]
        least, most = (_change_number(rule, end) for end in (min(changes), max(changes)))
        needed = self.needed
        enough = "" if needed is None else f" It would take {needed} networks of each kind to tell."
        return f"{ends}, {rule.measure} changes by {least} to {most} in {count} comparisons: {listed(self._counted)}.{enough}"

    @property
    def short(self) -> str:
        """How many comparisons say what, or that networks are too few."""
        if self._few:
            return "too few networks"
        return f"{listed(self._counted)} of {len(self.findings)} comparisons"

    @property
    def _few(self) -> list[str]:
        """The settings with too few networks."""
        pairs = zip(REASONS[self.reason].settings, self.networks, strict=True)
        return [str(setting) for setting, networks in pairs if networks < LEAST_NETWORKS]

    @property
    def _counted(self) -> list[str]:
        verdicts: tuple[Verdict, ...] = ("supported", "not supported", "can't tell")
        counted = ((verdict, sum(one.verdict == verdict for one in self.findings)) for verdict in verdicts)
        return [f"{verdict} in {number}" for verdict, number in counted if number]

    @property
    def beside_sentence(self) -> str:
        """The numbers beside in words; empty without any, and with too few networks."""
        if not self.beside or min(int(one.change.networks.min()) for one in self.beside) < LEAST_NETWORKS:
            return ""
        density, cost = (one.change.estimate for one in self.beside)
        rule = REASONS[self.reason]
        return (
            f"Not counted: from {rule.settings[-1]} to {rule.settings[0]} {rule.unit}, the density along outlines minus that "
            f"inside changes by {mean_words(density)}, what a shuffled outline costs beyond the inside by {points(cost)}."
        )

    @property
    def needed(self) -> int | None:
        """How many networks of each setting the undecided findings would take; None if all are decided, or none is known to."""
        every = [one.needed for one in self.findings if one.verdict == "can't tell"]
        known = [count for count in every if count is not None]
        return max(known) if known and len(known) == len(every) else None


def judge_reason(rows: ReasonRows) -> ReasonVerdict:
    """The rule of the rows' reason applied to them."""
    columns = [name for name in rows.columns if name not in BESIDE]
    every = {stage: tuple(_finding(rows, stage, column) for column in columns) for stage in rows.stages}
    counted = tuple(one for stage, found in every.items() if stage != START for one in found)
    beside = tuple(_finding(rows, END, name) for name in rows.columns if name in BESIDE and END in rows.stages)
    return ReasonVerdict(rows.reason, counted, every.get(START, ()), beside)


def judge_change_along(change: Change, threshold: float) -> Verdict:
    """The verdict on a change of more than the threshold: by its interval, if that is narrow enough and of enough networks."""
    wide = isnan(change.half_width) or change.half_width >= WIDEST * threshold
    if wide or change.networks.min() < LEAST_NETWORKS:
        return "can't tell"
    if change.estimate.low > threshold:
        return "supported"
    return "not supported" if change.estimate.high < threshold else "can't tell"


def _finding(rows: ReasonRows, stage: str, column: str) -> Finding:
    rule = REASONS[rows.reason]
    threshold = BESIDE.get(column, rule.threshold)
    change = change_along(rule.settings, rows.of(stage, column))
    needed = change.networks_needed(min(WIDEST * threshold, abs(change.estimate.mean - threshold)))
    return Finding(stage, column, change, judge_change_along(change, threshold), needed)


def limit_words(rule: ReasonRule) -> str:
    """The rule's threshold in words."""
    return f"{number(100 * rule.threshold, 0)} points" if rule.shares else f"{rule.threshold:g}"


def _change_number(rule: ReasonRule, change: float) -> str:
    return f"{number(100 * change, 1, sign=True)} points" if rule.shares else number(change, 2, sign=True)
