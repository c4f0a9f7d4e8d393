"""The command "slices": groups of pictures whose maps look at the same place."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explain_lib.audit.slices import COUNTS, SliceRequest, Slices, find_slices
from explain_lib.audit.slices_words import slice_caption, slices_csv, slices_sentence, structure_sentence
from explain_lib.base.errors import InputError
from explain_lib.base.files import check_ending, write_whole
from explain_lib.base.words import counted
from explain_lib.cam.settings import VARIANTS
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.commands.subject import Subject, add_subject_options, find_rows, find_sample
from explain_lib.networks import watermark
from explain_lib.pictures.selection import parse_class

EXAMPLES = 7


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, "all")
    parser.add_argument("--class", dest="of_class", metavar="CLASS", help="only pictures of this class, which is asked for")
    parser.add_argument("--layer", help="name of a layer (default: the last conv layer)")
    parser.add_argument("--method", choices=VARIANTS, default="grad-cam", help="whose maps (default: %(default)s)")
    parser.add_argument("--slices", type=int, metavar="N", help=f"how many, {COUNTS[0]} to {COUNTS[-1]} (default: the best)")
    planted = f"with the model {watermark.NAME} and the test images: every second horse carries the mark"
    parser.add_argument("--planted", action="store_true", help=planted)
    parser.add_argument("--out", type=Path, help="write the slice of every picture to this file as well, .csv")


def run(options: argparse.Namespace) -> int:
    """Find slices as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    out: Path | None = None if options.out is None else check_ending(options.out, (".csv",))
    if options.slices is not None and options.slices not in COUNTS:
        raise InputError(f"slices: {options.slices}; a number from {COUNTS[0]} to {COUNTS[-1]} would be right")
    subject = find_sample(options, "all")
    marked = _marked(options, subject)
    rows = find_rows(subject, _request(options, subject, marked))
    if rows is None:
        return INTERRUPTED
    found = find_slices(rows, subject.labels[rows.images], options.slices)
    _print(found, subject, marked)
    if out is not None:
        names = None if subject.folder is None else subject.folder.files
        write_whole(out, slices_csv(found, marked, names).encode())
        print(f"The slice of every picture is in {out}.")
    return 0


def _marked(options: argparse.Namespace, subject: Subject) -> NDArray[np.bool_]:
    """The pictures of the set that carry the mark, bool (N,)."""
    if not options.planted:
        return np.zeros(len(subject.labels), dtype=np.bool_)
    if subject.named.name != watermark.NAME or subject.folder is not None:
        raise InputError(f"planted: the mark is for the model {watermark.NAME} and the test images; these would be right")
    return watermark.every_second(subject.labels)


def _request(options: argparse.Namespace, subject: Subject, marked: NDArray[np.bool_]) -> SliceRequest:
    images, target = subject.images, None
    if options.of_class is not None:
        asked = parse_class(options.of_class, subject.classes, "class")
        images = images[subject.labels[images] == asked]
        target = asked if asked < len(subject.model.classes) else None
        if len(images) == 0:
            raise InputError(f"class: none of these pictures is of class {subject.classes[asked]}; another would be right")
    pixels = watermark.MarkedPixels(subject.pixels, marked) if marked.any() else subject.pixels
    return SliceRequest(subject.model, pixels, images, options.layer or subject.usual_layer, target, options.method)


def _print(found: Slices, subject: Subject, marked: NDArray[np.bool_]) -> None:
    for number, one in enumerate(found.slices, 1):
        having = f" · {int(marked[one.images].sum()):,} marked" if marked.any() else ""
        names = [str(image) if subject.folder is None else subject.folder.files[image] for image in one.images[:EXAMPLES]]
        print(f"slice {number}  {slice_caption(one)}{having}; most typical: {', '.join(names)}")
    if len(found.blank):
        print(f"{counted(len(found.blank), 'map')} left out: zero everywhere, or not finite.")
    print(slices_sentence(found))
    print(structure_sentence(found))
