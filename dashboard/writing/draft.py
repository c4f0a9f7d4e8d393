"""A stop that is being written: what the form's fields hold, the stop that they make, and what is wrong in which field."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

from dashboard.lesson.ask import FEWEST, LONGEST, MOST, Ask, Kind
from dashboard.lesson.file import Lesson, Stop, parse_lesson, placeholder_problems
from dashboard.view.view import View
from dashboard.writing.markdown import stop_lines, stop_markdown

Field = Literal["title", "question", "hint", "answer", "ask"]
TEXTS: Mapping[str, int] = {"title": 120, "question": 4000, "hint": 4000, "answer": 8000}
"""The fields of text, each with the most characters that it takes."""
ASKS: Mapping[str, str] = {
    "": "Nothing",
    "choice": "A choice",
    "place": "A place in the picture",
    "outline": "An outline on it",
    "number": "A number",
}
"""What learners can be asked to commit to, and its words."""


@dataclass(frozen=True)
class Draft:
    """What the fields hold, as it was typed.

    asks: a key of ASKS. choices: a field each, empty ones among them. right: the places of the right ones among these, from 0.
    truth: the name of the placeholder of a number. editing: the place in the lesson of the stop that is changed, None for a new
    one.
    """

    title: str = ""
    question: str = ""
    hint: str = ""
    answer: str = ""
    asks: str = ""
    choices: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    truth: str = "predicted.probability"
    editing: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been typed."""
        return not any((self.title, self.question, self.hint, self.answer, *self.choices))


@dataclass(frozen=True)
class Checked:
    """A draft with the page and the view that it is written for.

    stop: as far as it goes. is_whole: whether it can stand in a lesson. missing: sentences on what is not there yet. faults:
    sentences on what is wrong, by field.
    """

    stop: Stop
    missing: Mapping[Field, str]
    faults: Mapping[Field, tuple[str, ...]]

    @property
    def is_whole(self) -> bool:
        return not self.missing and not self.faults


def draft_of(stop: Stop, place: int) -> Draft:
    """The draft that a stop of the lesson begins with when it is changed."""
    ask = stop.ask
    words = Draft(stop.title, stop.question, stop.hint, stop.answer, editing=place)
    if ask is None:
        return words
    return replace(words, asks=ask.kind, choices=ask.choices, right=ask.right, truth=ask.truth or Draft().truth)


def check_draft(draft: Draft, page: str, view: View, known: Sequence[str], worded: Collection[str]) -> Checked:
    """The stop that a draft makes, and what keeps it out of a lesson.

    known: the names of the placeholders that there are. worded: those of them whose values are no numbers.
    """
    plainly = replace(view.without_lesson(), present=False)
    question, hint, answer = (tidied(text) for text in (draft.question, draft.hint, draft.answer))
    stop = Stop(" ".join(draft.title.split()), page, plainly, question, hint, answer, _ask(draft))
    missing = _missing(stop)
    texts, faults = _texts(stop), dict[Field, list[str]]()
    for name, text in _texts(stop).items():
        faults[name] = _breaking(name, text)
        if faults[name]:
            texts[name] = "…"  # the reader of files would take its lines for other fields'
            faults[name] += _placeholder_faults(name, text, known)
    readable = replace(stop, question=texts["question"], hint=texts["hint"], answer=texts["answer"])
    _add_read(readable, missing, faults, known, worded)
    return Checked(stop, missing, {name: tuple(dict.fromkeys(said)) for name, said in faults.items() if said})


def tidied(text: str) -> str:
    """A text as a lesson's file gives it back: line breaks of one kind, nothing around it, nothing in empty lines."""
    return "\n".join(line if line.strip() else "" for line in text.splitlines()).strip()


def introduction_faults(text: str) -> tuple[str, ...]:
    """A sentence on each line that would break a lesson's file."""
    lines = enumerate(text.split("\n"), 1)
    titles = [number for number, line in lines if re.match(r"#(\s|$)", line)]
    words = "begins with “# ”, which is the lesson's title in its file; “### ” would be right"
    return (*(f"Line {number} {words}." for number in titles), *_breaking_structure(text))


def _texts(stop: Stop) -> dict[Field, str]:
    return {"question": stop.question, "hint": stop.hint, "answer": stop.answer}


def _placeholder_faults(name: Field, text: str, known: Sequence[str]) -> list[str]:
    said = [one for line in text.split("\n") for one in placeholder_problems(line, known, computed=name != "question")]
    return [_sentence(one) for one in said]


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _ask(draft: Draft) -> Ask | None:
    if draft.asks not in get_args(Kind):
        return None
    if draft.asks == "choice":
        texts = [(" ".join(text.split()), place in draft.right) for place, text in enumerate(draft.choices) if text.strip()]
        return Ask("choice", tuple(text for text, _ in texts), tuple(place for place, (_, right) in enumerate(texts) if right))
    if draft.asks == "number":
        return Ask("number", truth=draft.truth)
    return Ask("outline" if draft.asks == "outline" else "place")


