"""The command "train": a checkpoint trained by a recipe."""

import argparse
from pathlib import Path

from explain_lib.base.words import percent


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("name", help="tutorial, tutorial-permuted, resnet20 or another recipe")
    parser.add_argument("--data", type=Path, help="folder with the training images; default: torchvision downloads them")
    parser.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder to write to (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Train as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    from explain_lib.loading.training import train  # the other commands need no trainer

    card = train(options.name, options.data, options.out, f"python -m explain_lib train {options.name}")
    print(f"{card.name}: {percent(card.accuracy, 2)} of the test images are right; written to {options.out}")
    return 0
