"""The drawer in which a stop is written: its form, the stop as learners will see it, and the lesson that it goes into."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import ASSETS
from dashboard.lesson.ask import LONGEST, MOST, PLACE_PAGE
from dashboard.lesson.bar import show_preview
from dashboard.lesson.file import Stop
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.pages import PAGES
from dashboard.view.address import current_view, follow_changes
from dashboard.view.captions import plain
from dashboard.view.picture_sets import CifarImages, OwnPicture
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_cache
from dashboard.view.this_view import WRITING
from dashboard.view.view import View
from dashboard.writing.draft import ASKS, TEXTS, Checked, Draft, Field, check_draft
from dashboard.writing.kept import FIELD, Writing, change_lesson, draw_fields_at, keep_in_browser, write_draft, writing
from dashboard.writing.markdown import stop_markdown
from dashboard.writing.placeholders import show_placeholders
from dashboard.writing.yours import say_kept, show_stops
from explain_lib.base.words import counted
from explain_lib.work.jobs import foreground

WIDTH = 1120
"""Of the drawer, in pixels; it is as wide as the screen where that has less."""
_PRESSED, _SAID, _REFUSED = "_write_pressed", "_write_said", "_write_refused"
_NUMBERS = [name for name, number in VOCABULARY.items() if number.unit is not None]


def show_form(page: str, scene: Scene) -> None:
    """The drawer; a press beside it, its X and Escape close it."""

    def close() -> None:
        st.session_state[WRITING] = False

    editing = writing().draft.editing
    title = "Make this a stop" if editing is None else f"Change stop {editing + 1}"
    st.dialog(title, width=WIDTH, position="right", on_dismiss=close)(_draw)(page, scene)


def _draw(page: str, scene: Scene) -> None:
    follow_changes()
    with st.container(key="writing-tools"):  # nothing to be seen
        checkpoint = st.empty()
        st.html(f"<style>{(ASSETS / 'writing.css').read_text()}</style>")
        draw_fields_at(page)
        writing().draft = _typed(writing().draft)
        now = keep_in_browser()
    with foreground(), server_cache().running(lambda: _pause(checkpoint)), st.container(key="writing"):
        checked = _checked(page)
        say_kept(now)
        _say_view(checked.stop, scene)
        form, preview = st.columns([7, 4], gap="medium")
        with form:
            _fields(page, scene, now.draft, checked)
            _buttons(now, checked)
        with preview, st.container(key="writing-preview"):
            _preview(now, checked, scene)
        if now.lesson.stops or now.undo:
            with st.container(key="writing-lesson"):
                st.markdown(f"**Your lesson · {counted(len(now.lesson.stops), 'stop')}**")
                show_stops(now)


def _checked(page: str) -> Checked:
    """The draft as it is now, for the page and the view on screen."""
    return check_draft(writing().draft, page, current_view(), tuple(VOCABULARY), WORDED)


def _pause(checkpoint: DeltaGenerator) -> None:
    checkpoint.empty()  # Streamlit ends an overtaken run at its next call


# Section: what stands above the fields


def _say_view(stop: Stop, scene: Scene) -> None:
    """What the stop will open, and what of that no other server has."""
    where = f"**{PAGES[stop.page].title}** · {plain(scene.name)} · {plain(stop.view.model)}"
    st.caption(f"The stop opens what is on screen now: {where}. To change that, close this; what you have typed stays.")
    for sentence in _only_here(stop.view, scene):
        st.info(sentence)


def _only_here(view: View, scene: Scene) -> Sequence[str]:
    """A sentence on each part of the view that belongs to this server."""
    said = []
    if isinstance(scene.picture_set, OwnPicture):
        said.append("The picture is your own: only this server has it, until it starts anew. Elsewhere it will be missing.")
    elif not isinstance(scene.picture_set, CifarImages):
        said.append("The picture is from this server's folder: the stop needs a server with the same folder.")
    own = scene.cache.own_models
    shown = (view.model, view.other_model) if view.beside == "model" else (view.model,)
    said += [
        f"The network {plain(name)} is this server's own: the stop needs a server that has it under this name."
        for name in dict.fromkeys(shown)
        if name in own.names or own.known(name) is not None
    ]
    return said


# Section: the fields


def _typed(draft: Draft) -> Draft:
    """The draft with what the fields hold now, as far as they are there."""
    found = {name: st.session_state.get(FIELD + name, getattr(draft, name)) for name in (*TEXTS, "asks", "truth")}
    choices = [st.session_state.get(f"{FIELD}choice-{place + 1}", _at(draft.choices, place)) for place in range(MOST)]
    right = [place for place in range(MOST) if st.session_state.get(f"{FIELD}right-{place + 1}", place in draft.right)]
    while choices and not choices[-1]:
        choices.pop()
    return replace(draft, **found, choices=tuple(choices), right=tuple(right))


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _fields(page: str, scene: Scene, draft: Draft, checked: Checked) -> None:
    truth = draft.truth if draft.truth in _NUMBERS else Draft().truth
    _open_with({**{name: getattr(draft, name) for name in (*TEXTS, "asks")}, "truth": truth})
    st.text_input("Title", key=f"{FIELD}title", max_chars=TEXTS["title"], placeholder="Where does it look?")
    _faults("title", checked)
    words = "A question to the room, in Markdown."
    st.text_area("Question", key=f"{FIELD}question", height=82, max_chars=TEXTS["question"], placeholder=words)
    _faults("question", checked)
    _asked(page, draft, checked)
    st.text_area("Hint (optional)", key=f"{FIELD}hint", height=68, max_chars=TEXTS["hint"])
    _faults("hint", checked)
    answer, numbers = st.columns(2, gap="small")
    with answer:
        words = "With numbers in braces, such as {map.peak_row}: they are computed for what is on screen."
        st.text_area("Answer", key=f"{FIELD}answer", height=338, max_chars=TEXTS["answer"], placeholder=words)
        _faults("answer", checked)
    with numbers:
        show_placeholders(scene, _insert)


def _open_with(values: Mapping[str, object]) -> None:
    """What a field shows when it is drawn anew; one that is there keeps what is being typed."""
    for name, value in values.items():
        if FIELD + name not in st.session_state:
            st.session_state[FIELD + name] = value


def _insert(name: str) -> None:
    """Put a placeholder at the end of the answer."""
    draft = _typed(writing().draft)
    gap = "" if not draft.answer or draft.answer[-1:].isspace() else " "
    write_draft(replace(draft, answer=f"{draft.answer}{gap}{{{name}}}"))


def _faults(field: Field, checked: Checked) -> None:
    """What is wrong in a field, below it; what is missing only once somebody has tried to add the stop."""
    missing = [checked.missing[field]] if field in checked.missing and st.session_state.get(_PRESSED) else []
    for sentence in (*missing, *checked.faults.get(field, ())):
        st.error(plain(sentence))


def _asked(page: str, draft: Draft, checked: Checked) -> None:
    offered = [name for name in ASKS if name not in ("place", "outline") or page == PLACE_PAGE or draft.asks == name]
    st.radio(
        "Learners first commit to",
        offered,
        format_func=lambda name: ASKS[name],
        key=f"{FIELD}asks",
        horizontal=True,
        help="Their own answer then stands beside the computed one.",
    )
    if draft.asks == "choice":
        _choices(draft)
    elif draft.asks == "number":
        words = {name: f"{name}: {VOCABULARY[name].meaning}" for name in _NUMBERS}
        st.selectbox("The number", _NUMBERS, key=f"{FIELD}truth", format_func=words.__getitem__)
    elif draft.asks == "place":
        st.caption("They click where the map will be brightest. It is covered until the answer is open.")
    elif draft.asks == "outline":
        st.caption("They paint a region, which is then set beside the map. It is covered until the answer is open.")
    _faults("ask", checked)


def _choices(draft: Draft) -> None:
    """A field for each choice and one more."""
    for number in range(1, min(max(len(draft.choices) + 1, 2), MOST) + 1):
        _open_with({f"choice-{number}": _at(draft.choices, number - 1), f"right-{number}": number - 1 in draft.right})
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(f"Choice {number}", key=f"{FIELD}choice-{number}", max_chars=LONGEST)
            st.checkbox(f"{number} is right", key=f"{FIELD}right-{number}")


# Section: the end of the form


def _buttons(now: Writing, checked: Checked) -> None:
    editing = now.draft.editing
    with st.container(horizontal=True, gap="small"):
        words = "Add to your lesson" if editing is None else f"Save stop {editing + 1}"
        st.button(words, key="write-add", type="primary", on_click=_add, args=(checked.stop.page,))
        if editing is not None:
            st.button("Leave it as it was", key="write-leave", on_click=_clear)
        elif not now.draft.is_empty:
            st.button("Clear the form", key="write-clear", on_click=_clear)
    refused, said = st.session_state.get(_REFUSED), st.session_state.pop(_SAID, None)
    if refused:
        st.error(plain(refused))
    elif said:
        st.success(plain(said))
    elif st.session_state.get(_PRESSED) and not checked.is_whole:
        st.error("The stop is not in your lesson yet: see what the fields above say.")


def _add(page: str) -> None:
    """Put the stop into the lesson, in place of the one that is changed, if any; not one that is not whole."""
    now = writing()
    now.draft = _typed(now.draft)  # the field that the press has left was not drawn with it yet
    checked = _checked(page)
    st.session_state[_REFUSED] = ""
    st.session_state[_PRESSED] = not checked.is_whole
    if not checked.is_whole:
        return
    stops, place = list(now.lesson.stops), now.draft.editing
    stops[len(stops) if place is None else place : len(stops) if place is None else place + 1] = [checked.stop]
    refused = change_lesson(replace(now.lesson, stops=tuple(stops)))
    st.session_state[_REFUSED] = refused
    if not refused:
        number = len(stops) if place is None else place + 1
        st.session_state[_SAID] = f"“{checked.stop.title}” is stop {number} of your lesson, kept in this browser."
        _go_on()


def _clear() -> None:
    st.session_state[_PRESSED], st.session_state[_REFUSED] = False, ""
    _go_on()


def _go_on() -> None:
    """Empty the form, or after a change of a stop go on with what was being written before."""
    now = writing()
    following = Draft() if now.draft.editing is None else now.aside
    now.aside = Draft()
    write_draft(following)


def _preview(now: Writing, checked: Checked, scene: Scene) -> None:
    """The stop in its rail, and its Markdown."""
    editing, count = now.draft.editing, len(now.lesson.stops)
    stop = checked.stop
    if "ask" in checked.missing or "ask" in checked.faults:
        stop = replace(stop, ask=None)
    st.markdown("**As learners will see it**")
    with st.container(border=True, key="write-preview", gap="small"):
        number = count + 1 if editing is None else editing + 1
        show_preview(number, count + (editing is None), replace(stop, title=stop.title or "…"), scene)
        if now.draft.is_empty:
            st.caption("What you write appears here, with its numbers, once you leave a field.")
    if checked.is_whole:
        with st.expander("Markdown of this stop"):
            st.code(stop_markdown(checked.stop), language="markdown", wrap_lines=True)
