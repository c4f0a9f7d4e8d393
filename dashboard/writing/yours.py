"""The lesson of this browser: its title, its stops in their order, and its file; what was taken away comes back by a press."""

from dataclasses import replace

import streamlit as st

from dashboard import ASSETS
from dashboard.lesson.bar import start_lesson
from dashboard.lesson.file import Lesson, parse_lesson
from dashboard.lesson.shelf import BROWSER_LESSON, stop_notes
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.pages import PAGES
from dashboard.view.address import open_page
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.view.this_view import WRITING
from dashboard.writing.draft import TEXTS, draft_of, introduction_faults, tidied
from dashboard.writing.kept import (
    HEAD,
    TITLE,
    Writing,
    change_lesson,
    draw_fields_at,
    keep_in_browser,
    undo_change,
    write_draft,
    writing,
)
from dashboard.writing.markdown import lesson_markdown
from explain_lib.base.words import counted

_TITLE, _INTRODUCTION = f"{HEAD}title", f"{HEAD}introduction"
_FILE, _REFUSED = "lesson-file", "_lesson_refused"
FILE = "my-lesson.md"


def show_yours(scene: Scene) -> None:
    """The lesson of this browser, to go on with, to download and to hold."""
    st.html(f"<style>{(ASSETS / 'writing.css').read_text()}</style>")
    draw_fields_at("lesson")
    now = keep_in_browser()
    st.header("Yours, kept in this browser", anchor=False)
    say_kept(now)
    if now.lesson.stops:
        st.caption("It can be held in this browser, and its address opens it here only; others get it as a file.")
        words = f"Start your lesson · {counted(len(now.lesson.stops), 'stop')}"
        if st.button(words, key="start-yours", type="primary"):
            start_lesson(BROWSER_LESSON, now.lesson)
        for note in stop_notes(now.lesson, scene.cache):
            st.warning(plain(note))
        show_stops(now)
    else:
        st.caption("There is none yet. On any other page, “Make this a stop” at its foot, or under “Share”, begins one.")
        show_refused()
        show_undo(now)
    show_upload(now)


def say_kept(now: Writing) -> None:
    """What of the lesson the browser has not kept, or cannot keep."""
    if now.failed:
        st.warning(f"This browser keeps nothing ({plain(now.failed)}): download your lesson before you leave the page.")
    if now.notes:
        st.warning("\n".join(f"- {plain(note)}" for note in now.notes))
        st.download_button("Download all that was kept", now.damaged, "kept.json", "application/json", on_click="ignore")


def show_stops(now: Writing) -> None:
    """Title, introduction and stops of the lesson, each stop with what can be done with it, and the lesson's file."""
    if now.lesson.stops:
        _head(now)
    for place in range(len(now.lesson.stops)):
        _stop(now, place)
    show_refused()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if now.lesson.stops:
            content = lesson_markdown(now.lesson)
            st.download_button("Download the lesson", content, FILE, "text/markdown", key="lesson-download", on_click="ignore")
        show_undo(now)


def show_refused() -> None:
    """The reason why the last change was not made, if it was not."""
    refused = st.session_state.get(_REFUSED)
    if refused:
        st.error(plain(refused))


def show_undo(now: Writing) -> None:
    """A button that brings back what was taken away last, if anything was."""
    if now.undo:
        st.button(f"Undo: {plain(now.undo[1])}", key="lesson-undo", on_click=undo_change)


def _head(now: Writing) -> None:
    """The fields of the title and the introduction; what cannot stand in a file is said, and not taken."""
    for key, value in ((_TITLE, now.lesson.title), (_INTRODUCTION, now.lesson.introduction)):
        if key not in st.session_state:
            st.session_state[key] = value
    title, introduction = st.columns([2, 3], gap="small")
    title.text_input("Title of the lesson", key=_TITLE, max_chars=TEXTS["title"], on_change=_retitle)
    words, most = "Introduction (optional)", TEXTS["question"]
    introduction.text_area(words, key=_INTRODUCTION, height=68, max_chars=most, on_change=_introduce)
    for sentence in introduction_faults(tidied(st.session_state[_INTRODUCTION])):
        st.error(plain(sentence))


