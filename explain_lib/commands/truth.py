"""The command "truth": do maps find a place that is known?"""

import argparse
from typing import get_args

import numpy as np

from explain_lib.base.errors import InputError
from explain_lib.base.words import interval, mean_number, mean_percent, percent, percent_interval
from explain_lib.cam.settings import Placement
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.commands.subject import SAMPLE, Subject, add_subject_options, find_rows, find_sample
from explain_lib.networks.predictions import predict
from explain_lib.pictures.sets import readable_places
from explain_lib.truth.finders import Finder
from explain_lib.truth.localisation import TruthMeasure
from explain_lib.truth.mosaics import PICTURES_OF_A_MOSAIC, MosaicRequest, make_mosaics
from explain_lib.truth.own_places import OwnPlaces, OwnPlacesRequest
from explain_lib.truth.secret import MARKED, SecretRequest
from explain_lib.truth.summary import (
    FINDING,
    MOSAICS,
    Place,
    TruthSummary,
    rank_finders,
    summarise_truth,
    truth_sentence,
    turned_sentence,
)

Request = SecretRequest | MosaicRequest | OwnPlacesRequest


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, f"0-{SAMPLE - 1}", samples=SAMPLE)
    known = (
        "the planted mark of the model watermark, the quarter of a mosaic of four pictures, the same with quarters that cannot "
        "influence each other (apart), or the objects in a folder's masks"
    )
    parser.add_argument("--known", choices=get_args(Place), default="mark", help=f"{known} (default: %(default)s)")
    parser.add_argument("--measure", choices=FINDING, default="energy", help="what ranks the maps (default: %(default)s)")
    parser.add_argument("--layers", nargs="+", metavar="LAYER", help="names of layers (default: every conv layer)")
    placement = "where the cells of a map lie (default: %(default)s)"
    parser.add_argument("--placement", choices=get_args(Placement), default="receptive-field", help=placement)


def run(options: argparse.Namespace) -> int:
    """Measure as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    subject = find_sample(options)
    rows = find_rows(subject, _request(options, subject))
    if rows is None:
        return INTERRUPTED
    measure: TruthMeasure = options.measure if options.measure in rows.measures else "energy"
    summary, chosen = summarise_truth(rows), Finder((options.layers or [subject.usual_layer])[-1], "grad-cam")
    _print(summary)
    if options.known == "mark":
        print(turned_sentence(summary, MARKED))
    print(truth_sentence(summary, rank_finders(rows, summary, measure, chosen), options.known))
    return 0


def _request(options: argparse.Namespace, subject: Subject) -> Request:
    model, images = subject.model, subject.images
    layers = tuple(options.layers) if options.layers else None
    if options.known == "mark":
        others = images[[subject.classes[label] != MARKED if label >= 0 else True for label in subject.labels[images]]]
        return SecretRequest(model, subject.pixels, others, layers, options.placement)
    if options.known in MOSAICS:
        most = max(1, len(images) // PICTURES_OF_A_MOSAIC)
        mosaics = make_mosaics(subject.pixels, subject.labels, images, predict(model, subject.pixels[images]), most)
        return mosaics.request(model, subject.pixels, layers, options.placement, apart=options.known == "apart")
    if subject.folder is None:
        raise InputError("images: the test images have no masks; a folder with masks or boxes.csv would be right")
    own = OwnPlaces(subject.folder)
    known = np.intersect1d(images, own.positions)
    known = known[readable_places(subject.pixels, known)]
    if len(known) == 0:
        raise InputError(f"images: none of these {len(images):,} has a mask; some with masks would be right")
    classes = np.where(subject.labels[known] < len(model.classes), subject.labels[known], -1)
    masks = own.masks(known, model.intake())
    return OwnPlacesRequest(model, subject.pixels, known, masks, classes, layers, options.placement)


def _print(summary: TruthSummary) -> None:
    width = max(len(one.finder.name) for one in summary.finders)
    print(f"{'; '.join(summary.measures)}: mean [95 % interval]; flat maps")
    for one in summary.finders:
        cells = []
        for name, value in zip(summary.measures, one.values, strict=True):
            if name in FINDING:
                cells.append(f"{mean_percent(value):>7} {percent_interval(value):16}")
            else:
                cells.append(f"{mean_number(value):>6} {interval(value):18}")
        print(f"{one.finder.name:{width}}  {' '.join(cells)} {percent(one.flat.mean)}")
