"""What stands beside every page while a lesson is held: the question, hint and answer, and the way to the next stop.

Hint and answer are computed when they are open, and only then. The stop before or after is opened from within the run, before
anything of the old page is drawn; a callback cannot open a page.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.asked_place import AskedOutline, AskedPlace, ask_on_picture
from dashboard.lesson.ask import PLACE_PAGE, Ask
from dashboard.lesson.ballots import Tap
from dashboard.lesson.file import Lesson, Stop, short_question, stop_view
from dashboard.lesson.map_numbers import brightest, map_for_outline
from dashboard.lesson.said import (
    choice_words,
    number_words,
    outline_words,
    place_words,
    said_choice,
    said_fault,
    said_outline,
    said_place,
)
from dashboard.lesson.shelf import BROWSER_LESSON, ShelvedLesson, shelved_lessons
from dashboard.lesson.vocabulary import MISSING, VOCABULARY, WORDED, lesson_words
from dashboard.lesson.vote_host import asked_of, close_room, has_room, show_room
from dashboard.lesson.vote_result import tap_pixels, taps_words
from dashboard.view.address import bound_by, change_view, current_view, go_to, open_view, remember_view
from dashboard.view.captions import plain
from dashboard.view.fitting import fit_view
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_options
from dashboard.view.view import View, chosen_layer


def lessons_on_offer() -> tuple[ShelvedLesson, ...]:
    """Every lesson's file, as it is now, and last the one that this session writes, if it has a stop."""
    own: ShelvedLesson | None = st.session_state.get(BROWSER_LESSON)
    shelved = shelved_lessons(server_options().lessons, tuple(VOCABULARY), WORDED)
    return shelved if own is None else (*shelved, own)


def start_lesson(name: str, lesson: Lesson) -> None:
    """Open the first stop, as a presentation. The run ends here."""
    go_to(lesson.stops[0].page, stop_view(name, lesson.stops[0], 1, present=True))


def open_stop(name: str, lesson: Lesson, number: int) -> None:
    """Open a stop, counted from 1: its page, with its view; a presentation stays one. The run ends here."""
    stop = lesson.stops[number - 1]
    view = stop_view(name, stop, number, present=current_view().present)
    go_to(stop.page, view)


def show_lesson_bar(page: str, scene: Scene) -> Callable[[], None]:
    """The bar of the lesson that the address names; a word if there is no such lesson, or no such stop.

    Returns the call that completes it once the page stands: some numbers are there only when that has been drawn.
    """
    view = current_view()
    ask_on_picture(None)
    lesson, why_not = _find(view)
    if why_not:
        st.warning(f"Ignored in the address: {plain(why_not)}")
    if lesson is None:
        remember_view(view.without_lesson())
        return _nothing
    if view.stop > len(lesson.stops):
        view = replace(view, stop=1, hint=False, answer=False, said=None)
        remember_view(view)
    view = _fit_said(view, lesson.stops[view.stop - 1].ask, scene)
    if view.present:
        with st.container(key="lesson-caption"):  # only seen beside a rail, which has all of the question
            st.markdown(short_question(lesson.stops[view.stop - 1].question))
    with st.container(border=True, key="lesson", gap="small"):
        return _show_stop(page, scene, view, lesson)


COMING = "computing its numbers …"


def _nothing() -> None:
    """There is nothing left to do."""


def _find(view: View) -> tuple[Lesson | None, str]:
    """The lesson that the view names, None where it cannot be shown, and the fault of the name or the stop, empty if none."""
    offered = {shelved.name: shelved for shelved in lessons_on_offer()}
    found = offered.get(view.lesson or "")
    if found is None:
        there = ", ".join(name for name, shelved in offered.items() if shelved.lesson) or "none"
        return None, f"lesson={view.lesson}: there is no such lesson; the lessons here are {there}."
    if found.lesson is None:
        first = found.problems[0]
        said = f"{found.path.name} has a fault in line {first.line}: {first.sentence}"
        return None, f"lesson={view.lesson}: {said}. The “Lesson” page lists every fault."
    count = len(found.lesson.stops)
    beyond = f"stop={view.stop}: the stops of this lesson are 1 to {count}; the first one is shown."
    return found.lesson, beyond if view.stop > count else ""


def _fit_said(view: View, ask: Ask | None, scene: Scene) -> View:
    """The view without an answer that the stop does not ask for, which is said."""
    if view.said is None:
        return view
    fault = "this stop takes no answer" if ask is None else said_fault(ask, view.said, scene.model.input_size)
    if not fault:
        return view
    st.warning(f"Ignored in the address: {plain(f'said={view.said}: {fault}.')}")
    fitted = replace(view, said=None)
    remember_view(fitted)
    return fitted


