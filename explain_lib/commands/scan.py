"""The command "scan": two maps compared over many images, written to a file."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.files import check_ending
from explain_lib.base.words import counted, fine
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.commands.interruption import INTERRUPTED, interrupted_between_batches
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.loading.bundled import DEFAULT_MODEL, load_model
from explain_lib.pictures.dataset import ImageSet, load_cifar10
from explain_lib.pictures.selection import parse_class, parse_images
from explain_lib.work.cluster import scan_on_cluster
from explain_lib.work.scan_files import WRITERS, part_path, scan_to_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name of a bundled model (default: %(default)s)")
    parser.add_argument("--a", default=STUDY_MANUAL.to_text(), help="one side, as text (default: %(default)s)")
    parser.add_argument("--b", default=STUDY_PACKAGE.to_text(), help="the other side (default: %(default)s)")
    parser.add_argument("--images", default="all", help="all, or numbers and ranges such as 0-999,2000 (default: %(default)s)")
    parser.add_argument("--class", dest="true_class", metavar="CLASS", help="only images of this class, by number or name")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--no-causes", dest="causes", action="store_false", help="leave out what causes the differences")
    parser.add_argument("--package", action="store_true", help="run the real programs too, for the residual")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="let a Dask cluster compute, such as tcp://localhost:8786")
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
    images = load_cifar10()
    request = _request(options, images)
    earlier: list[int] = []
    bar = tqdm(total=len(request), unit="image", disable=None)  # None: where there is no terminal
    with bar, _quiet(), interrupted_between_batches() as check:

        def tell(done: int) -> None:
            if not earlier:
                earlier.append(done)
                bar.initial = done
            bar.update(done - bar.n)
            check()

        rows = scan_to_file(request, images.labels, path, compute=_place(options), progress=tell)
    print(_sentence(rows, earlier[0], path))
    return 0


def _request(options: argparse.Namespace, images: ImageSet) -> ScanRequest:
    a, b = (parse_configuration(text) for text in (options.a, options.b))
    chosen = _chosen(options, images)
    target = None if options.target is None else parse_class(options.target, images.classes, "target")
    model = load_model(options.model, options.device)
    return ScanRequest(model, images.pixels, chosen, a, b, target, causes=options.causes, package=options.package)


def _chosen(options: argparse.Namespace, images: ImageSet) -> NDArray[np.int64]:
    chosen = parse_images(options.images, len(images.labels))
    if options.true_class is None:
        return chosen
    of_class = chosen[images.labels[chosen] == parse_class(options.true_class, images.classes, "class")]
    if len(of_class) == 0:
        raise InputError(f"class: none of the images is a {options.true_class}; others, or --images all, would be right")
    return np.asarray(of_class)


def _place(options: argparse.Namespace) -> Callable[[ScanRequest], Iterator[ScanRows]]:
    """The function that computes the rows: here, or on a cluster."""
    if options.scheduler is None:
        return ScanRequest.rows
    return partial(scan_on_cluster, name=options.model, address=options.scheduler)


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
