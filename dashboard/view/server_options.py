"""The options of the server: streamlit run dashboard/app.py -- --device cpu."""

import argparse
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from explain_lib.base.errors import InputError
from explain_lib.loading.own import Described, OwnModelOptions, read_class_names
from explain_lib.networks.model import checked_channels, checked_size
from explain_lib.pictures.files import FITS, Fit, Window
from explain_lib.work.cache import ExplainCache, shared_cache
from explain_lib.work.jobs import Jobs, shared_jobs


@dataclass(frozen=True)
class ServerOptions:
    """device: where networks run, None for a GPU if there is one and the CPU else.

    cache: the folder for what can be made again, None for the platform's, see cache_folder.
    slow: seconds from which on the log notes a view.
    images: a folder of pictures that the dashboard opens with, None for the CIFAR-10 test images alone.
    fit: how its pictures are brought to the size of a network. window: the numbers of files of more than 8 bits that become
    black and white, None for each picture's own range.
    own_model: a model that the dashboard opens with, None for the bundled ones alone.
    lessons: a folder of lessons beside the dashboard's own, None for these alone.
    """

    device: str | None = None
    cache: Path | None = None
    slow: float = 2.0
    images: Path | None = None
    fit: Fit = "crop"
    window: Window | None = None
    own_model: OwnModelOptions | None = None
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
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="for what can be made again; default: the platform's")
    parser.add_argument("--slow", type=_seconds, metavar="SECONDS", default=2.0, help="which views the log notes; default: 2")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="pictures of your own, a subfolder a class, or flat")
    parser.add_argument("--fit", choices=FITS, default="crop", help="how pictures of the folder become as large as the input")
    parser.add_argument("--window", type=float, nargs=2, metavar=("LOW", "HIGH"), help="black and white of more than 8 bits")
    parser.add_argument("--lessons", type=Path, metavar="FOLDER", help="lessons of your own, a Markdown file each")
    parser.add_argument("--model", metavar="NAME", help="resnet18 or another of torchvision, or package.module:factory")
    parser.add_argument("--weights", metavar="FILE", help=".pt or .safetensors, or DEFAULT for those of torchvision")
    parser.add_argument("--classes", type=Path, metavar="FILE", help="a name a line; default: class 0, class 1, ...")
    parser.add_argument("--input-size", type=int, nargs="+", metavar="N", help="pixels of a side, or height and width")
    parser.add_argument("--mean", type=float, nargs="+", metavar="M", help="of each channel, for pixels from 0 to 1")
    parser.add_argument("--std", type=float, nargs="+", metavar="S", help="of each channel, for pixels from 0 to 1")
    given = vars(parser.parse_args(arguments))
    own = {name: given.pop(name) for name in ("model", *_BESIDE_MODEL)}
    for name in _BESIDE_MODEL:
        if own["model"] is None and own[name] is not None:
            option = name.replace("_", "-")
            raise InputError(f"server option: --{option} belongs to a model; --model NAME before it would be right")
    given["window"] = _window(given["window"])
    return ServerOptions(**given, own_model=_own_model(**own))


def server_jobs() -> Jobs:
    """The jobs of this server."""
    return shared_jobs(server_options().device)


def server_cache() -> ExplainCache:
    """The cache of this server. Raises InputError for options that are wrong."""
    cache = shared_cache(server_options().device)
    cache.own_models.offer(server_options().own_model)
    return cache


# Section: a model of the caller's own

_BESIDE_MODEL = ("weights", "classes", "input_size", "mean", "std")


def _own_model(
    model: str | None,
    weights: str | None,
    classes: Path | None,
    input_size: list[int] | None,
    mean: list[float] | None,
    std: list[float] | None,
) -> OwnModelOptions | None:
    if model is None:
        return None
    described = Described(
        classes=None if classes is None else read_class_names(classes),
        input_size=None if input_size is None else checked_size(tuple(input_size * 2 if len(input_size) == 1 else input_size)),
        mean=None if mean is None else checked_channels("--mean", mean),
        std=None if std is None else checked_channels("--std", std),
    )
    return OwnModelOptions(model, weights, described)


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
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, such as 2 or 0.5")
    return seconds
