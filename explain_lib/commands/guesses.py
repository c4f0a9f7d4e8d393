"""The command "guesses": networks for the reasons that the study names trained and measured, and the verdicts."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from explain_lib.base.errors import InputError
from explain_lib.base.words import interval, mean_number
from explain_lib.commands.interruption import INTERRUPTED

if TYPE_CHECKING:
    from explain_lib.study.reasons.verdicts import Finding, ReasonVerdict

ONLY = ("depth", "resolution", "classes")
SEEDS, MOST_SEEDS = 5, 50


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--only", choices=ONLY, nargs="+", default=ONLY, help="some of the three reasons (default: all)")
    parser.add_argument("--data", type=Path, help="folder with the training images; default: torchvision downloads them")
    parser.add_argument("--out", type=Path, default=Path("guesses"), help="folder to write to (default: %(default)s)")
    parser.add_argument(
        "--outlines", action="store_true", help="only find the outlines of the test images anew, and write them (half an hour)"
    )
    parser.add_argument(
        "--seeds", type=int, default=SEEDS, help=f"networks of each setting, 1 to {MOST_SEEDS} (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Train and measure as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    from explain_lib.loading.training import load_training_set  # the other commands need no trainer
    from explain_lib.pictures.dataset import load_cifar10
    from explain_lib.study.outlines import BUNDLED, write_outlines
    from explain_lib.study.reasons.plan import REASONS
    from explain_lib.study.reasons.verdicts import judge_reason
    from explain_lib.study.reasons.work import ReasonWork

    if options.outlines:
        write_outlines(load_cifar10().pixels, options.out / BUNDLED.name)
        return 0
    if not 1 <= options.seeds <= MOST_SEEDS:
        raise InputError(f"seeds: {options.seeds}; 1 to {MOST_SEEDS} would be right")
    reasons = [reason for reason in REASONS if reason in options.only]
    command = f"python -m explain_lib guesses --only {' '.join(reasons)} --seeds {options.seeds}"
    work = ReasonWork(options.out, load_training_set(options.data), load_cifar10(), command)
    try:
        for rows in work.run(reasons, lambda words: print(words, flush=True), options.seeds):
            _print(judge_reason(rows), REASONS[rows.reason].title)
    except KeyboardInterrupt:
        print(f"explain_lib: stopped; the same command goes on after the last whole epoch in {options.out}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _print(found: "ReasonVerdict", title: str) -> None:
    counted = (*((one, "") for one in found.findings), *((one, " (does not count)") for one in found.untrained))
    print(f"{title}: {found.verdict}")
    for one, note in counted:
        print(f"  {one.stage}, {one.column}: {_words(one)}{note}", flush=True)


def _words(one: "Finding") -> str:
    estimate, networks = one.change.estimate, ", ".join(map(str, one.change.networks.tolist()))
    needed = "" if one.verdict != "can't tell" or one.needed is None else f"; {one.needed} of each would tell"
    return f"{mean_number(estimate, sign=True)} {interval(estimate)}, {networks} networks: {one.verdict}{needed}"
