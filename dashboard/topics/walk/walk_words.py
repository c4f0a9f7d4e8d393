"""What the steps of the walk say of their numbers, and what happens to the score without a channel."""

from collections.abc import Sequence
from math import floor, isclose, log10
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.captions import grid_caption
from explain_lib.base.maps import Map
from explain_lib.base.words import number, percent, short
from explain_lib.passes.graph import NetworkGraph

KEPT = 0.1
"""A promise is kept where it is within this share of what happens."""


def signed(value: SupportsFloat) -> str:
    """A number with three digits that count and its sign, also above zero."""
    return short(value, sign=True)


def network_words(graph: NetworkGraph, layer: str, grid: tuple[int, int], channels: int) -> str:
    """How to read the drawing of a network, where it is hooked, and how many of its paths join."""
    modules, joins = sum(node.is_module for node in graph.nodes), len(graph.joins)
    times = f"Paths meet in **{joins:,}** places (dashed boxes); violet arcs pass over boxes between." if joins else ""
    return (
        "The picture goes in at the top left. Each box is a layer, with the normalisation and the activation function that "
        f"follow it, and the shape of its output. It runs **{modules:,}** modules. {times}\n\n"
        f"Grad-CAM hooks **{layer}** (orange): its output has {channels:,} channels of {grid_caption(grid)} cells. **Click any "
        "underlined layer to hook that one.**"
    )


def activation_words(activation: NDArray[np.float32]) -> str:
    """The range of the activations (C, h, w), how many are 0 and how many below, and what that means."""
    zero, below = float((activation == 0).mean()), float((activation < 0).mean())
    meaning = _TWO_SIGNS if below else "Dark: the channel finds nothing here. Bright: it finds its pattern."
    return (
        f"Activations from **{short(activation.min())}** to **{short(activation.max())}**; {percent(zero)} of "
        f"all cells are exactly 0, {percent(below)} are below 0. {meaning}"
    )


_TWO_SIGNS = "This layer's numbers have two signs (no ReLU has cut them yet): red above zero, white 0, blue below."


def gradient_words(gradient: NDArray[np.float32]) -> str:
    """The range of the gradients (C, h, w), and how many are 0."""
    none = float((gradient == 0).mean())
    return (
        f"Gradients from **{signed(gradient.min())}** to **{signed(gradient.max())}**; {percent(none)} of all cells have a "
        "gradient of exactly 0: y does not depend on them at all."
    )


def weight_words(weights: NDArray[np.float32]) -> str:
    """How many weights (C,) lie above, below and at zero; the largest and the smallest."""
    return (
        f"**{int((weights > 0).sum())}** channels have a weight above zero, **{int((weights < 0).sum())}** below and "
        f"**{int((weights == 0).sum())}** at zero; the largest "
        f"is **{signed(weights.max())}** (channel {weights.argmax()}), the smallest "
        f"**{signed(weights.min())}** (channel {weights.argmin()})."
    )


def sum_words(numbers: xl.Walkthrough, off: Sequence[int]) -> str:
    """What the cells of the sum without some channels add up to, and what those would have added."""
    count, rest, left_out = len(numbers.weights), numbers.signed_without(off), list(off)
    total, strongest = signed(rest.sum(dtype=np.float64)), int(np.abs(numbers.promised).argmax())
    if not left_out:
        return (
            f"All **{count:,}** channels are on. The cells of the sum add up to **{total}**; channel {strongest} moves this "
            f"sum most, by **{signed(numbers.promised[strongest])}**."
        )
    missing = numbers.signed - rest
    which = "The one that is off" if len(left_out) == 1 else f"The {len(left_out):,} that are off"
    row, column = np.unravel_index(int(np.abs(missing).argmax()), missing.shape)
    return (
        f"**{count - len(left_out):,}** of {count:,} channels are on; the cells of the sum add up to "
        f"**{total}**. {which} would have added "
        f"**{signed(numbers.promised[left_out].sum())}** to that, most of all to the cell in row {row}, column "
        f"{column}: **{signed(missing[row, column])}**. Of the full map that is a share of "
        f"**{percent(float(numbers.shares[left_out].sum()))}**."
    )


def thrown_away_words(before: Map) -> str:
    """How much of a sum (h, w) the ReLU throws away."""
    below = before[before < 0]
    if len(below) == 0:
        return "**Nothing was thrown away**: no cell of the sum is below zero."
    row, column = np.unravel_index(int(before.argmin()), before.shape)
    kept = float(before[before > 0].sum(dtype=np.float64))
    return (
        f"**Thrown away: {percent(len(below) / before.size)} of the cells** ({len(below):,} of {before.size:,}), which add up "
        f"to **{signed(below.sum(dtype=np.float64))}**; the largest of them is "
        f"**{signed(before.min())}**, in row {row}, column {column}. The rest adds up to "
        f"**{signed(kept)}**."
    )


def channel_words(numbers: xl.Walkthrough, k: int) -> str:
    """A channel in numbers, a line each."""
    activation, gradient = numbers.activation[k], numbers.gradient[k]
    share = percent(float(numbers.shares[k])) if numbers.map.any() else "none, the map is zero everywhere"
    more = " (more than all of it, because others take away)" if numbers.shares[k] > 1 else ""
    lines = (
        f"Activation A: {short(activation.min())} to {short(activation.max())}",
        f"Gradient ∂y/∂A: {signed(gradient.min())} to {signed(gradient.max())}",
        f"Weight α, the mean gradient: **{signed(numbers.weights[k])}**",
        f"Share of the map: **{share}**{more}",
    )
    return "  \n".join(lines)


# Section: the score without a channel


def ablation_sentence(found: xl.ChannelAblation, promised: float, by_cell: float) -> str:
    """The effect that alpha_k promises, the real one, and why the two differ."""
    places = _places(found.effect)
    really = (
        f"In a real forward pass without it the score **{_moves(found.effect)}**, from {number(found.score, places)} to "
        f"{number(found.score_without, places)}."
    )
    return f"α promises that the score {_moves(promised)}. {really} {_why(found.effect, promised, by_cell)}"


def _places(effect: float) -> int:
    """The places that two scores need so that one sees that they are this far apart."""
    return 3 if effect == 0 else min(9, max(2, 1 - floor(log10(abs(effect)))))


def _moves(effect: float) -> str:
    """The change of the score without something that adds this much."""
    if effect == 0:
        return "stays as it is"
    return f"{'falls' if effect > 0 else 'rises'} by {short(abs(effect))}"


def _why(effect: float, promised: float, by_cell: float) -> str:
    if _same(promised, effect):
        return "The promise is kept."
    if _same(by_cell, effect):
        return (
            f"{_AVERAGED} Cell by cell, each with its own gradient, the promise is that it {_moves(by_cell)}: that promise is "
            f"kept."
        )
    if _same(by_cell, promised):
        return f"Why the two differ: {_ONLY_SMALL[0].lower()}{_ONLY_SMALL[1:]}"
    return f"{_AVERAGED} Cell by cell the promise is that it {_moves(by_cell)}. {_ONLY_SMALL}"


_AVERAGED = (
    "Why the promise fails: α is the mean over the grid, but the channel is strong in only some cells, and the gradient there "
    "can be quite different."
)
_ONLY_SMALL = (
    "A gradient describes a small change. Switching a channel off is a large one: on the way to the score, ReLUs and poolings "
    "switch."
)


def _same(promise: float, effect: float) -> bool:
    return isclose(promise, effect, rel_tol=KEPT)
