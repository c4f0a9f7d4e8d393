"""The file of a lesson: every stop with what clicks in it lead to, its words with their numbers, and nothing to be loaded."""

from collections.abc import Callable, Sequence
from pathlib import Path

import explain_lib as xl
from dashboard.lesson.ask import Ask
from dashboard.lesson.file import LARGEST, Lesson, Problem, Stop, parse_lesson
from dashboard.lesson.map_numbers import Brightest
from dashboard.lesson.said import choice_words, number_words, place_words, read_computed
from dashboard.lesson.shelf import OWN_FOLDER, stop_notes
from dashboard.lesson.vocabulary import VOCABULARY, WORDED, lesson_words
from dashboard.take_home.lesson_file.document import StopPage, document
from dashboard.take_home.lesson_file.markdown import html_of, inline_html
from dashboard.take_home.lesson_file.page_stages import Shown
from dashboard.take_home.lesson_file.states import Known, State, names_of, states_of
from dashboard.take_home.lesson_file.store import Store
from dashboard.topics.guesses.runs import contour_guess_of
from explain_lib.base.errors import DataError, InputError
from explain_lib.base.files import write_whole
from explain_lib.pictures.rendering import webp
from explain_lib.trust.region import MapByCell

SMALL = 64
"""Pixels of a side up to which the picture of a stop is kept as it is on the title page."""
Say = Callable[[str], object]
"""Told what is being done, a line each."""


def say_nothing(_line: str) -> None:
    """For those whom nobody reads."""


def write_lesson(file: Path, out: Path, cache: xl.ExplainCache, say: Say) -> int:
    """Write a lesson's file as one HTML file, whole or not at all; returns its size in bytes.

    file: a Markdown file, or the name of one of the dashboard's own. Raises InputError and DataError, naming every fault, for a
    lesson that cannot be held as it is written, and for a file that cannot be read or written.
    """
    lesson = read_lesson(file)
    content = lesson_html(lesson, cache, say)
    write_whole(out, content)
    return len(content)


def read_lesson(file: Path) -> Lesson:
    """The lesson of a file. Raises DataError for one that cannot be read, and InputError with every fault in it."""
    own = OWN_FOLDER / file
    path = own if not file.exists() and file.name == str(file) and own.exists() else file
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        ours = ", ".join(sorted(one.name for one in OWN_FOLDER.glob("*.md")))
        raise DataError(
            f"lesson: {file} cannot be read ({error.strerror}); a Markdown file, or {ours} of the dashboard, would be right"
        ) from error
    lesson, problems = parse_lesson(content, tuple(VOCABULARY), WORDED)
    if lesson is None:
        raise InputError(f"lesson: {file} cannot be used as it is\n{_listed(problems)}")
    return lesson


def _listed(problems: Sequence[Problem]) -> str:
    return "\n".join(f"  line {problem.line}: {problem.sentence}" for problem in problems)


def lesson_html(lesson: Lesson, cache: xl.ExplainCache, say: Say = say_nothing) -> bytes:
    """The file. The same lesson gives the same bytes.

    Raises InputError, naming each, where stops name what is not there, and what the pages of its stops raise.
    """
    with cache.running():
        notes = stop_notes(lesson, cache)
        if notes:
            raise InputError("lesson: not all of it opens as it is written\n" + "\n".join(f"  {note}" for note in notes))
        store, known, pages = Store(), Known(), []
        for number, stop in enumerate(lesson.stops, 1):
            say(f"Stop {number} of {len(lesson.stops)}: {stop.title}")
            pages.append(_page(stop, store, cache, known))
    return document(lesson, pages, store)


def _page(stop: Stop, store: Store, cache: xl.ExplainCache, known: Known) -> StopPage:
    states, first = [], None
    for state in states_of(stop, cache, known):
        if first is None:
            _judge(stop, state)
        states.append(_state(stop, state, store))
        first = first or state
    assert first is not None  # the stop's own view
    asked = _asked(stop.ask, first)
    words = {"hint": lesson_words(stop.hint, first.scene), "answer": lesson_words(stop.answer, first.scene)}
    return StopPage(
        stop,
        webp(first.scene.picture, lossless=max(first.scene.picture.shape) <= SMALL),
        {"states": states, "ask": asked, "pairs": bool(stop.view.blind)},
        html_of(stop.question),
        html_of(words["hint"]),
        html_of(words["answer"]),
        inline_html(_nothing_said(stop.ask, first)),
        first.shown.tables,
        first.shown.note,
    )


def _judge(stop: Stop, state: State) -> None:
    """The first guess is judged where an answer tells of it: the page does so while somebody waits, and a file cannot."""
    if "{contour." in stop.hint + stop.answer:
        contour_guess_of(state.scene)


def _state(stop: Stop, state: State, store: Store) -> dict[str, object]:
    """A view as the browser has it; its words are parts too, since most views share them."""
    scene, ask = state.scene, stop.ask
    return {
        "view": names_of(state.key),
        "stage": store.stage(state.shown.stage),
        "closed": None if state.closed is None else store.stage(state.closed.stage),
        "clicks": store.part(state.clicks),
        "switches": store.part(_switches(state.shown)),
        "hint": store.part(html_of(lesson_words(stop.hint, scene))),
        "answer": store.part(html_of(lesson_words(stop.answer, scene))),
        "truth": store.part(_truth(ask, state, store)) if ask is not None and ask.kind != "choice" else None,
    }


def _switches(shown: Shown) -> dict[str, object]:
    buttons = [{"words": one.words, "changes": dict(one.changes)} for one in shown.switches]
    return {"label": shown.label, "buttons": buttons}


def _truth(ask: Ask, state: State, store: Store) -> object:
    """What a reader's number, place or outline is set beside; None where there is nothing, which the answer says."""
    if ask.is_on_picture:
        return _cells(state.found, store) if isinstance(state.found, MapByCell) else _place(state.found)
    try:
        words = VOCABULARY[ask.truth].of(state.scene)
    except xl.ExplainError:
        return None
    found = read_computed(words)
    return {"words": words} if found is None else vars(found)


def _place(found: Brightest | None) -> object:
    if found is None:
        return None
    return {"cell": list(found.cell), "rows": found.rows.tolist(), "columns": found.columns.tolist(), "size": list(found.size)}


def _cells(found: MapByCell, store: Store) -> object:
    """The numbers of an array for each of them, row by row."""
    return {name: store.array(getattr(found, name)) for name in ("share", "brightest", "pixels")}


def _asked(ask: Ask | None, first: State) -> object:
    """What a stop asks for, with the words for each choice; elsewhere: those where the stop's own view is left."""
    if ask is None:
        return None
    if ask.kind == "choice":
        places = [None, *(str(place) for place in range(1, len(ask.choices) + 1))]
        open_to_all = Ask("choice", ask.choices)
        return {
            "kind": "choice",
            "words": [inline_html(choice_words(ask, said)) for said in places],
            "elsewhere": [inline_html(choice_words(open_to_all, said)) for said in places],
        }
    return {"kind": ask.kind, "size": list(first.scene.model.input_size)}


def _nothing_said(ask: Ask | None, first: State) -> str:
    """What stands beside the answer of nobody, in Markdown: a printed lesson has it."""
    if ask is None:
        return ""
    if ask.kind == "choice":
        return choice_words(ask, None)
    if ask.kind == "number":
        return number_words(None, VOCABULARY[ask.truth].of(first.scene))
    return place_words(None, first.found) if isinstance(first.found, Brightest) else ""
