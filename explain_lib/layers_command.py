"""The command "layers": every layer of a model beside orders that ask no network, ranked."""

import argparse

from tqdm import tqdm

from explain_lib.dataset import load_cifar10
from explain_lib.devices import spare_cores
from explain_lib.guess_words import interval, number
from explain_lib.imputation import FILLS
from explain_lib.ladder_request import LadderRequest
from explain_lib.ladder_summary import MEASURES, rank_ladder, summarise_ladder
from explain_lib.ladder_words import ranking_sentence
from explain_lib.models import DEFAULT_MODEL, load_model
from explain_lib.scan_images import parse_images


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name of a bundled model (default: %(default)s)")
    parser.add_argument("--layers", nargs="+", help="names of layers (default: every conv layer)")
    parser.add_argument(
        "--images", default="0-499", help="all, or numbers and ranges such as 0-999,2000 (default: %(default)s)"
    )
    parser.add_argument("--opinions", metavar="LAYER", help="rows for the package's other methods at this layer")
    parser.add_argument("--measure", choices=MEASURES, default="deletion", help="what ranks (default: %(default)s)")
    parser.add_argument("--fill", choices=FILLS, default="grey", help="what replaces removed pixels (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Rank as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    spare_cores()
    pixels = load_cifar10().pixels
    layers = None if options.layers is None else tuple(options.layers)
    images = parse_images(options.images, len(pixels))
    request = LadderRequest(load_model(options.model), pixels, images, layers, None, options.opinions)
    parts = []
    with tqdm(total=len(request), unit="image", disable=None) as bar:
        for rows in request.rows():
            parts.append(rows)
            bar.update(len(rows))
    rows = request.join(parts)
    summary, ranking = summarise_ladder(rows), rank_ladder(rows, options.measure, options.fill)
    values = {one.rung.name: one.value(options.measure, options.fill) for one in summary}
    for name in ranking.order:
        print(f"{name:28} {number(values[name].mean)} {interval(values[name])}")
    print(ranking_sentence(ranking, summary))
    return 0
