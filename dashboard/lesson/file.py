"""A lesson as one Markdown file: a title, an introduction, and stops, each an address with a question, a hint and an answer."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlsplit

from dashboard.lesson.ask import Ask, take_ask
from dashboard.pages import LANDING, PAGES
from dashboard.view.origin import take_origin
from dashboard.view.view import View, read_query

LARGEST = 256 * 1024
"""The most bytes of a lesson: some 200 stops."""
BY_ITSELF = ("lesson", "stop", "hint", "answer", "said", "present", "ended")
"""Keys in an address that a stop sets by itself; an address that was copied during a lesson has them."""

_LINK = re.compile(r"\[[^\]]*\]\((?P<address>[^\s)]+)\)|<?(?P<bare>https?://[^\s>]+|/[^\s>]*)>?")
_COLONLESS = re.compile(r"\s*>\s*[*_]*hint\b", re.IGNORECASE)
"""Begins a block quote that means to be a hint, where it does not begin as _BEGINS has it."""
_BEGINS = re.compile(r"(?P<hint>>\s*Hint:\s*)|(?P<answer>Answer:\s*)")

_STRONG = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)


@dataclass(frozen=True)
class Stop:
    """One stop: its title, the page it opens and the view that it shows there, and its words, all Markdown.

    hint, answer: with placeholders in braces, see lesson_placeholders. hint: empty for none. ask: what its readers are asked to
    commit to, if anything.
    """

    title: str
    page: str
    view: View
    question: str
    hint: str
    answer: str
    ask: Ask | None = None


@dataclass(frozen=True)
class Problem:
    """A fault in a lesson's file: its line, counted from 1, and a sentence without its full stop."""

    line: int
    sentence: str


@dataclass(frozen=True)
class Lesson:
    """A lesson that can be held: its title, an introduction in Markdown, and at least one stop."""

    title: str
    introduction: str
    stops: tuple[Stop, ...]


@dataclass
class _Part:
    """A heading with the lines below it: (number, text) each."""

    line: int
    title: str
    lines: list[tuple[int, str]] = field(default_factory=list)


def parse_lesson(
    content: bytes, known: Sequence[str], worded: Collection[str] = ()
) -> tuple[Lesson | None, tuple[Problem, ...]]:
    """The lesson of a file's bytes, or None with everything that keeps it from being held, in the order of the lines.

    known: the names of the placeholders that there are. worded: those of them whose values are no numbers.
    """
    if len(content) > LARGEST:
        size = f"the file has {len(content):,} bytes; at most {LARGEST:,} would be right"
        return None, (Problem(1, size),)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return None, (Problem(line, "the file is not UTF-8 text; save it as UTF-8"),)
    problems: list[Problem] = []
    head, *parts = _parts(text)
    title, introduction = _head(head, problems)
    if not parts:
        problems.append(Problem(1, "there is no stop; a line “## Title of a stop” would begin one"))
    stops = [_stop(part, known, worded, problems) for part in parts]
    if problems:
        return None, tuple(sorted(problems, key=lambda problem: problem.line))
    return Lesson(title, introduction, tuple(stop for stop in stops if stop)), ()


def _parts(text: str) -> list[_Part]:
    """The part before the first stop, and each stop; a heading inside a block of code begins none."""
    parts, in_code = [_Part(1, "")], False
    for number, line in enumerate(text.splitlines(), 1):
        in_code ^= line.lstrip().startswith("```")
        if re.match(r"##(\s|$)", line) and not in_code:
            parts.append(_Part(number, line[2:].strip()))
        else:
            parts[-1].lines.append((number, line))
    return parts


def _head(head: _Part, problems: list[Problem]) -> tuple[str, str]:
    """The lesson's title and its introduction."""
    titles = [(number, line[1:].strip()) for number, line in head.lines if re.match(r"#(\s|$)", line)]
    if not titles or not titles[0][1]:
        problems.append(
            Problem(titles[0][0] if titles else 1, "the lesson has no title; a first line “# Title” would be right")
        )
    for number, _ in titles[1:]:
        problems.append(Problem(number, "there is a second title; one “# Title” and then “## Title of a stop” would be right"))
    own = {number for number, _ in titles}
    return (titles[0][1] if titles else ""), _text([line for line in head.lines if line[0] not in own])


def _stop(part: _Part, known: Sequence[str], worded: Collection[str], problems: list[Problem]) -> Stop | None:
    """A stop; None if it lacks something, which is added to the problems."""
    name = f"stop “{part.title}”"
    if not part.title:
        problems.append(Problem(part.line, "a stop has no title; “## Title of a stop” would be right"))
    address, rest = _address(part)
    if address is None:
        missing = f"{name} has no address; a line with a link such as [Open](/layer_explorer?img=3) would be right"
        problems.append(Problem(part.line, missing))
    opened = None if address is None else _opened(*address, problems)
    ask, rest, faults = take_ask(rest, None if opened is None else opened[0], lambda line: _truth_problems(line, known, worded))
    problems += (Problem(*fault) for fault in faults)
    question, hint, answer = _words(rest)
    if not _text(question):
        problems.append(Problem(part.line, f"{name} has no question; a paragraph of text under its address would be right"))
    wrong = "a quote begins with Hint but not with “> Hint:”; “> Hint: The brightest.” would be right"
    problems += (Problem(number, wrong) for number, line in question if _COLONLESS.match(line))
    if not _text(answer):
        problems.append(Problem(part.line, f"{name} has no answer; a paragraph that begins with “Answer:” would be right"))
    for lines, computed in ((question, False), (hint, True), (answer, True)):
        for number, line in lines:
            problems += (Problem(number, said) for said in placeholder_problems(line, known, computed=computed))
    return opened and Stop(part.title, *opened, _text(question), _text(hint), _text(answer), ask)


