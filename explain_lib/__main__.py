"""The command line: python -m explain_lib COMMAND."""

import argparse
import sys
from pathlib import Path

from explain_lib.errors import ExplainError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 after a sentence on what went wrong."""
    options = _parser().parse_args(arguments)
    try:
        _train(options)
    except ExplainError as error:
        print(f"explain_lib: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m explain_lib", description="Grad-CAM on CIFAR-10, without the dashboard.")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a checkpoint; resumes after a kill")
    train.add_argument("name", help="tutorial, tutorial-permuted or resnet20")
    train.add_argument("--data", type=Path, help="folder with the training images; default: torchvision downloads them")
    train.add_argument("--out", type=Path, default=Path("checkpoints"), help="folder to write to (default: %(default)s)")
    return parser


def _train(options: argparse.Namespace) -> None:
    from explain_lib.training import train

    card = train(options.name, options.data, options.out, f"python -m explain_lib train {options.name}")
    print(f"{card.name}: {card.accuracy:.2%} of the test images are right; written to {options.out}")


if __name__ == "__main__":
    sys.exit(main())
