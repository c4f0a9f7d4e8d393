"""The command line: python -m explain_lib COMMAND."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass

from explain_lib.base.errors import ExplainError
from explain_lib.commands import advise as advise_command
from explain_lib.commands import card as card_command
from explain_lib.commands import check_up as check_up_command
from explain_lib.commands import guesses as guesses_command
from explain_lib.commands import layers as layers_command
from explain_lib.commands import lesson as lesson_command
from explain_lib.commands import replay as replay_command
from explain_lib.commands import sanity as sanity_command
from explain_lib.commands import scan as scan_command
from explain_lib.commands import slices as slices_command
from explain_lib.commands import train as train_command
from explain_lib.commands import truth as truth_command


@dataclass(frozen=True)
class Command:
    """A command: its name, a line of help, a function that adds its options, and one that runs it and returns the status."""

    name: str
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


COMMANDS = (
    Command("train", "train a checkpoint; resumes after a kill", train_command.add_options, train_command.run),
    Command("scan", "compare two maps over many images; resumes after a kill", scan_command.add_options, scan_command.run),
    Command("layers", "rank a model's layers by deletion, insertion or ROAD", layers_command.add_options, layers_command.run),
    Command("advise", "name the layer to hook, for your own pictures", advise_command.add_options, advise_command.run),
    Command("sanity", "test whether maps depend on what a model has learnt", sanity_command.add_options, sanity_command.run),
    Command("truth", "test whether maps find a place that is known", truth_command.add_options, truth_command.run),
    Command("guesses", "train networks that test the study's guesses", guesses_command.add_options, guesses_command.run),
    Command("card", "ask five questions of the map of a picture", card_command.add_options, card_command.run),
    Command("slices", "group pictures whose maps look at the same place", slices_command.add_options, slices_command.run),
    Command("check-up", "check a network for problems before making maps", check_up_command.add_options, check_up_command.run),
    Command("lesson", "write a lesson as one HTML file, which needs no server", lesson_command.add_options, lesson_command.run),
    Command("replay", "compute a downloaded view again, and compare", replay_command.add_options, replay_command.run),
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 after a sentence on what went wrong, or the command's own."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ExplainError as error:
        print(f"explain_lib: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m explain_lib", description="Grad-CAM without the dashboard.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        own = commands.add_parser(command.name, help=command.help)
        command.add_options(own)
        own.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
