"""The command "card": five questions to the map of a picture, each answered with its number."""

import argparse
import json
import sys
from pathlib import Path
from typing import get_args

from explain_lib.audit.card import BeliefCard, Verdict, belief_card
from explain_lib.audit.card_words import QUESTIONS, card_lines, card_numbers
from explain_lib.base.devices import spare_cores
from explain_lib.base.errors import DataError
from explain_lib.base.files import check_ending, csv_text, write_whole
from explain_lib.cam.settings import Placement
from explain_lib.commands.interruption import INTERRUPTED, interrupted_between_batches
from explain_lib.commands.subject import Subject, add_subject_options, find_subject
from explain_lib.pictures.selection import parse_class
from explain_lib.pictures.sets import readable_places

ENDINGS = (".csv", ".json")
MARKS: dict[Verdict, str] = {"yes": "for it", "no": "against it", "unclear": "open", "unknown": "not known"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    add_subject_options(parser, "0")
    parser.add_argument("--layer", help="name of a layer (default: the one that pages begin with)")
    parser.add_argument("--target", metavar="CLASS", help="explain this class, by number or name (default: the predicted one)")
    placement = "where the cells of a map lie (default: %(default)s)"
    parser.add_argument("--placement", choices=get_args(Placement), default="stretched", help=placement)
    parser.add_argument("--out", type=Path, help=f"write the numbers to this file as well, {' or '.join(ENDINGS)}")


def run(options: argparse.Namespace) -> int:
    """Judge the maps as the options say; returns the exit status. Raises ExplainError where an option is wrong."""
    spare_cores()
    out: Path | None = None if options.out is None else check_ending(options.out, ENDINGS)
    subject = find_subject(options, "0")
    cards, stopped = _cards(subject, options)
    subject.say_unreadable()
    if stopped:
        return INTERRUPTED
    if not cards:
        raise DataError("images: none of them can be read; others would be right")
    if out is not None:
        rows = [{"picture": picture, **card_numbers(card, subject.model.classes)} for picture, card in cards]
        write_whole(out, _json(rows) if out.suffix == ".json" else csv_text(rows[0], [row.values() for row in rows]).encode())
        print(f"All numbers are in {out}.")
    return 0


def _cards(subject: Subject, options: argparse.Namespace) -> tuple[list[tuple[str, BeliefCard]], bool]:
    """The card of each picture that can be read, by its name, printed as it is made; and whether Ctrl-C ended it early."""
    model = subject.model
    layer = options.layer or model.default_layer
    target = None if options.target is None else parse_class(options.target, model.classes, "target")
    images = subject.images[readable_places(subject.pixels, subject.images)]
    made: list[tuple[str, BeliefCard]] = []
    try:
        with interrupted_between_batches() as check:
            for image in images.tolist():
                check()
                card = belief_card(model, subject.pixels[image], layer, target, options.placement)
                name = str(image) if subject.folder is None else subject.folder.files[image]
                made.append((name, card))
                _print(name, card, model.classes)
    except KeyboardInterrupt:
        print(f"explain_lib: stopped after {len(made):,} of {len(images):,} images", file=sys.stderr)
        return made, True
    return made, False


def _print(name: str, card: BeliefCard, classes: tuple[str, ...]) -> None:
    print(f"{name}, asked for {card_numbers(card, classes)['explained']}, layer {card.layer}")
    width = max(map(len, QUESTIONS.values()))
    for line in card_lines(card, classes):
        print(f"  {QUESTIONS[line.question]:{width}}  {MARKS[line.verdict]:10}  {line.words}")


def _json(rows: list[dict[str, str | float | None]]) -> bytes:
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False).encode()
