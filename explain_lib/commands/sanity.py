"""The command "sanity": do the maps of a model depend on its trained weights?"""

import argparse

from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import InputError
from explain_lib.base.words import interval, mean_number, percent
from explain_lib.commands.interruption import INTERRUPTED, rows_until_stopped
from explain_lib.commands.subject import SAMPLE, Subject, add_subject_options, find_subject
from explain_lib.loading.bundled import find_twin, list_models, load_model
from explain_lib.networks.randomisation import MODES, SEED
from explain_lib.pictures.selection import parse_class
from explain_lib.trust.sanity import SanityRequest
from explain_lib.trust.sanity_summary import SanitySummary, sanity_sentence, summarise_sanity, twin_sentence


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, f"0-{SAMPLE - 1}", samples=True)
    parser.add_argument("--layer", help="name of a layer (default: the last conv layer)")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--mode", choices=MODES, default="cascading", help="which layers forget (default: %(default)s)")
    parser.add_argument("--twin", action="store_true", help="compare with the twin trained on shuffled labels")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the random weights (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Check as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    spare_cores()
    subject = find_subject(options, f"0-{SAMPLE - 1}")
    request = _request(options, subject)
    parts, stopped = rows_until_stopped(request)
    if stopped:
        return INTERRUPTED
    subject.say_unreadable()
    _print(request, subject.named.name, summarise_sanity(request.join(parts)))
    return 0


def _request(options: argparse.Namespace, subject: Subject) -> SanityRequest:
    model, name = subject.model, subject.named.name
    target = None if options.target is None else parse_class(options.target, model.classes, "target")
    layer = options.layer or subject.usual_layer
    twin = find_twin(name) if options.twin and subject.named.bundled else None
    if options.twin and twin is None:
        having = ", ".join(name for name in list_models() if find_twin(name) is not None)
        raise InputError(f"twin: {name} has none; a model that has one would be right: {having}")
    beside = None if twin is None else load_model(twin)
    return SanityRequest(model, subject.pixels, subject.images, layer, target, options.mode, beside, options.seed)


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
