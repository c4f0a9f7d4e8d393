"""The HTML of a lesson's file: a page of stops, a screen a stop, styles and scripts; its policy lets nothing be loaded."""

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape

from dashboard import ASSETS
from dashboard.figures.colours import VARIABLES
from dashboard.lesson.ask import Ask
from dashboard.lesson.file import Lesson, Stop
from dashboard.lesson.vocabulary import VOCABULARY
from dashboard.scripts import inline
from dashboard.take_home.lesson_file.markdown import html_of
from dashboard.take_home.lesson_file.store import Store
from dashboard.take_home.lesson_file.tables import Table
from explain_lib.base.words import counted

KEYS = (
    ("Page Down, Page Up", "answer of the stop, then the next stop; previous stop"),
    ("H, A", "the hint, the answer"),
    ("↑, ↓", "the layer before, the next one"),
    ("←, →", "the picture before, the next one, where a stop has several"),
    ("1 to 6", "the step of that number, where a stop has steps"),
    ("B", "back to the stop's own view"),
    ("E", "all stops"),
)


@dataclass(frozen=True)
class StopPage:
    """A stop of the file. picture: its own, as WebP. states: what the browser draws.

    question, hint, answer: HTML, with the numbers of its own view. unsaid: the computed answer beside that of nobody, HTML,
    empty for none. note: on what only the dashboard has.
    """

    stop: Stop
    picture: bytes
    states: Mapping[str, object]
    question: str
    hint: str
    answer: str
    unsaid: str
    tables: Sequence[Table]
    note: str


def document(lesson: Lesson, pages: Sequence[StopPage], store: Store) -> bytes:
    """The file. Its numbers are one compressed message, since the stage reads them as they are."""
    message = store.packed({"stops": [page.states for page in pages]})
    data = b64encode(gzip.compress(message, 9, mtime=0)).decode()
    style = VARIABLES + "\n".join((ASSETS / file).read_text(encoding="utf-8") for file in _STYLES)
    code = inline("stage", "drawStage") + inline("lesson_file")
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, code)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(lesson.title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<main>",
        _title_page(lesson, pages),
        *(_screen(page, number, len(pages)) for number, page in enumerate(pages, 1)),
        "</main>",
        '<p id="failed" role="alert" hidden></p>',
        f'<script type="text/plain" id="lesson-data">{data}</script>',
        f'<script type="module">{code}</script>',
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(parts).encode()


_STYLES = ("stage/stage.css", "lesson_file/lesson.css")


def _policy(style: str, code: str) -> str:
    """Nothing but this style, this script, and pictures that are made here."""
    style_hash, code_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, code))
    allowed = f"style-src 'sha256-{style_hash}'; script-src 'sha256-{code_hash}'; img-src data: blob:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _title_page(lesson: Lesson, pages: Sequence[StopPage]) -> str:
    listed = "".join(_listed_stop(page, number) for number, page in enumerate(pages, 1))
    start = f"Start · {counted(len(pages), 'stop')}"
    keys = "".join(f"<dt>{escape(key)}</dt><dd>{escape(what)}</dd>" for key, what in KEYS)
    return (
        f'<section class="screen title-page" id="start"><h1>{escape(lesson.title)}</h1>'
        f'<nav aria-label="Stops"><ol>{listed}</ol></nav>'
        f'<p class="buttons"><button type="button" class="first" data-do="next">{start}</button></p>'
        f'<div class="introduction">{html_of(lesson.introduction)}</div>'
        f'<details class="keys"><summary>Keys</summary><dl>{keys}</dl></details>'
        '<p class="caption">This file holds all of its pictures and numbers and asks nothing of any server. It has what two '
        "clicks lead to from each stop; a vote, a cover, other pictures and other networks are in the dashboard.</p>"
        "<noscript><p>Scripts are off here, so there are no pictures; the words are below.</p></noscript></section>"
    )


def _listed_stop(page: StopPage, number: int) -> str:
    picture = f"data:image/webp;base64,{b64encode(page.picture).decode()}"
    words = f"{number} · {escape(page.stop.title)}"
    return f'<li><a href="#{number}" data-stop="{number}"><img alt="" src="{picture}">{words}</a></li>'


def _screen(page: StopPage, number: int, count: int) -> str:
    stop, name = page.stop, f"stop-{number}"
    note = f'<p class="caption">{escape(page.note)}</p>' if page.note else ""
    tables = "".join(map(_table, page.tables))
    return (
        f'<section class="screen stop" id="{name}" aria-labelledby="{name}-title">'
        f'<div class="shown"><div class="drawn"><div class="stage"></div></div>'
        f'<div class="drawn printed"><div class="stage"></div></div>'
        f'<div class="switches"></div>{note}{tables}</div>'
        f'<div class="rail" role="region" aria-label="Question, hint and answer" tabindex="0">'
        f'<p class="counter">Stop {number} of {count}</p><h1 id="{name}-title">{escape(stop.title)}</h1>'
        f'<div class="question">{page.question}</div>{_field(stop.ask, number)}'
        f'<p class="buttons">{_buttons(stop, number, count)}</p>'
        f'<div class="opened" aria-live="polite"><div class="said"></div>'
        f"{_folded('hint', page.hint)}{_folded('answer', page.answer)}</div>"
        f'<div class="unsaid">{page.unsaid}</div></div></section>'
    )


def _folded(name: str, words: str) -> str:
    return (
        f'<div class="fold" data-fold="{name}"><h2>{name.capitalize()}</h2><div class="words">{words}</div></div>'
        if words
        else ""
    )


def _field(ask: Ask | None, number: int) -> str:
    """Where a reader says an answer."""
    if ask is None:
        return ""
    if ask.kind == "choice":
        choices = "".join(
            f'<label><input type="radio" name="said-{number}" value="{place}"> {escape(words)}</label>'
            for place, words in enumerate(ask.choices, 1)
        )
        return f'<fieldset class="field"><legend>Your answer</legend>{choices}</fieldset>'
    if ask.kind == "number":
        asked = VOCABULARY[ask.truth]
        unit = f", in {asked.unit}" if asked.unit else ""
        step = "1" if asked.unit else "0.01"
        box = f'<input type="number" step="{step}" min="-1000000" max="1000000">'
        return f'<div class="field"><label>Your number{unit} {box}</label></div>'
    return '<p class="field caption" aria-live="polite"></p>'


def _buttons(stop: Stop, number: int, count: int) -> str:
    def button(do: str, words: str, key: str, more: str = "") -> str:
        return f'<button type="button" data-do="{do}"{more}>{words} <kbd>{key}</kbd></button>'

    opens = ' aria-expanded="false"'
    hint = button("hint", "Hint", "H", opens) if stop.hint else ""
    back = button("own", "Back to this stop's view", "B", " hidden")
    before = button("before", "Previous", "Page Up")
    after = button("next", "Next", "Page Down", ' class="first"') if number < count else ""
    return f"{hint}{button('answer', 'Answer', 'A', opens)}{back}{before}{after}{button('stops', 'All stops', 'E')}"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in table.rows
    )
    return f"<table><caption>{escape(table.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
