"""The rules on the study's reasons applied to measured rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from explain_lib.base.frozen import Frozen
from explain_lib.study.guesses import Verdict
from explain_lib.study.reasons.contrast import Change, change_along
from explain_lib.study.reasons.plan import REASONS, Reason
from explain_lib.study.reasons.rows import ReasonRows
from explain_lib.study.reasons.rules import LEAST_NETWORKS, WIDEST
from explain_lib.study.reasons.training import START


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
    """A rule applied. findings: those that count. untrained: the same numbers before training, which do not count."""

    reason: Reason
    findings: tuple[Finding, ...]
    untrained: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """That of every finding; "can't tell" if they differ."""
        return _common([one.verdict for one in self.findings])

    @property
    def needed(self) -> int | None:
        """How many networks of each setting the undecided findings would take; None if all are decided, or none is known to."""
        every = [one.needed for one in self.findings if one.verdict == "can't tell"]
        known = [count for count in every if count is not None]
        return max(known) if known and len(known) == len(every) else None


def judge_reason(rows: ReasonRows) -> ReasonVerdict:
    """The rule of the rows' reason applied to them."""
    every = {stage: tuple(_finding(rows, stage, column) for column in rows.columns) for stage in rows.stages}
    counted = tuple(one for stage, found in every.items() if stage != START for one in found)
    return ReasonVerdict(rows.reason, counted, every.get(START, ()))


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
    change = change_along(rule.settings, rows.of(stage, column))
    narrow = min(WIDEST * rule.threshold, abs(change.estimate.mean - rule.threshold))
    needed = change.networks_needed(narrow)
    return Finding(stage, column, change, judge_change_along(change, rule.threshold), needed)


def _common(verdicts: Sequence[Verdict]) -> Verdict:
    return verdicts[0] if verdicts and len(set(verdicts)) == 1 else "can't tell"
