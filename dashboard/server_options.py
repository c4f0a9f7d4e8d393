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
    """device: where networks run, None for a GPU if there is one and the CPU else."""

    device: str | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"server option: {message}; {self.format_usage().strip()} would be right")


@lru_cache(maxsize=1)
def server_options() -> ServerOptions:
    """The options behind `--` on the command line. Raises InputError for an option that does not exist."""
    given = (
        sys.argv[1:] if Path(sys.argv[0]).name == "app.py" else []
    )  # other programs, such as tests, have options of their own
    return parse_options(given)


def parse_options(arguments: list[str]) -> ServerOptions:
    """The options of a command line. Raises InputError for one that does not exist."""
    parser = _Parser(prog="streamlit run dashboard/app.py --", add_help=False)
    parser.add_argument("--device", help="cpu, cuda or cuda:1; default: a GPU if there is one")
    return ServerOptions(**vars(parser.parse_args(arguments)))
