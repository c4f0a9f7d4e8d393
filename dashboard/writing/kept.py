"""The lesson that is being written, and the stop in the form: in the session, and kept in the browser, which outlives it.

The browser is told of each change by a stamp. It tells what it has when the form opens, and when another tab has changed the
lesson; what is typed it keeps letter by letter, before the server knows of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

import streamlit as st

from dashboard import ASSETS
from dashboard.lesson.file import Lesson, Stop, parse_lesson
from dashboard.lesson.shelf import BROWSER_LESSON, ShelvedLesson
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.writing.draft import TEXTS, Draft, draft_from_json, draft_json, tidied
from dashboard.writing.markdown import lesson_markdown, stop_markdown

KEY = "kept-lesson"
TITLE = "My lesson"
MOST_STOPS = 60
MOST_BYTES = 200_000
"""Of a lesson's file. A browser keeps some 5 million characters for all that a server has it keep."""
_WRITING = "_writing"
_KEPT = st.components.v2.component(KEY, js=(ASSETS / "kept_lesson.js").read_text())


@dataclass
class Writing:
    """What this session knows of it.

    is_read: whether the browser has told what it keeps. notes: sentences on what of that cannot be used. damaged: all that the
    browser had kept where there is such a sentence. undo: the lesson before the last thing that took something away, and that.
    aside: a stop that was being written when one of the lesson was taken up. failed: the reason why the browser keeps nothing,
    empty if it does. page: where fields were drawn last.
    """

    lesson: Lesson = field(default_factory=lambda: Lesson(TITLE, "", ()))
    draft: Draft = field(default_factory=Draft)
    is_read: bool = False
    notes: tuple[str, ...] = ()
    damaged: str = ""
    undo: tuple[Lesson, str] | None = None
    aside: Draft = field(default_factory=Draft)
    failed: str = ""
    page: str = ""
    _session: str = field(default_factory=lambda: token_hex(4))
    _stamps: tuple[str, int] = ("", 0)

    def stamp(self, content: str) -> str:
        """Another one for other content."""
        if content != self._stamps[0]:
            self._stamps = (content, self._stamps[1] + 1)
        return f"{self._session}-{self._stamps[1]}"


def writing() -> Writing:
    """That of this session."""
    found: Writing = st.session_state.setdefault(_WRITING, Writing())
    return found


def keep_in_browser() -> Writing:
    """Let the browser keep what there is now, and tell what it has; the newest of both. Shows nothing."""
    now = writing()
    content = json.dumps([_lesson_json(now.lesson), draft_json(now.draft)])
    stamp = now.stamp(content) if now.is_read else None
    _KEPT(data={"stamp": stamp, "kept": content}, key=KEY, height=1, on_kept_change=_sent)
    return now


def is_kept_read() -> bool:
    """Whether the browser has told its lesson in this session; it is asked, and that said, where it has not."""
    if not writing().is_read:
        st.caption("The lesson in this browser is being read …")
        keep_in_browser()
    return writing().is_read


def _sent() -> None:
    """Take what the browser has sent: the two texts that it keeps, whether the form has just been opened, and what failed."""
    found = st.session_state.get(KEY, {}).get("kept")
    given = found if isinstance(found, Mapping) else {}
    now = writing()
    failed, lesson, draft = (given.get(name) for name in ("failed", "lesson", "draft"))
    now.failed = failed if isinstance(failed, str) else ""
    if isinstance(lesson, str):
        _take_lesson(now, lesson)
    if isinstance(draft, str) and given.get("opens") is True:
        write_draft(draft_from_json(_json(draft), now.lesson))
    now.is_read = True


def _take_lesson(now: Writing, text: str) -> None:
    """The lesson as the browser has it; behind its stops those that were added before that was known."""
    read, notes = read_lesson(text)
    added = () if now.is_read else now.lesson.stops
    now.lesson = replace(read, stops=(*read.stops, *(stop for stop in added if stop not in read.stops)))
    now.notes, now.damaged = notes, text if notes else ""
    _offer(now)