def _missing(stop: Stop) -> dict[Field, str]:
    missing: dict[Field, str] = {}
    if not stop.title:
        missing["title"] = "The stop has no title yet."
    if not stop.question:
        missing["question"] = "The stop has no question yet."
    if not stop.answer:
        missing["answer"] = "The stop has no answer yet."
    if stop.ask and stop.ask.kind == "choice" and len(stop.ask.choices) < FEWEST:
        missing["ask"] = f"There is no choice yet; {FEWEST} to {MOST} would be right."
    return missing


# Section: lines that mean something else in a lesson's file

_OF_ASK = "begins with “Ask:”, which the file has for what learners commit to; other words would be right"
_OF_HINT = "is a quote that begins with “Hint”, which begins the hint in the file; the field Hint would be right"
_OWN_MEANING: Mapping[Field, Sequence[tuple[str, str]]] = {
    "question": (
        (r"Answer:", "begins with “Answer:”, which begins the answer in the file; other words would be right"),
        (r"(?i)\s*>\s*[*_]*hint\b", _OF_HINT),
        (r"(?i)\s*[*_]*ask[*_]*\s*:", _OF_ASK),
    ),
    "hint": (
        (r"Hint:", "begins with “Hint:”, which begins the hint in the file; other words would be right"),
        (r"\s+\S", "begins with a space, which a hint loses in the file; a line without it would be right"),
    ),
    "answer": ((r"\s*Ask:\s*(choice|place|outline|number)\b", _OF_ASK),),
}
"""Expressions for the beginning of a line, and what is said of it, without "Line 2" and the full stop."""


def _breaking(name: Field, text: str) -> list[str]:
    """A sentence on each line of a field that the file would take for something else."""
    said = []
    for number, line in enumerate(text.split("\n"), 1):
        found = next((words for begins, words in _OWN_MEANING[name] if re.match(begins, line)), None)
        if found and not (name == "hint" and number == 1):  # it stands behind the file's own “Hint:”
            said.append(f"Line {number} {found}.")
    return said if name == "hint" else said + _breaking_structure(text)


def _breaking_structure(text: str) -> list[str]:
    """A sentence on each heading that would begin a stop, and on code that does not end."""
    said, opened = [], 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            opened = 0 if opened else number
        elif re.match(r"##(\s|$)", line) and not opened:
            said.append(f"Line {number} begins with “## ”, which begins the next stop in the file; “### ” would be right.")
    if opened:
        said.append(f"The code that begins in line {opened} does not end; a line “```” below it would be right.")
    return said


# Section: the faults that the file's own reader finds


def _add_read(
    stop: Stop, missing: Mapping[Field, str], faults: dict[Field, list[str]], known: Sequence[str], worded: Collection[str]
) -> None:
    """What the reader of files says of the stop, under the fields that the lines come from."""
    lesson, problems = parse_lesson(f"# Title\n{stop_markdown(stop)}\n".encode("utf-8", "replace"), known, worded)
    lines = stop_lines(stop)
    for problem in problems:
        name = lines[problem.line - 2][0] if 2 <= problem.line < len(lines) + 2 else "title"
        if problem.line > 2 and not (name == "ask" and "ask" in missing):  # of the heading's line is said what is missing
            faults.setdefault(_field(name), []).append(_sentence(problem.sentence))
    if lesson and lesson.stops != (stop,):
        (read,) = lesson.stops[:1]
        other = [one.name for one in fields(Stop) if getattr(read, one.name) != getattr(stop, one.name)]
        lost = "A lesson's file cannot keep this text as it is; plain words would be right."
        faults.setdefault(_field(other[0] if other else "title"), []).append(lost)


def _field(name: str) -> Field:
    """The form's field; an address has none, and is said at the top."""
    return next((field for field in get_args(Field) if field == name), "title")


# Section: the draft as JSON, flat, with the names that the browser knows the fields by


def draft_json(draft: Draft) -> dict[str, object]:
    """The draft for the browser to keep."""
    texts: dict[str, object] = {name: getattr(draft, name) for name in TEXTS}
    choices = {f"choice-{number}": text for number, text in enumerate(draft.choices, 1)}
    return texts | choices | {"asks": draft.asks, "right": list(draft.right), "truth": draft.truth, "editing": draft.editing}


def draft_from_json(found: object, lesson: Lesson) -> Draft:
    """The draft of what a browser has kept; what is of another kind, or of no meaning, counts as not there."""
    given = found if isinstance(found, Mapping) else {}
    texts = {name: _text(given.get(name), most) for name, most in TEXTS.items()}
    asks, truth, right, editing = (given.get(name) for name in ("asks", "truth", "right", "editing"))
    choices = [_text(given.get(f"choice-{number}"), LONGEST * 2) for number in range(1, MOST + 1)]
    while choices and not choices[-1]:
        choices.pop()
    return Draft(
        **texts,
        asks=asks if isinstance(asks, str) and asks in ASKS else "",
        choices=tuple(choices),
        right=tuple(place for place in right if type(place) is int and 0 <= place < MOST) if isinstance(right, list) else (),
        truth=_text(truth, LONGEST) or Draft().truth,
        editing=editing if type(editing) is int and 0 <= editing < len(lesson.stops) else None,
    )


def _text(found: object, most: int) -> str:
    return found[:most] if isinstance(found, str) else ""