def _show_stop(page: str, scene: Scene, view: View, lesson: Lesson) -> Callable[[], None]:
    stop = lesson.stops[view.stop - 1]
    elsewhere = _is_elsewhere(page, scene, view, stop)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_heading(view.stop, len(lesson.stops), stop), width="stretch")
        _buttons(view, lesson, elsewhere)
    st.markdown(stop.question)
    ask = asked_of(stop, scene)
    taps = show_room(view.stop, stop, ask, scene, answer=view.answer)
    if ask is not None:
        _show_computed(ask, scene, view, elsewhere, taps) if view.answer else _show_asked(ask, view, page)
    places = [(st.empty(), label, text) for label, text in _opened(stop, hint=view.hint, answer=view.answer)]
    coming = []
    for place, label, text in places:
        filled = lesson_words(text, scene)
        if MISSING in filled:
            coming.append((place, text))
            filled = f"**{label}:** {COMING}"
        place.markdown(filled)

    def fill_in() -> None:
        """Write what had a number missing, once the page has computed it, or why it is not there."""
        for place, text in coming:
            place.markdown(lesson_words(text, scene))

    return fill_in


def show_preview(number: int, count: int, stop: Stop, scene: Scene) -> None:
    """A stop as the rail shows it for what is on screen, hint and answer open; it need not be whole, and takes no answer.

    number: of the stop, from 1. count: of the stops of its lesson.
    """
    st.markdown(_heading(number, count, stop))
    st.markdown(stop.question)
    if stop.ask is not None:
        _preview_asked(stop.ask, scene)
    for _, text in _opened(stop, hint=True, answer=True):
        st.markdown(lesson_words(text, scene))


def _preview_asked(ask: Ask, scene: Scene) -> None:
    """The field for a reader's answer, shut, and below it the computed one."""
    if ask.kind == "choice":
        choices = [plain(text) for text in ask.choices]
        st.radio("Your answer", choices, index=None, disabled=True)
    elif ask.kind == "number":
        st.number_input(_number_label(VOCABULARY[ask.truth].unit), value=None, disabled=True)
    else:
        st.caption(_how_to_say(None) if ask.kind == "place" else HOW_TO_PAINT)
    try:
        st.markdown(_computed_alone(ask, scene))
    except xl.ExplainError as error:
        st.markdown(f"*Not there: {plain(str(error))}.*")


def _computed_alone(ask: Ask, scene: Scene) -> str:
    """What is right, beside no reader's answer."""
    if ask.kind == "choice":
        return choice_words(ask, None)
    if ask.kind == "number":
        return number_words(None, VOCABULARY[ask.truth].of(scene))
    return place_words(None, brightest(scene)) if ask.kind == "place" else outline_words("", map_for_outline(scene))


# Section: what the reader commits to


def _show_asked(ask: Ask, view: View, page: str) -> None:
    """The field for the reader's answer, while the computed one is closed; a room that votes has phones for it."""
    if ask.kind == "place" and has_room():
        ask_on_picture(AskedPlace(said_place(view.said), None, is_open=False))
    elif ask.kind == "choice":
        if not has_room():
            _choice(ask, view)
    elif ask.kind == "number":
        _number(ask, view)
    elif ask.kind == "outline":
        ask_on_picture(AskedOutline(said_outline(view.said), is_open=False))
        st.caption(HOW_TO_PAINT if page == PLACE_PAGE else "The picture to paint is in this stop's view.")
    else:
        place = said_place(view.said)
        ask_on_picture(AskedPlace(place, None, is_open=False))
        st.caption(_how_to_say(place) if page == PLACE_PAGE else "The picture to click is in this stop's view.")


HOW_TO_PAINT = "Paint it on the picture. The map is covered until you open the answer."


def _how_to_say(place: tuple[int, int] | None) -> str:
    if place is None:
        return "Click the place where you expect it. The map is covered until you open the answer."
    return f"Your answer: pixel row {place[0]}, column {place[1]}. Click again to change it."


def _say(said: str | None) -> None:
    change_view(said=said)


def _choice(ask: Ask, view: View) -> None:
    chosen = said_choice(ask, view.said)

    def write(place: int | None) -> None:
        _say(None if place is None else str(place + 1))

    st.radio(
        "Your answer",
        range(len(ask.choices)),
        index=None,
        format_func=lambda place: plain(ask.choices[place]),
        **bound_by(f"said-{view.stop}", chosen, write),
    )


def _number(ask: Ask, view: View) -> None:
    key, asked = f"said-{view.stop}", VOCABULARY[ask.truth]

    def write(value: float | None) -> None:
        _say(None if value is None else np.format_float_positional(value, 6, trim="-"))

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.number_input(
            _number_label(asked.unit),
            -MOST_SAID,
            MOST_SAID,
            None,
            1.0 if asked.unit else 0.01,
            "%g",
            help=asked.meaning,
            **bound_by(key, None if view.said is None else float(view.said), write),
        )
        st.button("Say so", key="say-so", on_click=lambda: write(st.session_state[key]))


def _number_label(unit: str | None) -> str:
    return f"Your number, in {unit}" if unit else "Your number"


MOST_SAID = 1e6
"""The largest number that can be said, up or down."""


