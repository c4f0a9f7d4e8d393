"""The room in the lesson's rail: its QR code and address, how many have voted, and once the answer is open, what they said."""

from base64 import b64encode
from contextlib import suppress
from html import escape
from urllib.parse import urljoin

import streamlit as st

from dashboard.lesson.ballots import ROOMS, Poll
from dashboard.lesson.vote_result import show_result
from dashboard.server.browser import this_browser
from dashboard.server.reach import SharedPlace, qr_code, shared_place
from dashboard.view.address import follow_changes
from explain_lib.base.errors import InputError

REST = 1.0
"""Seconds after which the number of votes is read anew."""
_LARGE = "vote-large"
_ALONE = (
    "Phones cannot come in yet: the dashboard listens on this computer alone. Start it as "
    "`STREAMLIT_SERVER_ADDRESS=0.0.0.0 make run`, or with `--server.address 0.0.0.0`."
)


def show_room(stop: int, poll: Poll | None, *, answer: bool) -> None:
    """The room's part of the rail at a stop; where there is no room, a button that opens one if the stop asks it anything.

    poll: what the stop asks, None where it asks nothing that can be voted on. answer: whether the stop's answer is open, which
    ends the vote.
    """
    host = this_browser()
    code = ROOMS.code_of(host)
    if code is None:
        if poll is not None:
            st.button(
                "Ask the room", key="vote-open", shortcut="V", on_click=_open, args=(host,), help="Phones vote by a QR code."
            )
        return
    ROOMS.ask(code, host, poll)
    if poll is None:
        return
    if answer:
        ROOMS.reveal(code, host, stop)
    if ROOMS.see(code).closed:
        show_result(ROOMS.rounds(code, host, stop), poll)
        return
    place = shared_place(st.context.url or "http://localhost:8501/", st.get_option("server.address"))
    _invite(code, place)
    if st.session_state.pop(_LARGE, False) and place.reach != "alone":
        _show_large(code, place)


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
            st.button("Close the room", key="vote-close", on_click=close_room, help="The votes are forgotten.")


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
    votes = 0
    with suppress(InputError):  # the room may be closed by now, in another tab
        votes = ROOMS.see(code).votes
    st.html(f'<div class="vote-count"><b>{votes}</b> {"vote" if votes == 1 else "votes"}</div>')