def _address(part: _Part) -> tuple[tuple[int, str] | None, list[tuple[int, str]]]:
    """The first line that is nothing but a link, and the lines without it."""
    for place, (number, line) in enumerate(part.lines):
        found = _LINK.fullmatch(line.strip())
        if found:
            return (number, found["address"] or found["bare"]), part.lines[:place] + part.lines[place + 1 :]
    return None, part.lines


def _opened(number: int, address: str, problems: list[Problem]) -> tuple[str, View] | None:
    """The page and the view of an address."""
    try:
        split = urlsplit(address)
    except ValueError:
        problems.append(Problem(number, f"{address} is not an address; paste one from “Copy address”"))
        return None
    page = split.path.rstrip("/").rpartition("/")[2] or LANDING
    if page not in PAGES:
        problems.append(Problem(number, f"there is no page {page}; one of {', '.join(sorted(PAGES))} would be right"))
        return None
    given = dict(parse_qsl(split.query, keep_blank_values=True))
    stays, _ = take_origin({key: text for key, text in given.items() if key not in BY_ITSELF})  # a lesson goes to other servers
    view, ignored = read_query(stays)
    problems += (Problem(number, f"in the address, {said.rstrip('.')}") for said in ignored)
    return page, view


def _words(lines: Sequence[tuple[int, str]]) -> tuple[list[tuple[int, str]], ...]:
    """The lines of the question, the hint and the answer, without the words that begin the latter two."""
    words: dict[str, list[tuple[int, str]]] = {"question": [], "hint": [], "answer": []}
    into = "question"
    for number, line in lines:
        begun = None if into == "answer" else _BEGINS.match(line)
        if begun:
            into = begun.lastgroup or into
            words[into].append((number, line[begun.end() :]))
        elif into == "hint" and line.startswith(">"):
            words[into].append((number, line[1:].lstrip()))
        else:
            into = "answer" if into == "answer" else "question"
            words[into].append((number, line))
    return tuple(words.values())


def _text(lines: Sequence[tuple[int, str]]) -> str:
    return "\n".join(line for _, line in lines).strip()


def short_question(question: str) -> str:
    """The question on its own, Markdown: what stands in bold type, all of it where nothing does."""
    strong = [" ".join(part.split()) for part in _STRONG.findall(question)]
    return " ".join(strong) or question


def stop_view(lesson: str, stop: Stop, number: int, *, present: bool) -> View:
    """The view that a lesson of that name opens at its stop of that number: hint and answer are closed."""
    return replace(stop.view, lesson=lesson, stop=number, present=present)


# Section: placeholders in hints and answers, such as {map.peak_row}

# Braces behind a backslash, a letter or another brace are LaTeX, unless what they hold has the form of a placeholder.
_PLACEHOLDER = re.compile(r"(?<!\\)\{(?P<name>[A-Za-z_]+\.[A-Za-z_]+)\}|(?<![\\\w}^])\{(?P<other>[^{}\n]{1,80})\}")

NEAREST = 3


def placeholder_problems(line: str, known: Sequence[str], *, computed: bool) -> list[str]:
    """A sentence, without its full stop, for each placeholder in a line that does not exist or does not belong there.

    known: the names that there are. computed: whether it is a line in which placeholders are computed.
    """
    names = [found["name"] or found["other"] for found in _PLACEHOLDER.finditer(line)]
    if not computed:
        return [f"{{{name}}} is in a question; numbers in braces work only in a hint or an answer" for name in names]
    return [f"there is no {{{name}}}; {_nearest(name, known)} would be right" for name in names if name not in known]


def _truth_problems(line: str, known: Sequence[str], worded: Collection[str]) -> list[str]:
    """A sentence, without its full stop, for each placeholder in a line that is not there, or is no number to be guessed."""
    numbers = [name for name in known if name not in worded]
    names = [found["name"] or found["other"] for found in _PLACEHOLDER.finditer(line)]
    no_number = [f"{{{name}}} is no number; {_nearest(name, numbers)} would be right" for name in names if name in worded]
    return placeholder_problems(line, numbers + list(worded), computed=True) + no_number


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, NEAREST, 0.5) or known[:NEAREST]
    return " or ".join(f"{{{one}}}" for one in near)


def filled(text: str, compute: Callable[[str], str]) -> str:
    """The text with what `compute` makes of each placeholder's name in its place."""
    return _PLACEHOLDER.sub(lambda found: compute(found["name"] or found["other"]), text)
