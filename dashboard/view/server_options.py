"""The options of the server: streamlit run dashboard/app.py -- --device cpu."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from explain_lib.base.errors import InputError
from explain_lib.loading.model_options import BESIDE_MODEL, MODEL_HELP, add_model_options, named_models, words_of
from explain_lib.loading.own import OwnModelOptions
from explain_lib.pictures.files import FITS, Fit, Window
from explain_lib.work.cache import ExplainCache, shared_cache
from explain_lib.work.jobs import Jobs, shared_jobs
from explain_lib.work.later import Later, shared_later


@dataclass(frozen=True)
class ServerOptions:
    """device: where networks run, None for a GPU if there is one and the CPU else.

    cache: the folder for what can be made again, None for the platform's, see cache_folder.
    slow: seconds from which on the log notes a view.
    images: a folder of pictures that the dashboard opens with, None for the CIFAR-10 test images alone.
    fit: how its pictures are brought to the size of a network. window: the numbers of files of more than 8 bits that become
    black and white, None for each picture's own range.
    own_models: models beside the bundled ones; the dashboard opens with the first. model_words: by their names, the words of a
    command line that name them.
    lessons: a folder of lessons beside the dashboard's own, None for these alone.
    """

    device: str | None = None
    cache: Path | None = None
    slow: float = 2.0
    images: Path | None = None
    fit: Fit = "crop"
    window: Window | None = None
    own_models: tuple[OwnModelOptions, ...] = ()
    model_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lessons: Path | None = None


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
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="folder for files that can be made again; default: the platform's cache folder",
    )
    parser.add_argument(
        "--slow", type=_seconds, metavar="SECONDS", default=2.0, help="the log notes views that take this long; default: 2"
    )
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help="your own pictures, with one subfolder per class, or without subfolders"
    )
    parser.add_argument(
        "--fit", choices=FITS, default="crop", help="how the folder's pictures are brought to the size of the input"
    )
    parser.add_argument(
        "--window",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="the values shown as black and white, for more than 8 bits",
    )
    parser.add_argument("--lessons", type=Path, metavar="FOLDER", help="your own lessons, one Markdown file each")
    add_model_options(parser, f"the model that the dashboard opens with: {MODEL_HELP}")
    options = parser.parse_args(arguments)
    given = vars(options)
    own = named_models(options)
    given["window"] = _window(given["window"])
    others = {name: value for name, value in given.items() if name not in ("model", "models", *BESIDE_MODEL)}
    return ServerOptions(**others, own_models=own, model_words={one.name: words_of(options, one.name) for one in own})


def server_jobs() -> Jobs:
    """The jobs of this server."""
    return shared_jobs(server_options().device)


def server_later() -> Later:
    """The work of this server that its pages do not wait for."""
    return shared_later(server_options().device)


def server_cache() -> ExplainCache:
    """The cache of this server. Raises InputError for options that are wrong."""
    cache = shared_cache(server_options().device)
    cache.own_models.offer(*server_options().own_models)
    return cache


def _window(given: list[float] | None) -> Window | None:
    if given is None:
        return None
    low, high = given
    if not -float("inf") < low < high < float("inf"):
        raise InputError(f"--window: {low} {high}; two numbers, the lower one first, would be right")
    return low, high


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, such as 2 or 0.5")
    return seconds
