"""The command "check-up": the findings about a bundled model, with remedies."""

import argparse
import textwrap

from explain_lib.base.devices import spare_cores
from explain_lib.check_up.check_up import check_up
from explain_lib.check_up.findings import CheckUp
from explain_lib.loading.bundled import load_model

WIDTH = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("model", metavar="MODEL", help="name of a bundled model")


def run(options: argparse.Namespace) -> int:
    """Print the findings; returns 1 if there are problems, else 0. Raises ExplainError for an unknown model."""
    spare_cores()
    found = check_up(load_model(options.model))
    print(report(options.model, found))
    return 1 if found.problems else 0


def report(name: str, found: CheckUp) -> str:
    """The summary, then each finding with its remedy, as lines of text."""
    lines = [f"{name}: {found.summary}"]
    for finding in found.findings:
        lines += ["", f"{finding.severity.upper()}: {finding.kind}"]
        lines += [_wrapped(finding.sentence), _wrapped(f"What to do: {finding.remedy}")]
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
