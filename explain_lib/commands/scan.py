"""The command "scan": two maps compared over many images, written to a file."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.files import check_ending
from explain_lib.base.words import counted, fine
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, Configuration, parse_configuration
from explain_lib.cam.settings import CamSettings, package_settings
from explain_lib.commands.interruption import INTERRUPTED, interrupted_between_batches
from explain_lib.commands.subject import Subject, add_subject_options, find_subject
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.pictures.selection import parse_class
from explain_lib.work.cluster import scan_on_cluster
from explain_lib.work.scan_files import WRITERS, part_path, scan_to_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, "all")
    usual = "; if the model does not have its layers, the same program on the last conv layer"
    parser.add_argument("--a", help=f"one side, as text (default: {STUDY_MANUAL.to_text()}{usual})")
    parser.add_argument("--b", help=f"the other side (default: {STUDY_PACKAGE.to_text()}{usual})")
    parser.add_argument("--class", dest="true_class", metavar="CLASS", help="only images of this class, by number or name")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--no-causes", dest="causes", action="store_false", help="leave out the causes of the differences")
    parser.add_argument("--package", action="store_true", help="also run the real programs, for the residual")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="compute on a Dask cluster, such as tcp://localhost:8786")
    parser.add_argument("--out", type=Path, required=True, help="file to write, .csv or .parquet")


def run(options: argparse.Namespace) -> int:
    """Scan as the options say; returns the exit status. Raises ExplainError where an option is wrong or the scan fails."""
    path: Path = check_ending(options.out, WRITERS)
    try:
        return _scan(options, path)
    except KeyboardInterrupt:
        part = part_path(path)
        kept = (
            f"what is done is in {part}, and the same command goes on from there" if part.exists() else "nothing was done yet"
        )
        print(f"explain_lib: stopped; {kept}", file=sys.stderr)
        return INTERRUPTED


def _scan(options: argparse.Namespace, path: Path) -> int:
    spare_cores()
    subject = find_subject(options, "all", device=options.device)
    request = _request(options, subject)
    compute = _place(options, subject)
    earlier: list[int] = []
    bar = tqdm(total=len(request), unit="image", disable=None)  # None: where there is no terminal
    with bar, _quiet(), interrupted_between_batches() as check:

        def tell(done: int) -> None:
            if not earlier:
                earlier.append(done)
                bar.initial = done
            bar.update(done - bar.n)
            check()

        rows = scan_to_file(request, subject.labels, path, classes=subject.classes, compute=compute, progress=tell)
    subject.say_unreadable()
    print(_sentence(rows, earlier[0], path))
    return 0


def _request(options: argparse.Namespace, subject: Subject) -> ScanRequest:
    a = _side(options.a, STUDY_MANUAL, Configuration("manual", CamSettings()), subject)
    b = _side(options.b, STUDY_PACKAGE, Configuration("package", package_settings(None)), subject)
    chosen = _chosen(options, subject)
    target = None if options.target is None else parse_class(options.target, subject.model.classes, "target")
    return ScanRequest(subject.model, subject.pixels, chosen, a, b, target, causes=options.causes, package=options.package)


def _side(text: str | None, study: Configuration, otherwise: Configuration, subject: Subject) -> Configuration:
    """The side that the text says; the study's where there is none, or else the other one on the usual layer."""
    if text is not None:
        return parse_configuration(text)
    if set(study.settings.layers or ()) <= set(subject.model.spatial_layers):
        return study
    return replace(otherwise, settings=replace(otherwise.settings, layers=(subject.usual_layer,)))


def _chosen(options: argparse.Namespace, subject: Subject) -> NDArray[np.int64]:
    if options.true_class is None:
        return subject.images
    asked = parse_class(options.true_class, subject.classes, "class")
    of_class = subject.images[subject.labels[subject.images] == asked]
    if len(of_class) == 0:
        raise InputError(f"class: none of the images is a {options.true_class}; others, or --images all, would be right")
    return np.asarray(of_class)


def _place(options: argparse.Namespace, subject: Subject) -> Callable[[ScanRequest], Iterator[ScanRows]]:
    """The function that computes the rows: here, or on a cluster."""
    if options.scheduler is None:
        return ScanRequest.rows
    if not subject.named.bundled or subject.folder is not None:
        raise InputError("scheduler: workers have the bundled models and the test images; it is right without --scheduler")
    return partial(scan_on_cluster, name=subject.named.name, address=options.scheduler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log messages of libraries: errors of a cluster become sentences here, not tracebacks."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _sentence(rows: ScanRows, earlier: int, path: Path) -> str:
    finite = rows.mae[rows.finite]
    mean = f"; the maps differ by {fine(finite.mean())} on average" if len(finite) else ""
    broken = f", {len(rows) - len(finite):,} of them not finite" if len(finite) < len(rows) else ""
    before = f", {earlier:,} of them in an earlier run" if earlier else ""
    return f"{counted(len(rows))} scanned{before}{broken}{mean}; written to {path}"
