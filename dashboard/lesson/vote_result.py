"""What a room has voted, once the answer is open: bars of choices, and the score over several pictures."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median

import streamlit as st

from dashboard.figures.asked_place import Pixel
from dashboard.lesson.ballots import Poll, Round, Tap
from dashboard.lesson.map_numbers import Brightest
from explain_lib.base.words import number, short

FEW = 3
"""Taps, of fewer of which the middle one says nothing."""


def show_result(rounds: Mapping[int, Round], poll: Poll) -> None:
    """The votes on the picture on screen, and the room's score, where what is right is known for several pictures."""
    here = rounds[poll.image]
    if poll.ask.kind == "choice":
        st.html(bars(here))
    else:
        st.html(f'<div class="vote-count">{votes_words(len(here.votes))}, each a dot</div>')
    score = score_sentence(rounds)
    if score:
        st.html(f'<div class="vote-score">{escape(score, quote=False)}</div>')


def bars(found: Round) -> str:
    """The votes of each choice as HTML, the right ones marked."""
    counts, total = found.counts(), len(found.votes)
    rows = []
    for place, (choice, count) in enumerate(zip(found.ask.choices, counts, strict=True)):
        right = place in found.ask.right
        share = 100 * count / total if total else 0.0
        name = f"{'✓ ' if right else ''}{escape(choice)}"
        bar = f'<i style="width: {round(share, 1)}%"></i>' if count else '<i class="empty"></i>'
        rows.append(f'<div class="vote-bar{" right" if right else ""}"><span>{name}</span><b>{count}</b>{bar}</div>')
    return f'<div class="vote-bars"><div class="vote-count">{votes_words(total)}</div>{"".join(rows)}</div>'


def votes_words(votes: int) -> str:
    """A number of votes: "1 vote"."""
    return f"{votes} {'vote' if votes == 1 else 'votes'}"


def tap_pixels(taps: Sequence[Tap], size: tuple[int, int]) -> tuple[Pixel, ...]:
    """Taps as rows and columns of pixels, 0 in the middle of the first one. size: (H, W) of the picture."""
    return tuple((tap.y * size[0] - 0.5, tap.x * size[1] - 0.5) for tap in taps)


def taps_words(votes: Sequence[Pixel], found: Brightest) -> str:
    """How near the votes of a room are to the brightest square; Markdown."""
    hits = sum(found.is_hit_by(vote) for vote in votes)
    near = median(found.distance(vote)[1] for vote in votes)
    hit = f"{hits} of {len(votes)} taps {'hits' if hits == 1 else 'hit'} the brightest square"
    if len(votes) < FEW:
        return f"**{hit}.**"
    return f"**{hit}.** Half of all taps are within {short(near, 2)} squares of it."


def score_sentence(rounds: Mapping[int, Round]) -> str:
    """The room's score over the pictures that it voted on; empty for fewer than two of which what is right is known."""
    known = [found for found in rounds.values() if found.ask.right and found.votes]
    if len(known) < 2:
        return ""
    won, right, votes = sum(one.is_won for one in known), sum(one.right for one in known), sum(len(one.votes) for one in known)
    guessed = sum(len(one.votes) * len(one.ask.right) / len(one.ask.choices) for one in known)
    verb = "is" if right == 1 else "are"
    said = f"{right} of {votes_words(votes)} {verb} right; guessing would get about {number(guessed, 0)}."
    return f"The room's score: {won} of {len(known)} pictures. {said}"
