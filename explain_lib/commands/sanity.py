"""The command "sanity": do the maps of a model depend on its trained weights?"""

import argparse

import numpy as np

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.words import interval, mean_number, percent
from explain_lib.commands.interruption import INTERRUPTED, rows_until_stopped
from explain_lib.loading.bundled import DEFAULT_MODEL, find_twin, list_models, load_model
from explain_lib.networks.randomisation import MODES, SEED
from explain_lib.pictures.dataset import load_cifar10
from explain_lib.pictures.selection import parse_class, parse_images
from explain_lib.trust.sanity import SanityRequest
from explain_lib.trust.sanity_summary import SanitySummary, sanity_sentence, summarise_sanity, twin_sentence


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name of a bundled model (default: %(default)s)")
    parser.add_argument("--layer", help="name of a layer (default: the last conv layer)")
    parser.add_argument(
        "--images", default="0-499", help="all, or numbers and ranges such as 0-999,2000 (default: %(default)s)"
    )
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--mode", choices=MODES, default="cascading", help="which layers forget (default: %(default)s)")
    parser.add_argument("--twin", action="store_true", help="compare with the twin that was taught labels in random order")
    parser.add_argument("--seed", type=int, default=SEED, help="of the random weights (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Check as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    spare_cores()
    request = _request(options)
    parts, stopped = rows_until_stopped(request)
    if stopped:
        return INTERRUPTED
    _print(request, options.model, summarise_sanity(request.join(parts)))
    return 0


def _request(options: argparse.Namespace) -> SanityRequest:
    images, model = load_cifar10(), load_model(options.model)
    chosen: np.ndarray = parse_images(options.images, len(images.pixels))
    target = None if options.target is None else parse_class(options.target, images.classes, "target")
    layer = options.layer or model.conv_layers[-1]
    twin = find_twin(options.model) if options.twin else None
    if options.twin and twin is None:
        having = ", ".join(name for name in list_models() if find_twin(name) is not None)
        raise InputError(f"twin: {options.model} has none; a model that has one would be right: {having}")
    beside = None if twin is None else load_model(twin)
    return SanityRequest(model, images.pixels, chosen, layer, target, options.mode, beside, options.seed)


def _print(request: SanityRequest, model: str, summary: SanitySummary) -> None:
    width = max(len(step.name) for step in summary.steps)
    print("correlation with the original map [95 % interval]; same prediction; zero or constant maps")
    for step in summary.steps:
        value, kept, flat = step.correlation, step.kept, step.flat
        shares = f"{percent(kept.mean):>7} {percent(flat.mean):>7}"
        print(f"{step.name:{width}}  {mean_number(value):>7} {interval(value):21} {shares}")
    if request.twin is not None:
        print(twin_sentence(summary, request.layer, model))
    else:
        print(sanity_sentence(summary, request.layer, request.mode))
