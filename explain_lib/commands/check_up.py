"""The command "check-up": the findings about a model, with remedies."""

import argparse
import textwrap

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.check_up.check_up import check_up
from explain_lib.check_up.findings import CheckUp
from explain_lib.commands.subject import add_subject_options, find_model

WIDTH = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("bundled", metavar="MODEL", nargs="?", help="name of a bundled model; or use --model with its options")
    add_subject_options(parser, None)


def run(options: argparse.Namespace) -> int:
    """Print the findings; returns 1 if there are problems, else 0. Raises ExplainError for a model that cannot be had."""
    spare_cores()
    if options.bundled is not None:
        if options.model is not None:
            raise InputError(f"model: {options.bundled} and --model {options.model}; one of them would be right")
        options.model = options.bundled
    named = find_model(options)
    found = check_up(named.model)
    print(report(named.name, found))
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
