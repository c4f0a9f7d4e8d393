"""What a stop asks its readers to commit to before its answer is opened: one of several choices, a place in the picture, a number."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["choice", "place", "number"]


@dataclass(frozen=True)
class Ask:
    """A question with an answer that can be kept beside the computed one.

    In a lesson's file it is a line of its own below the question: “Ask: choice” with a list below it, in which “- [x]” marks
    what is right (there may be none), “Ask: place” (the brightest place of the map that is shown), or
    “Ask: number {map.empty_share}” (a placeholder whose value is a number).

    choices: at least two for a choice, plain text; else none. right: the places of the right choices, counted from 0.
    truth: the name of the placeholder of a number, else empty.
    """

    kind: Kind
    choices: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    truth: str = ""