def _show_computed(ask: Ask, scene: Scene, view: View, elsewhere: bool, taps: Sequence[Tap]) -> None:
    """The reader's answer beside the computed one, for what is on screen; what is right of choices was written for the stop."""
    try:
        words = _computed(ask, scene, view, elsewhere, taps)
    except xl.ExplainError as error:
        words = f"*Not available: {plain(str(error))}.*"
    if words:
        with st.container(key="lesson-said"):
            st.markdown(words)


def _computed(ask: Ask, scene: Scene, view: View, elsewhere: bool, taps: Sequence[Tap]) -> str:
    if ask.kind == "choice":
        asked = replace(ask, right=()) if elsewhere or (has_room() and view.said is None) else ask  # a room's bars say it
        return choice_words(asked, view.said)
    if ask.kind == "number":
        return number_words(view.said, VOCABULARY[ask.truth].of(scene))
    if ask.kind == "outline":
        ask_on_picture(AskedOutline(said_outline(view.said), is_open=True))
        return outline_words(said_outline(view.said), map_for_outline(scene))
    place = said_place(view.said)
    votes = tap_pixels(taps, scene.model.input_size)
    ask_on_picture(AskedPlace(place, None, is_open=True, votes=votes))  # for a map that has no brightest place
    found = brightest(scene)
    ask_on_picture(AskedPlace(place, found.pixel, is_open=True, votes=votes))
    return taps_words(votes, found) if taps and place is None else place_words(place, found)


def _heading(number: int, count: int, stop: Stop) -> str:
    return f"**Stop {number} of {count} · {stop.title}**"


def _opened(stop: Stop, *, hint: bool, answer: bool) -> list[tuple[str, str]]:
    """Label and text of what is open."""
    opened = [("Hint", stop.hint)] if hint and stop.hint else []
    opened += [("Answer", stop.answer)] if answer and stop.answer else []
    return [(label, f"**{label}:**{_gap(text)}{text}") for label, text in opened]


def _gap(text: str) -> str:
    """Between a label and its text: a list, a table or code needs a line of its own."""
    return "\n\n" if text[:1] in "-*+|#>`" else " "


def _buttons(view: View, lesson: Lesson, elsewhere: bool) -> None:
    """The buttons of a stop, each with its key; they are its own, so that a late press of another stop's is none of these."""
    stop, name = lesson.stops[view.stop - 1], view.lesson or ""
    with st.container(horizontal=True, width="content", gap="xsmall"):
        if elsewhere and st.button("Back to this stop's view", key="lesson-here", shortcut="B", help=_HERE_HELP):
            open_stop(name, lesson, view.stop)
        _fold(f"hint-{view.stop}", "hint", view.hint, "H", missing=not stop.hint)
        _fold(f"answer-{view.stop}", "answer", view.answer, "A", missing=False)
        st.button("End the lesson", key="lesson-end", shortcut="E", on_click=_end, help=_END_HELP)
        if st.button("Previous stop", key=f"lesson-back-{view.stop}", shortcut="PageUp", disabled=view.stop == 1):
            open_stop(name, lesson, view.stop - 1)
        last = view.stop == len(lesson.stops)
        if st.button("Finish" if last else "Next stop", key=f"lesson-next-{view.stop}", shortcut="PageDown", type="primary"):
            _finish(name) if last else open_stop(name, lesson, view.stop + 1)


def _finish(name: str) -> None:
    """Close the lesson with a last word, on the page of lessons. The run ends here."""
    close_room()
    go_to("lesson", replace(current_view().without_lesson(), present=False, ended=name))


def _end() -> None:
    close_room()
    open_view(replace(current_view().without_lesson(), present=False))


_END_HELP = "Closes the lesson and keeps this view."
_HERE_HELP = "The screen no longer shows this stop's own view."


def _fold(key: str, field: str, is_open: bool, shortcut: str, *, missing: bool) -> None:
    """A press does what the button says, also where it arrives twice."""
    st.button(
        f"Hide {field}" if is_open else field.capitalize(),
        key=f"lesson-{key}",
        shortcut=shortcut,
        disabled=missing,
        on_click=lambda: change_view(**{field: not is_open}),
        help=f"The {field} of this stop, written for what is on screen",
    )


def _is_elsewhere(page: str, scene: Scene, view: View, stop: Stop) -> bool:
    """Whether the page or the view is no longer the one that the stop opened."""
    return page != stop.page or _seen(view, scene) != _seen(stop.view, scene)


def _seen(view: View, scene: Scene) -> View:
    """The view without the lesson, as far as the model and the set have it, with the layer named that it shows."""
    plainly = replace(view.without_lesson(), present=False)
    if view.image in view.blind:  # the pairs of a stop are one view
        plainly = replace(plainly, image=view.blind[0])
    fitted, _ = fit_view(plainly, scene.model, scene.images)
    return replace(fitted, layer=chosen_layer(fitted, scene.model))
