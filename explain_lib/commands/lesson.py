"""The command "lesson": a lesson of the dashboard as one HTML file."""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import DataError, InputError
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.loading.bundled import DEFAULT_MODEL
from explain_lib.loading.model_options import MODEL_HELP, add_model_options, named_models
from explain_lib.work.cache import ExplainCache

WRITER = "dashboard.take_home.lesson_file.lesson_file"
"""Lessons are the dashboard's. It is looked for when the command runs: the library itself knows of no dashboard."""
MEBIBYTE = 2**20


class _Say(Protocol):
    def __call__(self, line: str) -> object: ...


class _Writer(Protocol):
    """The module that writes lessons, as far as the command knows it."""

    def write_lesson(self, file: Path, out: Path, cache: ExplainCache, say: _Say) -> int:
        """Write the file; returns its size in bytes."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a lesson's Markdown file, or the dashboard's own, grad-cam.md")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the HTML file that is written")
    add_model_options(parser, f"a network that the stops name besides the bundled ones ({DEFAULT_MODEL}, ...): {MODEL_HELP}")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Write the file; returns the exit status. Raises ExplainError for a lesson, a network or a file that is not right."""
    spare_cores()
    out: Path = options.out
    if out.suffix != ".html" or out.is_dir():
        raise InputError(f"out: {out}; a file that ends in .html would be right")
    if not out.parent.is_dir():
        raise InputError(f"out: there is no folder {out.parent}; one that is there would be right")
    writer = _writer()
    cache = ExplainCache(device=options.device)
    cache.own_models.offer(*named_models(options))
    try:
        size = writer.write_lesson(options.file, out, cache, lambda line: print(line, file=sys.stderr))
    except KeyboardInterrupt:
        print("explain_lib: stopped; no file was written", file=sys.stderr)
        return INTERRUPTED
    print(f"{out}: {size / MEBIBYTE:.1f} MiB, which any browser opens without a server.")
    return 0


def _writer() -> _Writer:
    try:
        return cast(_Writer, import_module(WRITER))
    except ModuleNotFoundError as error:
        raise DataError(
            f"lesson: lessons are part of the dashboard, and {error.name} is not here; the folder that holds dashboard and "
            "explain_lib, with requirements.txt installed, would be right"
        ) from error
