"""The belief card in words: a line a question, with its number."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan

from explain_lib.audit.card import BeliefCard, Question, Verdict
from explain_lib.base.words import correlation_words, mean_words, number, percent, two
from explain_lib.passes.targets import Target

QUESTIONS: dict[Question, str] = {
    "beats-centre": "Better than the middle?",
    "learnt": "Depends on the weights?",
    "class": "Depends on the class?",
    "sum": "Adds up to the score?",
    "place": "In its place?",
}
"""What each line asks; "yes" speaks for the map."""


@dataclass(frozen=True)
class CardLine:
    """The answer to one question. value: its number, in a few characters. words: one or two sentences."""

    question: Question
    verdict: Verdict
    value: str
    words: str


def card_lines(card: BeliefCard, classes: Sequence[str]) -> tuple[CardLine, ...]:
    """The five lines of a card. classes: the names of the model's."""
    verdicts = card.verdicts
    said: dict[Question, tuple[str, str]] = {
        "beats-centre": (correlation_words(card.foretells), _beats_centre(card)),
        "learnt": (correlation_words(card.learnt.mean), _learnt(card)),
        "class": (correlation_words(card.alike), _class(card, classes)),
        "sum": (_share_of_score(card), _sum(card)),
        "place": ("unknown" if isnan(card.away) else f"{two(card.away)} px", _place(card)),
    }
    return tuple(CardLine(question, verdicts[question], *said[question]) for question in QUESTIONS)


def undecided_words(probabilities: Sequence[float]) -> str:
    """That a network hardly prefers a class, whose map then says little; empty where it prefers one.

    probabilities: of classes that exclude each other. The highest counts as hardly preferred below twice its even share.
    """
    count, highest = len(probabilities), max(probabilities)
    if count < 3 or highest >= 2 / count:
        return ""
    return (
        f"The network hardly prefers any of its {count:,} classes here: the highest probability is {percent(highest, 0)}. A "
        "map of such an answer says little."
    )


def card_numbers(card: BeliefCard, classes: Sequence[str]) -> dict[str, str | float | None]:
    """All numbers of a card in full, and its verdicts, by name; None where something is not known.

    explained: the class, or "a function". other: the next class. Verdicts are "verdict_" and the question.
    """
    target, parts = card.target, card.parts
    numbers = {
        "foretells": card.foretells, "centre": card.centre,
        "learnt": card.learnt.mean, "learnt_low": card.learnt.low, "learnt_high": card.learnt.high,
        "alike": card.alike, "away": card.away, "cell": card.cell,
        "cells_sum": nan if parts is None else parts.grad_cam_sum,
        "hirescam_sum": nan if parts is None else parts.hirescam_sum,
        "score": nan if parts is None else parts.score,
        "turned_share": nan if parts is None else parts.turned_share,
    }  # fmt: skip
    return {
        "layer": card.layer,
        "explained": classes[target.index] if isinstance(target, Target) else "a function",
        "other": None if card.other is None else classes[card.other],
        **{name: value if isfinite(value) else None for name, value in numbers.items()},
        **{f"verdict_{question}": verdict for question, verdict in card.verdicts.items()},
    }


def _beats_centre(card: BeliefCard) -> str:
    numbers = f"rank correlation {two(card.foretells)}, the blob {two(card.centre)}"
    removed = "One patch at a time is made grey."
    match card.verdicts["beats-centre"]:
        case "unknown":
            return "The map, or what the score loses, is the same everywhere: there is nothing to compare."
        case "unclear":
            said = "The map and a blob in the middle cannot be told apart by how they foretell what the score loses"
        case "yes":
            said = "The map foretells what the score loses better than a blob in the middle does"
        case "no":
            said = "A blob in the middle foretells what the score loses better than the map does"
    return f"{removed} {said}: {numbers}."


def _learnt(card: BeliefCard) -> str:
    copies, found = (
        "Copies with random weights in all layers",
        f"Correlation {mean_words(card.learnt)}, mean and 95 % interval.",
    )
    match card.verdicts["learnt"]:
        case "unknown":
            return "One of the maps is the same everywhere: there is nothing to compare."
        case "unclear":
            return f"{copies}: their maps may be like this one or not. {found}"
        case "yes":
            return f"{copies} have other maps. {found}"
        case "no":
            return f"{copies} have much the same map: it shows little of what was learnt. {found}"


def _class(card: BeliefCard, classes: Sequence[str]) -> str:
    if card.other is None:
        return "There is no other class to compare with, or the map already contrasts two."
    name = classes[card.other]
    if isnan(card.alike):
        return f"This map, or the one of {name}, is the same everywhere: there is nothing to compare."
    if card.verdicts["class"] == "yes":
        return f"The next class, {name}, has another map: rank correlation {two(card.alike)}."
    return f"The next class, {name}, has much the same map: rank correlation {two(card.alike)}."


def _share_of_score(card: BeliefCard) -> str:
    return "unknown" if card.parts is None else f"{number(card.parts.grad_cam_sum, 2)} of {number(card.parts.score, 2)}"


def _sum(card: BeliefCard) -> str:
    if card.parts is None or not card.parts.holds:
        return "After this layer the network is not piecewise linear: its score is not a sum of cells."
    sums = f"The cells add up to {two(card.parts.grad_cam_sum)} of a score of {two(card.parts.score)}"
    if card.verdicts["sum"] == "yes":
        return f"{sums}; biases and paths around the layer are the rest."
    return (
        f"{sums}; they would add up to {two(card.parts.hirescam_sum)} if the gradients were not averaged, and "
        f"{percent(card.parts.turned_share, 0)} of the cells would have the other sign."
    )


def _place(card: BeliefCard) -> str:
    if isnan(card.away):
        return "The places where the cells look are not known."
    if card.away == 0:
        return "Every cell is drawn where it looks."
    where = f"Cells are drawn up to {two(card.away)} px from where they look, and are {two(card.cell)} px wide"
    return f"{where}." if card.verdicts["place"] == "yes" else f"{where}: draw them where they look."
