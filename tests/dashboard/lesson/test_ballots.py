"""Rooms that vote: one vote a voter, the host's reveal, their bounds, and input that nobody means."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import nan

import numpy as np
import pytest

from dashboard.lesson.ask import Ask
from dashboard.lesson.ballots import LETTERS, MOST_ROOMS, MOST_ROUNDS, MOST_VOTERS, Poll, Rooms, Round, Tap, Vote
from explain_lib import InputError

HORSE = Poll(3, 137, "Which animal?", Ask("choice", ("horse", "truck", "deer"), (0,)))
PLACE = Poll(4, 137, "Where?", Ask("place"), np.zeros((2, 2, 3), np.uint8))


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
def code(rooms: Rooms) -> str:
    """A room of the host "teacher" that is asked about the horse."""
    code = rooms.open("teacher")
    rooms.ask(code, "teacher", HORSE)
    return code


def votes(rooms: Rooms, code: str, stop: int) -> dict[int, tuple[Vote, ...]]:
    return {image: found.votes for image, found in rooms.rounds(code, "teacher", stop).items()}


def test_each_voter_has_one_vote_that_can_be_changed(rooms: Rooms, code: str) -> None:
    for voter, vote in (("ann", 1), ("bob", 1), ("ann", 0), ("cyd", 2)):
        rooms.vote(code, voter, HORSE.round, vote)
    assert rooms.see(code).votes == 3
    assert sorted(map(str, votes(rooms, code, 3)[137])) == ["0", "1", "2"]
    assert [rooms.look(code, voter) for voter in ("ann", "dan")] == [(rooms.see(code), 0), (rooms.see(code), None)]


def test_the_reveal_closes_the_vote_for_good_in_every_round_of_the_stop(rooms: Rooms, code: str) -> None:
    rooms.vote(code, "ann", HORSE.round, 1)
    rooms.reveal(code, "teacher", 3)
    assert rooms.see(code).closed
    with pytest.raises(InputError, match="too late"):
        rooms.vote(code, "ann", HORSE.round, 0)
    other = replace(HORSE, image=138)
    rooms.ask(code, "teacher", other)
    with pytest.raises(InputError, match="too late"):
        rooms.vote(code, "bob", other.round, 0)
    assert votes(rooms, code, 3) == {137: (1,), 138: ()}
    rooms.ask(code, "teacher", PLACE)
    assert not rooms.see(code).closed


def test_votes_are_counted_by_stop_and_picture(rooms: Rooms, code: str) -> None:
    rooms.vote(code, "ann", HORSE.round, 1)
    rooms.ask(code, "teacher", PLACE)
    assert rooms.see(code) == rooms.see(code)
    assert rooms.see(code).votes == 0
    rooms.vote(code, "ann", PLACE.round, Tap(0.25, 1.0))
    rooms.ask(code, "teacher", HORSE)
    assert rooms.see(code).votes == 1
    assert votes(rooms, code, 4) == {137: (Tap(0.25, 1.0),)}


@pytest.mark.parametrize("poll", [HORSE, PLACE], ids=["choice", "place"])
@pytest.mark.parametrize("vote", [99, 3, -1, Tap(1.01, 0.5), Tap(0.5, -0.1), Tap(nan, 0.5)])
def test_a_vote_that_is_no_answer_is_refused_in_a_sentence(rooms: Rooms, code: str, poll: Poll, vote: Vote) -> None:
    rooms.ask(code, "teacher", poll)
    with pytest.raises(InputError, match=r"would be right|pick one"):
        rooms.vote(code, "ann", poll.round, vote)
    assert rooms.see(code).votes == 0


def test_a_tap_is_no_choice_and_a_choice_no_tap(rooms: Rooms, code: str) -> None:
    with pytest.raises(InputError, match="one of the choices"):
        rooms.vote(code, "ann", HORSE.round, Tap(0.5, 0.5))
    rooms.ask(code, "teacher", PLACE)
    with pytest.raises(InputError, match="a place in the picture"):
        rooms.vote(code, "ann", PLACE.round, 0)


def test_a_vote_on_a_question_that_has_gone_is_refused(rooms: Rooms, code: str) -> None:
    for now in (PLACE, None):
        rooms.ask(code, "teacher", now)
        with pytest.raises(InputError, match="another question"):
            rooms.vote(code, "ann", HORSE.round, 0)


def test_a_full_room_takes_no_one_more_but_lets_its_voters_change(rooms: Rooms, code: str) -> None:
    for voter in range(MOST_VOTERS):
        rooms.vote(code, str(voter), HORSE.round, 0)
    with pytest.raises(InputError, match="full; 500 phones"):
        rooms.vote(code, "one more", HORSE.round, 0)
    rooms.vote(code, "7", HORSE.round, 2)
    assert votes(rooms, code, 3)[137].count(2) == 1
    assert rooms.see(code).votes == MOST_VOTERS


def test_the_host_alone_asks_reveals_and_counts(rooms: Rooms, code: str) -> None:
    for refused in (
        lambda: rooms.ask(code, "ann", None),
        lambda: rooms.reveal(code, "ann", 3),
        lambda: rooms.rounds(code, "ann", 3),
    ):
        with pytest.raises(InputError, match="belongs to the person who opened it"):
            refused()
    rooms.close("ann")
    assert rooms.see(code).poll == HORSE
    assert not rooms.see(code).closed


def test_a_host_has_one_room_until_it_is_closed(rooms: Rooms, code: str) -> None:
    assert rooms.open("teacher") == code == rooms.code_of("teacher")
    rooms.close("teacher")
    assert rooms.code_of("teacher") is None
    with pytest.raises(InputError, match="the code on the screen"):
        rooms.see(code)


@pytest.mark.parametrize("code", ["", "AAAA", "../x", "K7QF" * 1000])
def test_a_code_of_no_room_is_refused_in_a_short_sentence(rooms: Rooms, code: str) -> None:
    with pytest.raises(InputError, match="there is no room") as refused:
        rooms.vote(code, "ann", (1, 1), 0)
    assert len(str(refused.value)) < 100


def test_the_room_idle_for_longest_makes_way() -> None:
    now = [0.0]
    rooms = Rooms(lambda: now[0])
    codes = []
    for place in range(MOST_ROOMS):
        now[0] += 1
        codes.append(rooms.open(str(place)))
    now[0] += 1
    rooms.ask(codes[0], "0", HORSE)
    rooms.open("one more")
    assert rooms.code_of("1") is None
    assert [place for place in range(MOST_ROOMS) if rooms.code_of(str(place)) is None] == [1]


def test_the_oldest_rounds_of_a_room_go(rooms: Rooms, code: str) -> None:
    for image in range(MOST_ROUNDS):
        rooms.ask(code, "teacher", replace(HORSE, image=image))
    assert sorted(votes(rooms, code, 3)) == list(range(MOST_ROUNDS))


def test_codes_are_read_without_doubt(rooms: Rooms) -> None:
    assert set("".join(rooms.open(str(host)) for host in range(MOST_ROOMS))) <= set(LETTERS)
    assert not set(LETTERS) & set("0O1IL5S8B2Z")


def test_votes_of_many_threads_are_all_counted(rooms: Rooms, code: str) -> None:
    def vote(number: int) -> None:
        rooms.vote(code, str(number % 200), HORSE.round, number % 3)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(vote, range(600)))  # 200 is no multiple of 3: everyone votes for each once
        codes = set(threads.map(lambda _: rooms.open("another host"), range(100)))
    assert rooms.see(code).votes == 200
    assert len(codes) == 1


def test_a_round_is_won_where_more_say_what_is_right_than_anything_else() -> None:
    ask = Ask("choice", ("a", "b", "c"), (1,))
    won, tied, lost = (Round(ask, votes) for votes in ((1, 0, 1, 2), (1, 0, 1, 0), (1, 2, 2)))
    assert (won.is_won, tied.is_won, lost.is_won) == (True, False, False)
    assert (won.right, lost.right, won.counts()) == (2, 1, (1, 2, 1))


def test_phones_are_counted_once_each_and_no_more_than_can_vote(rooms: Rooms, code: str) -> None:
    assert [rooms.enter(code, voter) for voter in ("ann", "bob", "ann")] == [1, 2, 2]
    assert rooms.see(code).phones == 2
    for voter in range(MOST_VOTERS):
        rooms.enter(code, str(voter))
    assert rooms.see(code).phones == MOST_VOTERS
