"""What a stop asks its readers to commit to before its answer is opened: a choice, a place, an outline, a number."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["choice", "place", "outline", "number"]
Line = tuple[int, str]
"""A line of a file: its number, counted from 1, and its text; or a sentence about it."""

FEWEST, MOST = 2, 8
"""So many choices at least, and at most."""
LONGEST = 80
"""The most characters of a choice."""
PLACE_PAGE = "layer_explorer"
"""The page that shows the map of one picture, where a place or an outline can be asked for."""

_ASK = re.compile(r"Ask:\s*(?P<kind>\S*)\s*(?P<more>.*)")
_MISSPELT = re.compile(r"[*_]*ask[*_]*\s*:.*", re.IGNORECASE)
_IN_AN_ANSWER = re.compile(r"Ask:\s*(choice|place|outline|number)\b.*")
_CHOICE = re.compile(r"-(\s+(\[(?P<mark>[ xX]?)\]\s*)?(?P<text>.*))?")
_NUMBER = re.compile(r"\{(?P<name>[^{}]+)\}")


@dataclass(frozen=True)
class Ask:
    """A question with an answer that can be kept beside the computed one.

    In a lesson's file it is a line of its own below the question: “Ask: choice” with a list below it, in which “- [x]” marks
    what is right (there may be none), “Ask: place” (the brightest place of the map that is shown), “Ask: outline” (a region
    that is painted on the picture, to be set beside that map), or “Ask: number {map.empty_share}” (a placeholder whose value is
    a number).

    choices: at least two for a choice, plain text; else none. right: the places of the right choices, counted from 0.
    truth: the name of the placeholder of a number, else empty.
    """

    kind: Kind
    choices: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    truth: str = ""

    @property
    def is_on_picture(self) -> bool:
        """Whether the answer is given on the picture, while its map is covered."""
        return self.kind in ("place", "outline")

    @property
    def is_voted(self) -> bool:
        """Whether a room can vote on it: a tap or a choice adds up on one screen; numbers and outlines do not."""
        return self.kind in ("choice", "place")


def take_ask(
    lines: Sequence[Line], page: str | None, wrong: Callable[[str], list[str]]
) -> tuple[Ask | None, list[Line], list[Line]]:
    """What the lines of a stop ask for, the lines without that, and a sentence, without its full stop, for each fault.

    page: the page that the stop opens, None where it opens none. wrong: the faults of the placeholder of a number.
    """
    end = next((place for place, (_, line) in enumerate(lines) if line.startswith("Answer:")), len(lines))
    faults = [
        (number, "“Ask:” is inside the answer; it belongs above “Answer:”")
        for number, line in lines[end:]
        if _IN_AN_ANSWER.fullmatch(line.strip())
    ]
    rest: list[Line] = []
    ask, seen, place = None, False, 0
    while place < end:
        number, line = lines[place]
        if not _MISSPELT.fullmatch(line.strip()):
            rest.append(lines[place])
            place += 1
            continue
        below = _list_below(lines[place + 1 : end])
        place += 1 + len(below)
        if seen:
            faults.append((number, "there is a second “Ask:”; a stop can have only one"))
            continue
        ask, seen = _ask(number, line.strip(), below, page, wrong, faults), True
    return ask, [*rest, *lines[end:]], faults


def _list_below(lines: Sequence[Line]) -> list[Line]:
    """The lines of the list that follows, with the empty ones before it and what is indented below an item."""
    start = next((place for place, (_, line) in enumerate(lines) if line.strip()), 0)
    found = list(lines[:start])
    for number, line in lines[start:]:
        is_more = len(found) > start and line[:1] in (" ", "\t") and line.strip()
        if not _CHOICE.fullmatch(line.strip()) and not is_more:
            break
        found.append((number, line))
    return found if len(found) > start else []


def _ask(
    number: int, line: str, below: Sequence[Line], page: str | None, wrong: Callable[[str], list[str]], faults: list[Line]
) -> Ask | None:
    """What one line asks for; None where it is at fault."""
    found = _ASK.fullmatch(line)
    if not found:
        faults.append((number, "a line begins with “ask” but not with “Ask:”; “Ask: place” would be right"))
        return None
    kind, more = found["kind"], found["more"]
    if kind == "choice" and not more:
        return _choice(number, below, faults)
    if kind == "number":
        return _number(number, more, wrong, faults)
    if kind in ("place", "outline") and not more:
        if page in (PLACE_PAGE, None):
            return Ask("place" if kind == "place" else "outline")
        faults.append((number, f"“Ask: {kind}” is at a stop of {page}; it only works at a stop of {PLACE_PAGE}"))
        return None
    right = "“Ask: choice”, “Ask: place”, “Ask: outline” or “Ask: number {map.empty_share}”"
    faults.append((number, f"there is no “{line[:LONGEST]}”; {right} would be right"))
    return None


def _choice(number: int, below: Sequence[Line], faults: list[Line]) -> Ask | None:
    items: list[tuple[int, str, bool]] = []
    for at, line in below:
        found = _CHOICE.fullmatch(line.strip())
        if found and not (items and line[:1] in (" ", "\t")):
            items.append((at, (found["text"] or "").strip(), (found["mark"] or "").strip() != ""))
        elif line.strip():  # what is indented goes on with the choice above it
            items[-1] = (items[-1][0], f"{items[-1][1]} {line.strip()}", items[-1][2])
    texts = [text for _, text, _ in items]
    before = len(faults)
    if not FEWEST <= len(items) <= MOST:
        count = "1 choice" if len(items) == 1 else f"{len(items)} choices"
        faults.append(
            (number, f"“Ask: choice” has {count}; {FEWEST} to {MOST}, each a line such as “- A deer”, would be right")
        )
    for place, (at, text, _) in enumerate(items):
        faults.extend((at, said) for said in _faults_of(text, texts[:place]))
    right = tuple(place for place, (_, _, is_right) in enumerate(items) if is_right)
    return Ask("choice", tuple(texts), right) if len(faults) == before else None


def _faults_of(text: str, others: Sequence[str]) -> list[str]:
    """The faults of a choice. others: those before it."""
    said = [] if text else ["a choice is empty; “- A deer” would be right"]
    if len(text) > LONGEST:
        said.append(f"a choice has {len(text)} characters; at most {LONGEST} would be right")
    if text and text in others:
        said.append(f"the choice “{text[:LONGEST]}” is there twice; choices must differ")
    said += [
        f"{found[0]} is in a choice; numbers in braces work only in a hint or an answer" for found in _NUMBER.finditer(text)
    ]
    return said


def _number(number: int, more: str, wrong: Callable[[str], list[str]], faults: list[Line]) -> Ask | None:
    found = _NUMBER.fullmatch(more)
    if not found:
        faults.append((number, "“Ask: number” names no number; “Ask: number {map.empty_share}” would be right"))
        return None
    faults.extend((number, said) for said in wrong(more))
    return Ask("number", truth=found["name"])
