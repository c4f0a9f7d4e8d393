"""The rooms that vote, in the server's memory: each has a short code, a question at a time, and the votes of its phones."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from dashboard.figures.panel import Panel
from dashboard.lesson.ask import Ask
from dashboard.lesson.map_numbers import Brightest
from explain_lib.base.errors import InputError

LETTERS = "CDFGHJKMNPQRTVWXY34679"
"""Of codes: none is taken for another, and they spell no words."""
CODE_LENGTH = 4
MOST_ROOMS, MOST_VOTERS, MOST_ROUNDS = 50, 500, 40
"""Rooms of the server, voters of a room, and rounds whose votes a room keeps."""


@dataclass(frozen=True)
class Tap:
    """A place in a picture, as shares of its width and height from the upper left corner, both 0 to 1."""

    x: float
    y: float


Vote = int | Tap
"""The place of a choice, from 0, or a place in the picture."""


@dataclass(frozen=True)
class Poll:
    """A question as phones show it, one round of a stop.

    image: the picture on the screen; another one is another round of the same stop. question: Markdown.
    picture: uint8 (H, W, 3) where a place in it is asked for; else None. maps: those that are asked about, to be shown on the
    phone. found: the brightest place that a place is measured by, once the answer is open.
    """

    stop: int
    image: int
    question: str
    ask: Ask
    picture: NDArray[np.uint8] | None = field(default=None, compare=False)
    maps: tuple[Panel, ...] = field(default=(), compare=False)
    found: Brightest | None = field(default=None, compare=False)

    @property
    def round(self) -> tuple[int, int]:
        """What its votes are counted by."""
        return self.stop, self.image


@dataclass(frozen=True)
class Seen:
    """A room as everybody may see it: its question, if there is one now, how many have voted, and whether that is over.

    phones: how many have come in so far.
    """

    poll: Poll | None
    votes: int
    closed: bool
    phones: int


@dataclass(frozen=True)
class Round:
    """What was asked about one picture, and all votes."""

    ask: Ask
    votes: tuple[Vote, ...]

    def counts(self) -> tuple[int, ...]:
        """How many votes each choice has."""
        return tuple(self.votes.count(place) for place in range(len(self.ask.choices)))

    @property
    def right(self) -> int:
        """How many votes are for a right choice."""
        return sum(vote in self.ask.right for vote in self.votes)

    @property
    def is_won(self) -> bool:
        """Whether more votes are for one right choice than for any wrong one."""
        counts = self.counts()
        wrong = max((count for place, count in enumerate(counts) if place not in self.ask.right), default=0)
        return max((counts[place] for place in self.ask.right), default=0) > wrong


@dataclass
class _Room:
    host: str
    poll: Poll | None = None
    asks: dict[tuple[int, int], Ask] = field(default_factory=dict)
    votes: dict[tuple[int, int], dict[str, Vote]] = field(default_factory=dict)
    phones: set[str] = field(default_factory=set)
    voters: set[str] = field(default_factory=set)
    revealed: set[int] = field(default_factory=set)
    used: float = 0.0

    def seen(self) -> Seen:
        votes = 0 if self.poll is None else len(self.votes[self.poll.round])
        return Seen(self.poll, votes, self.poll is not None and self.poll.stop in self.revealed, len(self.phones))


class Rooms:
    """All rooms of a server. Any number of threads may use it.

    A host and a voter are names that nobody else has, see this_browser. Everything that is refused raises InputError, whose
    sentence is one for a phone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: the time in seconds, by which the room that nobody has used for longest is found."""
        self._lock = threading.Lock()
        self._rooms: dict[str, _Room] = {}
        self._clock = clock

    # ---- what the host does -------------------------------------------------------------------------------------------

    def open(self, host: str) -> str:
        """The code of the host's room, a new one if there is none. The room that was idle for longest makes way."""
        with self._lock:
            code = self._code_of(host)
            if code is None:
                if len(self._rooms) >= MOST_ROOMS:
                    del self._rooms[min(self._rooms, key=lambda one: self._rooms[one].used)]
                code = self._new_code()
                self._rooms[code] = _Room(host, used=self._clock())
            return code

    def code_of(self, host: str) -> str | None:
        """The code of the host's room, if there is one."""
        with self._lock:
            return self._code_of(host)

    def ask(self, code: str, host: str, poll: Poll | None) -> None:
        """Put a question to the room, or None for none at the moment."""
        with self._lock:
            room = self._room_of(code, host)
            room.poll = poll
            if poll is None:
                return
            if poll.round not in room.votes and len(room.votes) >= MOST_ROUNDS:
                oldest = next(iter(room.votes))
                del room.votes[oldest], room.asks[oldest]
            room.votes.setdefault(poll.round, {})
            room.asks[poll.round] = poll.ask

    def reveal(self, code: str, host: str, stop: int) -> None:
        """End the vote of a stop, in all of its rounds, for good: its answer is shown."""
        with self._lock:
            self._room_of(code, host).revealed.add(stop)

    def rounds(self, code: str, host: str, stop: int) -> dict[int, Round]:
        """The rounds of a stop, each by the picture that was asked about."""
        with self._lock:
            room = self._room_of(code, host)
            return {
                image: Round(room.asks[of, image], tuple(votes.values()))
                for (of, image), votes in room.votes.items()
                if of == stop
            }

    def close(self, host: str) -> None:
        """Let the host's room go, with its votes, if there is one."""
        with self._lock:
            code = self._code_of(host)
            if code is not None:
                del self._rooms[code]

    # ---- what a phone does --------------------------------------------------------------------------------------------

    def see(self, code: str) -> Seen:
        """The room as everybody may see it."""
        with self._lock:
            return self._room(code).seen()

    def enter(self, code: str, voter: str) -> int:
        """Come in; how many phones have, at most as many as can vote."""
        with self._lock:
            phones = self._room(code).phones
            if len(phones) < MOST_VOTERS:
                phones.add(voter)
            return len(phones)

    def look(self, code: str, voter: str) -> tuple[Seen, Vote | None]:
        """The room as everybody may see it, and what a voter has voted on the question of the moment."""
        with self._lock:
            room = self._room(code)
            return room.seen(), None if room.poll is None else room.votes[room.poll.round].get(voter)

    def vote(self, code: str, voter: str, round_: tuple[int, int], vote: Vote) -> None:
        """Take a vote, in place of this voter's last one in this round.

        round_: the round of the question that the phone shows, which may be over by now.
        """
        with self._lock:
            room = self._room(code)
            poll = room.poll
            if poll is None or poll.round != round_:
                raise InputError("vote: the screen has moved on to another question; look there")
            if poll.stop in room.revealed:
                raise InputError("vote: too late, the answer is already on the screen")
            _check(poll.ask, vote)
            if voter not in room.voters and len(room.voters) >= MOST_VOTERS:
                raise InputError(f"vote: this room is full; {MOST_VOTERS} phones can vote in one room")
            room.voters.add(voter)
            room.votes[round_][voter] = vote
            room.used = self._clock()

    # ---- under the lock -----------------------------------------------------------------------------------------------

    def _room(self, code: str) -> _Room:
        if code not in self._rooms:
            raise InputError(f"room: there is no room {code[:CODE_LENGTH]!r} now; enter the code on the screen")
        return self._rooms[code]

    def _room_of(self, code: str, host: str) -> _Room:
        """The room, for its host; using it keeps it."""
        room = self._room(code)
        if not secrets.compare_digest(room.host.encode(), host.encode()):
            raise InputError(f"room: {code} belongs to the person who opened it; open a room of your own")
        room.used = self._clock()
        return room

    def _code_of(self, host: str) -> str | None:
        return next((code for code, room in self._rooms.items() if room.host == host), None)

    def _new_code(self) -> str:
        while (code := "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))) in self._rooms:
            pass
        return code


def _check(ask: Ask, vote: Vote) -> None:
    """Raise InputError for a vote that is no answer to the question."""
    if isinstance(vote, Tap):
        if ask.kind != "place":
            raise InputError("vote: a place in a picture is no answer here; pick one of the choices")
        if not all(isfinite(share) and 0 <= share <= 1 for share in (vote.x, vote.y)):
            raise InputError("vote: this place is outside the picture; pick one inside it")
    elif ask.kind != "choice" or not 0 <= vote < len(ask.choices):
        listed = ", ".join(ask.choices) or "a place in the picture"
        raise InputError(f"vote: there is no choice {vote}; {listed} would be right")


ROOMS = Rooms()
"""The rooms of this server."""
