"""The command "layers": a ranking of the layers of a model by deletion, insertion, ROAD or single deletion."""

import argparse
from pathlib import Path

from explain_lib.base.devices import spare_cores
from explain_lib.base.files import check_ending
from explain_lib.base.words import interval, mean_number, percent
from explain_lib.commands.interruption import INTERRUPTED, rows_until_stopped
from explain_lib.commands.subject import SAMPLE, Subject, add_subject_options, find_subject
from explain_lib.pictures.selection import parse_class
from explain_lib.trust.ladder import LadderRequest, LadderRows
from explain_lib.trust.ladder_summary import (
    beside_centre,
    beside_centre_sentence,
    opinions_sentence,
    rank_ladder,
    ranking_sentence,
    summarise_ladder,
)
from explain_lib.trust.measures import FILLS, MEASURES, direction_words, measure_words
from explain_lib.work.ladder_files import ENDINGS, write_ladder


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, f"0-{SAMPLE - 1}", samples=SAMPLE)
    parser.add_argument("--layers", nargs="+", help="names of layers (default: every conv layer)")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    parser.add_argument("--opinions", metavar="LAYER", help="also rank other methods and placements at this layer")
    parser.add_argument("--measure", choices=MEASURES, default="deletion", help="measure that ranks (default: %(default)s)")
    fill = "fill for removed pixels; ROAD has its own (default: %(default)s)"
    parser.add_argument("--fill", choices=FILLS, default="grey", help=fill)
    parser.add_argument("--out", type=Path, help=f"write every image's numbers to this file as well, {', '.join(ENDINGS)}")


def run(options: argparse.Namespace) -> int:
    """Rank as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    spare_cores()
    out: Path | None = None if options.out is None else check_ending(options.out, ENDINGS)
    subject = find_subject(options, f"0-{SAMPLE - 1}")
    request = _request(options, subject)
    parts, stopped = rows_until_stopped(request)
    if stopped and not parts:
        return INTERRUPTED
    subject.say_unreadable()
    rows = request.join(parts)
    _print(options, rows)
    if stopped:
        return INTERRUPTED
    if out is not None:
        write_ladder(rows, request, out)
        print(f"Every image's numbers are in {out}.")
    return 0


def _request(options: argparse.Namespace, subject: Subject) -> LadderRequest:
    target = None if options.target is None else parse_class(options.target, subject.model.classes, "target")
    layers = None if options.layers is None else tuple(options.layers)
    return LadderRequest(subject.model, subject.pixels, subject.images, layers, target, options.opinions)


def _print(options: argparse.Namespace, rows: LadderRows) -> None:
    summary, ranking = summarise_ladder(rows), rank_ladder(rows, options.measure, options.fill)
    values = {one.rung.name: one for one in summary}
    width = max(map(len, values))
    better = direction_words(options.measure)
    print(
        f"{measure_words(options.measure, options.fill)}, {better}; zero or constant maps; correlation with edges, with centre"
    )
    for name in ranking.order:
        one = values[name]
        value = one.value(options.measure, options.fill)
        others = f"{percent(one.flat.mean):>7}  {mean_number(one.edges):>7}  {mean_number(one.centre):>7}"
        print(f"{name:{width}}  {mean_number(value):>7} {interval(value):21}  {others}")
    beside = beside_centre_sentence(beside_centre(rows, options.fill), options.fill)
    print(" ".join(filter(None, (ranking_sentence(ranking, summary), opinions_sentence(ranking), beside))))
