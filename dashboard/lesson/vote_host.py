"""The room in the lesson's rail: its QR code and address, how many have voted, and once the answer is open, what they said."""

from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from html import escape
from urllib.parse import urljoin

import streamlit as st

from dashboard.lesson.ask import Ask
from dashboard.lesson.ballots import ROOMS, Poll, Tap
from dashboard.lesson.file import Lesson, Stop
from dashboard.lesson.map_numbers import brightest
from dashboard.lesson.vote_result import show_result
from dashboard.server.browser import this_browser
from dashboard.server.reach import SharedPlace, qr_code, shared_place
from dashboard.topics.sanity.blind import pair_maps
from dashboard.topics.sanity.pairs import NAMES, untrained_place
from dashboard.view.address import follow_changes
from dashboard.view.scene import Scene
from explain_lib.base.errors import ExplainError, InputError

REST = 1.0
"""Seconds after which the number of votes is read anew."""
_LARGE = "vote-large"
_HELP = "Opens a vote: phones join by QR code."
_ALONE = (
    "Phones cannot join yet: the dashboard only listens on this computer. Start it with "
    "`STREAMLIT_SERVER_ADDRESS=0.0.0.0 make run`, or add `--server.address 0.0.0.0`."
)


def asked_of(stop: Stop, scene: Scene) -> Ask | None:
    """What the stop asks; of blind pairs with what is right for the one on screen."""
    if stop.ask is not None and scene.view.blind and stop.ask.choices == NAMES:
        return replace(stop.ask, right=(untrained_place(scene.view.image),))
    return stop.ask


def show_room(number: int, stop: Stop, ask: Ask | None, scene: Scene, *, answer: bool) -> tuple[Tap, ...]:
    """The room's part of the rail at a stop; where there is no room, a button that opens one if the stop asks it anything.

    number: of the stop, from 1. answer: whether the stop's answer is open, which ends the vote. Returns where phones have
    tapped, once it has.
    """
    host, poll = this_browser(), _poll(number, stop, ask, scene)
    code = ROOMS.code_of(host)
    if code is None:
        if poll is not None:
            st.button("Ask the room", key="vote-open", shortcut="V", on_click=_open, args=(host,), help=_HELP)
        return ()
    ROOMS.ask(code, host, None if poll is None else _with_maps(poll, scene, answer=answer))
    if poll is None:
        return ()
    if answer:
        ROOMS.reveal(code, host, number)
    if ROOMS.see(code).closed:
        rounds = ROOMS.rounds(code, host, number)
        show_result(rounds, poll)
        return tuple(vote for vote in rounds[poll.image].votes if isinstance(vote, Tap))
    place = _place()
    _invite(code, place)
    if st.session_state.pop(_LARGE, False) and place.reach != "alone":
        _show_large(code, place)
    return ()


def _poll(number: int, stop: Stop, ask: Ask | None, scene: Scene) -> Poll | None:
    """What phones are asked about the picture on screen; None where the stop asks nothing that a room votes on."""
    if ask is None or not ask.is_voted:
        return None
    images, question = scene.view.blind, stop.question
    if scene.view.image in images:  # a phone does not see the screen's picture change
        question = f"**Picture {images.index(scene.view.image) + 1} of {len(images)}.** {question}"
    return Poll(number, scene.view.image, question, ask, scene.picture if ask.kind == "place" else None)


def alone_words(lesson: Lesson) -> str:
    """That no phone can come in as the server is started, where the lesson has a stop that asks phones; else empty."""
    asks = any(stop.ask is not None and stop.ask.is_voted for stop in lesson.stops)
    return _ALONE if asks and _place().reach == "alone" else ""


def _place() -> SharedPlace:
    return shared_place(st.context.url or "http://localhost:8501/", st.get_option("server.address"))


def _with_maps(poll: Poll, scene: Scene, *, answer: bool) -> Poll:
    """The poll with the pair of maps that it asks about; with the place that was asked for, once the answer is open."""
    with suppress(ExplainError):  # the page itself says it
        if poll.ask.kind == "place" and answer:
            return replace(poll, found=brightest(scene))
        if scene.view.image in scene.view.blind:
            return replace(poll, maps=pair_maps(scene, named=answer))
    return poll


def has_room() -> bool:
    """Whether this browser has a room open."""
    return ROOMS.code_of(this_browser()) is not None


def close_room() -> None:
    """End the room of this browser, if it has one; for a callback."""
    ROOMS.close(this_browser())


def _open(host: str) -> None:
    ROOMS.open(host)
    _enlarge()


def _enlarge() -> None:
    st.session_state[_LARGE] = True


def phone_address(place: SharedPlace, code: str) -> str:
    """The address of the phone's page in the room of that code; the page lies beside those of the dashboard."""
    return urljoin(place.place, f"vote?room={code}")


def short_address(address: str) -> str:
    """An address as one types it: without http://, the code and what comes after the page."""
    return address.partition("?")[0].removeprefix("http://").removeprefix("https://")


def _invite(code: str, place: SharedPlace) -> None:
    """The QR code with its address, and the number of votes."""
    with st.container(key="vote", gap="xsmall"):
        _count(code)
        if place.reach == "alone":
            st.info(_ALONE)
        _code(code, place)
        with st.container(horizontal=True, gap="xsmall"):
            if place.reach != "alone":
                st.button("Larger code", key="vote-larger", shortcut="V", on_click=_enlarge)
            st.button("Close the room", key="vote-close", on_click=close_room, help="The votes are deleted.")


@st.dialog("Vote with your phone", width="large")
def _show_large(code: str, place: SharedPlace) -> None:
    with st.container(key="vote-large-code", gap="small"):
        _code(code, place)
        _count(code)


def _code(code: str, place: SharedPlace) -> None:
    address = phone_address(place, code)
    drawn = qr_code(address)
    if drawn is not None and place.reach != "alone":
        source = f"data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}"
        st.html(f'<img class="vote-qr" src="{source}" alt="QR code of {escape(address)}">')
    st.html(f'<div class="vote-address">{escape(short_address(address))}<b>{code}</b></div>')


@st.fragment(run_every=REST)
def _count(code: str) -> None:
    """How many have voted, drawn anew every second."""
    follow_changes()
    with suppress(InputError):  # the room may be closed by now, in another tab
        seen = ROOMS.see(code)
        st.html(f'<div class="vote-count">{counted_votes(seen.votes, seen.phones)}</div>')


def counted_votes(votes: int, phones: int) -> str:
    """How many phones of those that have come in have voted, as HTML."""
    phones = max(phones, votes)
    if phones == 0:
        return "No phone has come in yet."
    return f"<b>{votes}</b> of {phones} phone{'' if phones == 1 else 's'} {'has' if votes == 1 else 'have'} voted"
