"""The command "sanity": do the maps of a model depend on its trained weights?"""

import argparse

from explain_lib.base.errors import InputError
from explain_lib.base.words import interval, mean_number, percent
from explain_lib.commands.interruption import INTERRUPTED
from explain_lib.commands.subject import SAMPLE, Subject, add_subject_options, find_rows, find_sample
from explain_lib.loading.bundled import find_second, find_twin, list_models, load_model
from explain_lib.networks.randomisation import DRAWS, MODES, MOST_DRAWS, SEED
from explain_lib.pictures.selection import parse_class
from explain_lib.trust.sanity import SanityRequest, SanityRows
from explain_lib.trust.sanity_summary import (
    SanitySummary,
    StepSummary,
    sanity_sentence,
    step_words,
    summarise_sanity,
    summarise_twin,
    twin_sentence,
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, f"0-{SAMPLE - 1}", samples=SAMPLE)
    parser.add_argument("--layer", help="name of a layer (default: the last conv layer)")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--mode", choices=MODES, default="cascading", help="which layers forget (default: %(default)s)")
    parser.add_argument(
        "--twin", action="store_true", help="compare with the twin trained on shuffled labels, and with a second network"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="first draw of random weights (default: %(default)s)")
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"how many draws, 1 to {MOST_DRAWS} (default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Check as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    subject = find_sample(options)
    request = _request(options, subject)
    rows = find_rows(subject, request)
    if rows is None:
        return INTERRUPTED
    _print(request, subject.named.name, rows)
    return 0


def _request(options: argparse.Namespace, subject: Subject) -> SanityRequest:
    model, name = subject.model, subject.named.name
    target = None if options.target is None else parse_class(options.target, model.classes, "target")
    layer = options.layer or subject.usual_layer
    bundled = options.twin and subject.named.bundled
    twin, second = (find_twin(name), find_second(name)) if bundled else (None, None)
    if options.twin and (twin is None or second is None):
        having = ", ".join(name for name in list_models() if find_twin(name) is not None)
        raise InputError(f"twin: {name} has none; a model that has one would be right: {having}")
    beside, third = (None if name is None else load_model(name) for name in (twin, second))
    return SanityRequest(
        model, subject.pixels, subject.images, layer, target, options.mode, beside, options.seed, options.draws, third
    )


def _print(request: SanityRequest, model: str, rows: SanityRows) -> None:
    summary = summarise_sanity(rows)
    width = max(len(step.name) for step in summary.steps)
    print(
        "correlation with the original map [95 % interval]; more than chance; verdict; same prediction; zero or constant maps"
    )
    for step in summary.steps:
        value, gap = step.correlation, step.gap
        means = f"{mean_number(value):>7} {interval(value):21} {mean_number(gap, sign=True):>7} {interval(gap):21}"
        shares = f"{percent(step.kept.mean):>7} {percent(step.flat.mean):>7}"
        print(f"{step.name:{width}}  {means} {_verdict(summary, step):20} {shares}")
    if request.twin is not None:
        print(twin_sentence(summarise_twin(rows), request.layer, model))
    else:
        print(sanity_sentence(summary, request.layer, request.mode))


def _verdict(summary: SanitySummary, step: StepSummary) -> str:
    return step_words(summary.verdict(step))