def _retitle() -> None:
    title = " ".join(str(st.session_state[_TITLE]).split()) or TITLE
    st.session_state[_TITLE] = title
    st.session_state[_REFUSED] = change_lesson(replace(writing().lesson, title=title))


def _introduce() -> None:
    text = tidied(st.session_state[_INTRODUCTION])
    if not introduction_faults(text):
        st.session_state[_REFUSED] = change_lesson(replace(writing().lesson, introduction=text))


def _stop(now: Writing, place: int) -> None:
    stop, last = now.lesson.stops[place], len(now.lesson.stops) - 1
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key=f"yours-{place}"):
        changing = " · being changed" if now.draft.editing == place else ""
        st.markdown(f"{place + 1} · **{plain(stop.title)}** · {PAGES[stop.page].title}{changing}", width="stretch")
        with st.container(horizontal=True, gap="xsmall", width="content"):
            st.button("Up", key=f"lesson-up-{place}", disabled=place == 0, on_click=_move, args=(place, -1))
            st.button("Down", key=f"lesson-down-{place}", disabled=place == last, on_click=_move, args=(place, 1))
            st.button("Edit", key=f"lesson-edit-{place}", on_click=_edit, args=(place,))
            st.button("Delete", key=f"lesson-delete-{place}", on_click=_delete, args=(place,))


def _move(place: int, by: int) -> None:
    now = writing()
    stops = list(now.lesson.stops)
    if 0 <= place + by < len(stops):
        stops[place], stops[place + by] = stops[place + by], stops[place]
        editing = now.draft.editing
        if editing in (place, place + by):
            now.draft = replace(now.draft, editing=place + by if editing == place else place)
        change_lesson(replace(now.lesson, stops=tuple(stops)))


def _edit(place: int) -> None:
    """Open the stop's own view with the form."""
    now = writing()
    stop = now.lesson.stops[place]
    if now.draft.editing is None:
        now.aside = now.draft
    write_draft(draft_of(stop, place))
    st.session_state[WRITING] = True
    open_page(stop.page, vars(stop.view))


def _delete(place: int) -> None:
    now = writing()
    stops, editing = list(now.lesson.stops), now.draft.editing
    title = stops.pop(place).title
    if editing is not None and editing >= place:
        now.draft = replace(now.draft, editing=None if editing == place else editing - 1)
    change_lesson(replace(now.lesson, stops=tuple(stops)), f"delete “{title}”")


# Section: a file to go on with


def show_upload(now: Writing) -> None:
    """A field for a lesson's file, which takes the place of the lesson of this browser."""
    words = "Go on with a lesson's file" + (", in place of this one" if now.lesson.stops else "")
    st.file_uploader(words, ["md"], key=_FILE, on_change=_take, max_upload_size=1)


def _take() -> None:
    sent = st.session_state[_FILE]
    if sent is None:
        return
    lesson, problems = parse_lesson(sent.getvalue(), tuple(VOCABULARY), WORDED)
    if lesson is None:
        lines = " ".join(f"Line {problem.line}: {problem.sentence}." for problem in problems)
        st.session_state[_REFUSED] = f"{sent.name} was not taken. {lines}"
    else:
        st.session_state[_REFUSED] = _take_lesson(lesson, sent.name)


def _take_lesson(lesson: Lesson, name: str) -> str:
    """The reason why a lesson is not taken, empty if it is."""
    again, _ = parse_lesson(lesson_markdown(lesson).encode(), tuple(VOCABULARY), WORDED)
    if again != lesson:
        words = "it has code that begins in one part of a stop and ends in another; code within one part would be right"
        return f"{name} was not taken: {words}."
    return change_lesson(lesson, f"“{lesson.title}” in place of “{writing().lesson.title}”")