# Section: changes


def draw_fields_at(page: str) -> None:
    """Let the fields show what is kept where they are drawn on another page than before: there they are other fields."""
    now = writing()
    if now.page != page:
        now.page = page
        _draw_anew(FIELD)
        _draw_anew(HEAD)


def write_draft(draft: Draft) -> None:
    """Put a draft into the form; the fields take it up the next time they are drawn."""
    writing().draft = draft
    _draw_anew(FIELD)


FIELD, HEAD = "write-", "lesson-head-"
"""What the keys begin with of the fields of the form, and of those of the lesson's title and introduction."""


def _draw_anew(fields: str) -> None:
    """Let these fields show what is to be shown, not what was typed."""
    for key in [key for key in st.session_state if str(key).startswith(fields)]:
        del st.session_state[key]


def change_lesson(lesson: Lesson, taken: str = "") -> str:
    """Let the lesson be another one; the reason why not where it would be too large, else empty.

    taken: what this takes away, for a button that brings it back; empty for nothing.
    """
    now = writing()
    grows = len(lesson.stops) > len(now.lesson.stops)
    if grows and len(lesson.stops) > MOST_STOPS:
        return f"Your lesson is full: it has {MOST_STOPS} stops. Download it, then delete some."
    size, before = (len(lesson_markdown(one).encode("utf-8", "replace")) for one in (lesson, now.lesson))
    if size > MOST_BYTES and size > before:
        return f"Your lesson would have {size:,} bytes; at most {MOST_BYTES:,} would be right. Download it, then delete a stop."
    now.undo = (now.lesson, taken) if taken else None
    now.lesson = lesson
    _offer(now)
    return ""


def undo_change() -> None:
    """Bring back what was taken away last."""
    now = writing()
    if now.undo:
        now.lesson, now.undo = now.undo[0], None
        _offer(now)


def _offer(now: Writing) -> None:
    """Let the lesson be held in this session, and its fields show it."""
    _draw_anew(HEAD)
    shelved = ShelvedLesson(BROWSER_LESSON, Path(f"{BROWSER_LESSON}.md"), now.lesson, ())
    st.session_state[BROWSER_LESSON] = shelved if now.lesson.stops else None


# Section: what a browser keeps


def _lesson_json(lesson: Lesson) -> dict[str, object]:
    stops = [stop_markdown(stop) for stop in lesson.stops]
    return {"title": lesson.title, "introduction": lesson.introduction, "stops": stops}


def read_lesson(text: str) -> tuple[Lesson, tuple[str, ...]]:
    """The lesson of a text that a browser has kept, and a sentence on each thing in it that cannot be used."""
    found = _json(text)
    if not isinstance(found, Mapping) or not isinstance(found.get("stops"), list):
        return Lesson(TITLE, "", ()), ("What this browser kept of your lesson is damaged and cannot be read.",)
    stops, notes = [], []
    for number, kept in enumerate(found["stops"][:MOST_STOPS], 1):
        stop, why = _read_stop(kept)
        stops += [stop] if stop else []
        notes += [f"Stop {number} of the lesson in this browser cannot be used: {why}."] if why else []
    if len(found["stops"]) > MOST_STOPS:
        notes.append(f"This browser kept {len(found['stops']):,} stops; the first {MOST_STOPS} are here.")
    title, introduction = (found.get(name) if isinstance(found.get(name), str) else "" for name in ("title", "introduction"))
    lesson = Lesson(" ".join(str(title).split())[: TEXTS["title"]] or TITLE, tidied(str(introduction)), tuple(stops))
    return lesson, tuple(notes)


def _read_stop(kept: object) -> tuple[Stop | None, str]:
    if not isinstance(kept, str):
        return None, "it is no text"
    lesson, problems = parse_lesson(f"# {TITLE}\n{kept}\n".encode("utf-8", "replace"), tuple(VOCABULARY), WORDED)
    if lesson is None:
        return None, problems[0].sentence
    return (lesson.stops[0], "") if len(lesson.stops) == 1 else (None, "it holds several")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
