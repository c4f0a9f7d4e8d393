"""The command "advise": the layer to hook for one's own pictures, and the code that makes this very map with four programs."""

import argparse
import sys

from explain_lib.advice.choice import Advice, choose_layer
from explain_lib.advice.measuring import AdviceRequest, estimated_seconds
from explain_lib.advice.words import advice_lines, advice_sentence, dropped_sentence
from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.words import counted, time_words
from explain_lib.commands.interruption import INTERRUPTED, rows_until_stopped
from explain_lib.commands.subject import Subject, add_subject_options, find_subject
from explain_lib.networks.predictions import predict
from explain_lib.passes.targets import Target
from explain_lib.pictures.selection import parse_class
from explain_lib.take_home.hook_snippets import hook_snippets
from explain_lib.take_home.snippet import Explained
from explain_lib.trust.by_row import is_large

SAMPLE = 32


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, f"0-{SAMPLE - 1}", samples=SAMPLE)
    ends = "names of layers to choose from (default: the ends of stages)"
    parser.add_argument("--layers", nargs="+", metavar="LAYER", help=ends)
    parser.add_argument("--every", action="store_true", help="choose from all main layers, not only the ends of stages")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")


def run(options: argparse.Namespace) -> int:
    """Advise as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    subject = find_subject(options, f"0-{SAMPLE - 1}")
    if not is_large(subject.model):
        spare_cores()
    request = _request(options, subject)
    print(_estimate(request), file=sys.stderr)
    parts, stopped = rows_until_stopped(request)
    if stopped and not parts:
        return INTERRUPTED
    subject.say_unreadable()
    advice = choose_layer(request.join(parts))
    print("\n".join(filter(None, (*advice_lines(advice), advice_sentence(advice), dropped_sentence(advice)))))
    _print_snippets(advice, subject, request, int(parts[0].images[0]))
    return INTERRUPTED if stopped else 0


def _request(options: argparse.Namespace, subject: Subject) -> AdviceRequest:
    """Raises InputError for --every beside --layers."""
    if options.every and options.layers is not None:
        raise InputError("every: it does not go with --layers; one of the two would be right")
    model = subject.model
    target = None if options.target is None else parse_class(options.target, model.classes, "target")
    layers = model.main_layers if options.every else None if options.layers is None else tuple(options.layers)
    return AdviceRequest(model, subject.pixels, subject.images, layers, target)


def _estimate(request: AdviceRequest) -> str:
    """What is measured, and how long it may take."""
    asked = f"{counted(len(request.names), 'layer')} on {counted(len(request), 'picture')}: {', '.join(request.names)}"
    return f"explain_lib: {asked}; at most about {time_words(estimated_seconds(request))}, less where layers drop out"


def _print_snippets(advice: Advice, subject: Subject, request: AdviceRequest, image: int) -> None:
    """Print the code of the map of the first image at the layer, or at the first of those that are tied."""
    if advice.first is None:
        return
    own = subject.pixels[image : image + 1]
    index = request.target if isinstance(request.target, int) else int(predict(subject.model, own).predicted[0])
    name = subject.model.classes[index]
    explained = Explained(subject.named.python, subject.python, image, Target(index), name)
    found = hook_snippets(subject.model, advice.first, explained)
    print(f"\n# Grad-CAM of picture {image} at {advice.first}, {name}: `values`, float32 (h, w), by each of these programs")
    print(found.setup)
    for one in found.programs:
        print(f"# {one.program}\n{one.code}" if one.code is not None else f"# {one.why}\n")
