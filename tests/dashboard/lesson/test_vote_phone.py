"""The phone's page: the question alone, the vote, and what is said when that cannot be taken."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from opened_page import OpenedPage, act, buttons, errors, open_folded, press, texts, warnings
from staged import panels

from dashboard.figures.panel import Panel
from dashboard.lesson.ask import Ask
from dashboard.lesson.ballots import ROOMS, Poll, Rooms, Round, Tap
from dashboard.lesson.map_numbers import Brightest
from dashboard.lesson.vote_phone import rest_of

HOST = "the teacher's browser"
HORSE = Poll(3, 137, "It is an animal.\n**Which\nanimal?**", Ask("choice", ("horse", "truck", "deer"), (0,)))


@pytest.fixture
def code() -> Iterator[str]:
    """A room that is asked about the horse."""
    code = ROOMS.open(HOST)
    ROOMS.ask(code, HOST, HORSE)
    yield code
    ROOMS.close(HOST)


def open_phone(**query: str) -> OpenedPage:
    return open_folded("vote", **query)


def test_a_phone_shows_the_question_alone_and_takes_a_vote_that_can_be_changed(code: str) -> None:
    phone = open_phone(room=code.lower())
    assert texts(phone) == "### Which animal?"
    assert buttons(phone) == ["horse", "truck", "deer"]
    press(phone, "truck")
    assert "**Your vote: truck.** You can change it until the answer is shown." in texts(phone)
    press(phone, "horse")
    assert "**Your vote: horse.**" in texts(phone)
    assert ROOMS.rounds(code, HOST, 3) == {137: Round(HORSE.ask, (0,))}


def test_a_phone_follows_the_host_and_says_what_was_right(code: str) -> None:
    phone = press(open_phone(room=code), "truck")
    ROOMS.reveal(code, HOST, 3)
    phone.run()
    assert "Your vote: **truck**.\nThe right answer: **horse**." in texts(phone)
    assert not phone.button
    ROOMS.ask(code, HOST, Poll(4, 137, "Which?", Ask("choice", ("A", "B"))))
    assert buttons(phone.run()) == ["A", "B"]
    ROOMS.ask(code, HOST, None)
    assert "The next question will appear here." in texts(phone.run())
    ROOMS.close(HOST)
    assert "There is no room" in errors(phone.run())


def test_a_phone_shows_the_maps_that_it_is_asked_about(code: str) -> None:
    maps = tuple(Panel(name, f"{name}, of layer conv2", 256, title=name, values=np.eye(4, dtype=np.float32)) for name in "AB")
    ROOMS.ask(code, HOST, Poll(5, 13, "Which?", Ask("choice", ("A", "B"), (1,)), maps=maps))
    phone = open_phone(room=code)
    assert [(panel.head["title"], panel.head["alt"]) for panel in panels(phone).values()] == [
        ("A", "A, of layer conv2"),
        ("B", "B, of layer conv2"),
    ]
    assert (panels(phone)["B"].drawn[0, 0] != panels(phone)["B"].drawn[0, -1]).any()
    assert buttons(phone) == ["A", "B"]


@pytest.mark.parametrize("tapped", [True, False])
def test_once_the_answer_is_open_a_phone_shows_the_brightest_place_and_how_far_its_tap_is(code: str, tapped: bool) -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    middles = np.arange(8) * 4 + 1.5
    asked = Poll(6, 15, "Where?", Ask("place"), picture)
    ROOMS.ask(code, HOST, asked)
    phone = open_phone(room=code)
    if tapped:
        act(phone, "vote-6-15", said=[9, 9])
    assert "brightest" not in str(panels(phone)["vote"].head["spots"])
    ROOMS.ask(code, HOST, replace(asked, found=Brightest((3, 5), middles, middles, (32, 32))))
    ROOMS.reveal(code, HOST, 6)
    phone.run()
    spots = [(spot["kind"], spot["down"], spot["along"]) for spot in panels(phone)["vote"].head["spots"]]
    assert spots[-1] == ("brightest", 14 / 32, 22 / 32)  # the middle of cell 3 is at pixel 13.5, of cell 5 at 21.5
    assert [spot[0] for spot in spots] == (["said", "brightest"] if tapped else ["brightest"])
    apart = "13 pixels apart, or 3.3 squares" if tapped else "Computed: brightest square"  # 4.5 down, 12.5 across
    assert apart in texts(phone)


def test_a_vote_that_comes_after_the_reveal_says_so(code: str) -> None:
    phone = open_phone(room=code)
    ROOMS.reveal(code, HOST, 3)
    press(phone, "horse")
    assert warnings(phone) == "Too late, the answer is already on the screen."
    assert ROOMS.rounds(code, HOST, 3) == {137: Round(HORSE.ask, ())}


@pytest.mark.parametrize("room", ["AAAA", "<b>", "../../etc", "K7QF" * 500])
def test_an_unknown_code_is_a_sentence_and_the_right_one_can_be_typed(code: str, room: str) -> None:
    phone = open_phone(room=room)
    assert f"There is no room '{room.upper()[:4]}' now; enter the code on the screen." in errors(phone)
    phone.text_input[0].set_value(code.lower())
    press(phone, "Go to the room")
    assert "### Which animal?" in texts(phone)


def test_a_bare_address_asks_for_the_code() -> None:
    phone = open_phone()
    assert not phone.error
    assert phone.text_input[0].label == "The code on the screen"


def test_a_full_room_says_so(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.lesson.ballots.MOST_VOTERS", 1)
    ROOMS.vote(code, "another phone", HORSE.round, 0)
    assert warnings(press(open_phone(room=code), "horse")) == "This room is full; 1 phones can vote in one room."


def test_the_words_of_choices_are_words_and_no_markdown(code: str) -> None:
    ROOMS.ask(code, HOST, Poll(5, 1, "Which?", Ask("choice", ("**a**", "`b`"))))
    assert [button.label for button in open_phone(room=code).button] == [r"\*\*a\*\*", r"\`b\`"]


def test_rooms_of_two_servers_know_nothing_of_each_other(code: str) -> None:
    assert Rooms().code_of(HOST) is None
    assert ROOMS.code_of(HOST) == code


# Section: taps


PLACE = Poll(4, 137, "**Where?**", Ask("place"), np.zeros((32, 48, 3), np.uint8))


def test_a_tap_on_the_photograph_is_a_vote_for_the_middle_of_its_pixel(code: str) -> None:
    ROOMS.ask(code, HOST, PLACE)
    phone = open_phone(room=code)
    assert panels(phone)["vote"].head["asks"] == "Votes for this place"
    act(phone, "vote-4-137", said=[3, 12])
    assert ROOMS.rounds(code, HOST, 4)[137].votes == (Tap(12.5 / 48, 3.5 / 32),)
    assert "**Your vote: this place.**" in texts(phone)
    (spot,) = panels(phone)["vote"].head["spots"]
    assert (spot["along"], spot["down"], spot["words"]) == (12.5 / 48, 3.5 / 32, "you")
    ROOMS.reveal(code, HOST, 4)
    phone.run()
    assert panels(phone)["vote"].head["asks"] == ""
    assert len(panels(phone)["vote"].head["spots"]) == 1


@pytest.mark.parametrize("said", [[32, 0], [0, 48], [-1, 5], [3], ["3", 4], [1e9, 1e9]])
def test_a_place_outside_the_photograph_is_no_vote(code: str, said: list[object]) -> None:
    ROOMS.ask(code, HOST, PLACE)
    act(open_phone(room=code), "vote-4-137", said=said)
    assert ROOMS.see(code).votes == 0


def test_many_phones_look_less_often() -> None:
    assert [rest_of(phones) for phones in (1, 60, 80, 200, 500)] == [2, 2, 2, 5, 8]
