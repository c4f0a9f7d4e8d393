"""What whoever starts the server chooses: streamlit run dashboard/app.py -- --device cpu."""

import argparse
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from explain_lib.errors import InputError


@dataclass(frozen=True)
class ServerOptions:
    """device: where networks run, None for a GPU if there is one and the CPU else.

    cache: the folder for what can be made again, None for the platform's, see cache_folder.
    slow: seconds from which on the log notes a view.
    """

    device: str | None = None
    cache: Path | None = None
    slow: float = 2.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        raise InputError(f"server option: {message}; {usage} would be right")


@lru_cache(maxsize=1)
def server_options() -> ServerOptions:
    """The options behind `--` on the command line. Raises InputError for an option that does not exist."""
    return parse_options(sys.argv[1:] if is_server() else [])


def is_server() -> bool:
    """Whether this process is the dashboard's server; other programs, such as tests, have options of their own."""
    return Path(sys.argv[0]).name == "app.py"


def parse_options(arguments: list[str]) -> ServerOptions:
    """The options of a command line. Raises InputError for one that does not exist."""
    parser = _Parser(prog="streamlit run dashboard/app.py --", add_help=False)
    parser.add_argument("--device", help="cpu, cuda or cuda:1; default: a GPU if there is one")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="for what can be made again; default: the platform's")
    parser.add_argument("--slow", type=_seconds, metavar="SECONDS", default=2.0, help="which views the log notes; default: 2")
    return ServerOptions(**vars(parser.parse_args(arguments)))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, such as 2 or 0.5")
    return seconds
