"""The findings of a check-up: obstacles and notes, each with its consequence and remedy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from explain_lib.base.frozen import Frozen
from explain_lib.base.words import few_names

Severity = Literal["problem", "note"]
FEW = 4
"""How many layers or weights a sentence names."""


@dataclass(frozen=True)
class Finding(Frozen):
    """One thing found in a network, before any map.

    kind: a name of one or two words. severity: a "problem" makes maps wrong, empty or impossible; a "note" is good to know,
    mainly for users of other programs. sentence: the finding and its consequence. remedy: what to do.
    """

    kind: str
    severity: Severity
    sentence: str
    remedy: str


@dataclass(frozen=True)
class CheckUp(Frozen):
    """The findings of a check-up, problems first."""

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that make maps wrong, empty or impossible."""
        return tuple(finding for finding in self.findings if finding.severity == "problem")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The findings that are good to know."""
        return tuple(finding for finding in self.findings if finding.severity == "note")

    @property
    def counts(self) -> str:
        """The numbers of problems and notes, as "0 problems, 2 notes"."""
        return f"{_several(len(self.problems), 'problem')}, {_several(len(self.notes), 'note')}"

    @property
    def summary(self) -> str:
        """The outcome in one sentence."""
        problems, notes = len(self.problems), len(self.notes)
        also = f"; there {'is' if notes == 1 else 'are'} {_several(notes, 'note')}" if notes else ""
        if not problems:
            return f"Nothing stands in the way of a map{also}."
        stand, also = "stands" if problems == 1 else "stand", f"{also} as well" if also else ""
        return f"{_several(problems, 'problem')} {stand} in the way of a map{also}."


def problem(kind: str, sentence: str, remedy: str) -> Finding:
    """A finding that makes maps wrong, empty or impossible."""
    return Finding(kind, "problem", sentence, remedy)


def note(kind: str, sentence: str, remedy: str) -> Finding:
    """A finding that is good to know."""
    return Finding(kind, "note", sentence, remedy)


def in_order(findings: Iterable[Finding]) -> CheckUp:
    """The findings as a CheckUp: problems first, otherwise in the order found."""
    return CheckUp(tuple(sorted(findings, key=lambda finding: finding.severity != "problem")))


def subject(names: Sequence[str], verb: str) -> str:
    """The first four names, how many more there are, and the verb, in the plural for several: "conv1, conv2 are"."""
    plural = "are" if verb == "is" else verb.removesuffix("s")
    return f"{few_names(names, FEW)} {verb if len(names) == 1 else plural}"


def _several(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
