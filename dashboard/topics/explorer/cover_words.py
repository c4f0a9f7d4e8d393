"""Parts of a picture covered, in words and numbers: how much, what the map promised for them, and what happened."""

from collections.abc import Iterator

import numpy as np

import explain_lib as xl
from explain_lib.base.maps import Map
from explain_lib.base.words import percent, two
from explain_lib.trust.cover import SIDE, CoverFill, covered_pixels

FILL_WORDS: dict[CoverFill, str] = {
    "grey": "with mid grey (128 of 255)",
    "blur": "with the picture, blurred over 11 × 11 pixels",
}
_SHARE = "The covered cells' part of the whole picture's map, above zero. A pixel belongs to the map's nearest cell."
_PROMISE = (
    "The whole picture's map, with its sign, added up under the cover: the loss of score if the layer fell to zero there, "
    "nothing else changed, and the averaged gradient were true everywhere. Below it the same with each cell's own gradient. "
    "Covering pixels does not set a layer to zero, and a network is not linear, so neither promise need come true."
)
_HAPPENED = "The score of the covered picture minus the score of the whole picture, both from a real pass of the network."


def cover_numbers(effect: xl.CoverEffect, fill: CoverFill) -> Iterator[tuple[str, str, str, str]]:
    """Each number with its label before it, and behind it what it means and a line below."""
    cells, height, width = xl.cover_cells(effect.cover), *effect.picture.shape[:2]
    area = float(covered_pixels((height, width), cells).mean())
    by_cell = f"{two(effect.promised_by_cell, sign=True)} by the gradient of each cell"
    yield "Covered", percent(area), "", f"{int(cells.sum())} of {SIDE * SIDE} cells, {FILL_WORDS[fill]}"
    yield "Share of the map", percent(effect.share), _SHARE, f"of the whole picture's map at {effect.layer}"
    yield "Promised by the map", two(effect.promised, sign=True), _PROMISE, f"of the score; {by_cell}"
    yield "Actual change", two(effect.change, sign=True), _HAPPENED, f"score {two(effect.score_whole)}, now {two(effect.score)}"


def peak_sentence(effect: xl.CoverEffect, now: Map, *, signed: bool) -> str:
    """The largest value of the map, beside that of the whole picture's. signed: whether values below zero are shown."""
    before = np.abs(effect.signed).max() if signed else np.maximum(effect.signed, 0).max()
    return f"Largest {two(np.abs(now).max())}; {two(before)} on the whole picture."


def cover_details(effect: xl.CoverEffect, fill: CoverFill) -> dict[str, object]:
    """The covered cells and all numbers, for a file."""
    numbers = ("share", "promised", "promised_by_cell", "score_whole", "score", "change")
    told = {
        "code": effect.cover,
        "fill": fill,
        "grid": [SIDE, SIDE],
        "cells": np.argwhere(xl.cover_cells(effect.cover)).tolist(),
    }
    return told | {name: getattr(effect, name) for name in numbers}
