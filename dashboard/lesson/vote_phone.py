"""A phone's page in a room that votes: the question of the moment alone, and the vote. No network is needed for it."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from dashboard import ASSETS
from dashboard.figures.asked_place import FINEST
from dashboard.figures.panel import Panel, Spot
from dashboard.lesson.ballots import CODE_LENGTH, ROOMS, Poll, Tap, Vote
from dashboard.lesson.file import short_question
from dashboard.lesson.said import place_words
from dashboard.server.browser import this_browser
from dashboard.view.address import follow_changes
from dashboard.view.captions import plain
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.errors import InputError
from explain_lib.pictures.rendering import Picture

PHONE = 560
"""The width of a picture on the page, in pixels, where the screen has so many."""
REST, LONGEST_REST, PHONES_A_SECOND = 2.0, 8.0, 40
"""Seconds after which a phone looks for the next question, at least and at most; the more phones, the later. A look costs the
server some 6 ms: 60 phones a fifth of a core, 500 three quarters of one.
"""
_REFUSED = "vote-refused"


def show_phone() -> None:
    """The page of the room that the address names; a field for its code, if it names none."""
    st.html(f"<style>{(ASSETS / 'vote.css').read_text()}</style>")
    code = st.query_params.get("room", "").strip().upper()
    try:
        phones = ROOMS.enter(code, this_browser())
    except InputError as error:
        _ask_for_code(str(error) if code else "")
        return
    st.fragment(_follow, run_every=rest_of(phones))(code)


def rest_of(phones: int) -> float:
    """After how many seconds the phone that comes in as that one looks again."""
    return min(max(REST, phones / PHONES_A_SECOND), LONGEST_REST)


def _ask_for_code(refused: str) -> None:
    st.title("Vote", anchor=False)
    if refused:
        st.error(_sentence(refused))
    st.text_input(
        "The code on the screen", key="vote-code", max_chars=CODE_LENGTH, placeholder="K7QF", on_change=_enter, width=200
    )
    st.button("Go to the room", on_click=_enter, type="primary")


def _enter() -> None:
    st.query_params["room"] = st.session_state["vote-code"].strip().upper()


def _follow(code: str) -> None:
    """The question that the host asks now; drawn anew every few seconds, so that the next one comes by itself."""
    follow_changes()
    voter = this_browser()
    try:
        seen, vote = ROOMS.look(code, voter)
    except InputError:
        st.title("Thank you", anchor=False)
        st.markdown("This room is closed.")
        return
    if seen.poll is None:
        st.title("Look at the screen", anchor=False)
        st.markdown("The next question will appear here.")
        return
    st.markdown(f"### {short_question(seen.poll.question)}")
    if seen.poll.maps:
        _show_maps(seen.poll)
    if seen.closed:
        if seen.poll.picture is not None:
            _show_picture(seen.poll, seen.poll.picture, vote)
        _say_closed(seen.poll, vote)
    else:
        _ask(code, voter, seen.poll, vote)
        _say_counted(seen.poll, vote)


def _ask(code: str, voter: str, poll: Poll, vote: Vote | None) -> None:
    if poll.picture is not None:
        _picture(code, voter, poll, poll.picture, vote)
    else:
        _choices(code, voter, poll, vote)


def _picture(code: str, voter: str, poll: Poll, pixels: Picture, vote: Vote | None) -> None:
    """The photograph to be tapped, with the place that was."""
    height, width = pixels.shape[:2]

    def say(row: int, column: int) -> None:
        _vote(code, voter, poll, Tap((column + 0.5) / width, (row + 0.5) / height))

    _show_picture(poll, pixels, vote, say)


def _show_picture(poll: Poll, pixels: Picture, vote: Vote | None, say: Callable[[int, int], None] | None = None) -> None:
    """The photograph, with the place that was tapped. say: takes the next one, None where it is too late for that."""
    spots: tuple[Spot, ...] = (Spot(vote.y, vote.x, "said", "you"),) if isinstance(vote, Tap) else ()
    if poll.found is not None:
        (y, x), (height, width) = poll.found.pixel, poll.found.size
        spots += (Spot((y + 0.5) / height, (x + 0.5) / width, "brightest", "brightest"),)
    grid = min(pixels.shape[0], FINEST), min(pixels.shape[1], FINEST)
    asks = "Votes for this place" if say else ""
    panel = Panel("vote", "The picture", PHONE, picture=pixels, spots=spots, asks=asks, grid=grid)
    stage = Stage((Row((panel,)),), key=f"vote-{poll.stop}-{poll.image}", line_after=None)
    if say:
        show_stage(stage, say)
    else:
        show_stage(stage)


def _show_maps(poll: Poll) -> None:
    """The maps that are asked about, side by side."""
    panels = tuple(replace(panel, width=PHONE // 2, caption="", help="", previews=False) for panel in poll.maps)
    show_stage(Stage((Row(panels),), key=f"vote-maps-{poll.stop}-{poll.image}", line_after=None))


def _choices(code: str, voter: str, poll: Poll, vote: Vote | None) -> None:
    for place, choice in enumerate(poll.ask.choices):
        st.button(
            plain(choice),
            key=f"vote-{poll.stop}-{poll.image}-{place}",
            type="primary" if vote == place else "secondary",
            width="stretch",
            on_click=_vote,
            args=(code, voter, poll, place),
        )


def _vote(code: str, voter: str, poll: Poll, vote: Vote) -> None:
    """A button's press or a tap."""
    try:
        ROOMS.vote(code, voter, poll.round, vote)
    except InputError as error:
        st.session_state[_REFUSED] = str(error)


def _say_counted(poll: Poll, vote: Vote | None) -> None:
    refused: str | None = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        st.warning(_sentence(refused))
    elif vote is not None:
        st.markdown(f"**Your vote: {_words(poll, vote)}.** You can change it until the answer is shown.")


def _say_closed(poll: Poll, vote: Vote | None) -> None:
    """What was voted here, whether it was right where that is known, and where the answer is."""
    refused: str | None = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        st.warning(_sentence(refused))
    right = " or ".join(plain(poll.ask.choices[place]) for place in poll.ask.right)
    if poll.found is not None:
        st.markdown(place_words(_tapped(vote, poll.found.size), poll.found))
    elif vote is not None:
        verdict = " ✓ That is right." if vote in poll.ask.right else ""
        st.markdown(f"Your vote: **{_words(poll, vote)}**.{verdict}")
    if right and vote not in poll.ask.right:
        st.markdown(f"The right answer: **{right}**.")
    st.markdown("The answer is on the screen. The next question will appear here.")


def _tapped(vote: Vote | None, size: tuple[int, int]) -> tuple[int, int] | None:
    """The pixel of a tap. size: (H, W) of the picture."""
    if not isinstance(vote, Tap):
        return None
    row, column = (min(int(share * side), side - 1) for share, side in zip((vote.y, vote.x), size, strict=True))
    return row, column


def _words(poll: Poll, vote: Vote) -> str:
    return "this place" if isinstance(vote, Tap) else plain(poll.ask.choices[vote])


def _sentence(error: str) -> str:
    """What was refused, without the name of the argument that only a program gives."""
    said = error.partition(": ")[2]
    return plain(f"{said[:1].upper()}{said[1:]}.")
