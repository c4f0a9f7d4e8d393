"""One channel in numbers: its activation, its gradient, its weight, and the score without it."""

from math import floor, isclose, log10

import streamlit as st

import explain_lib as xl
from dashboard.topics.walk.walk import Walk, short, signed
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.widgets.pickers import number_picker
from explain_lib.base.words import number, percent

KEPT = 0.1
"""A promise is kept where it is within this share of what happens."""


def show_channel(walk: Walk) -> None:
    """The panel of the channel that is looked at."""
    with st.container(border=True, key="channel-panel"):
        _title(walk)
        st.markdown(_numbers(walk), help=terms.CHANNEL_SHARE)
        _without_it(walk)


def _title(walk: Walk) -> None:
    leading = walk.channel == walk.numbers.leading and walk.numbers.map.any()
    st.markdown(f"**Channel {walk.channel}**" + (" · it has the largest share of the map" if leading else ""))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number_picker("channel", "Look at channel", walk.channel, walk.count - 1)
        if walk.scene.view.channel is not None:
            st.button("The one with the largest share", on_click=change_view, kwargs={"channel": None})


def _numbers(walk: Walk) -> str:
    k, numbers = walk.channel, walk.numbers
    activation, gradient = numbers.activation[k], numbers.gradient[k]
    share = percent(float(numbers.shares[k])) if numbers.map.any() else "none, the map is zero everywhere"
    more = " (more than all of it, since others take away)" if numbers.shares[k] > 1 else ""
    lines = (
        f"Activation A: {short(activation.min())} to {short(activation.max())}",
        f"Gradient ∂y/∂A: {signed(gradient.min())} to {signed(gradient.max())}",
        f"Weight α, the mean gradient: **{signed(numbers.weights[k])}**",
        f"Share of the map: **{share}**{more}",
    )
    return "  \n".join(lines)


def _without_it(walk: Walk) -> None:
    st.markdown(f"**What if channel {walk.channel} were zero?**", help=terms.CHANNEL_ABLATION)
    scene, numbers = walk.scene, walk.numbers
    try:
        found = xl.channel_ablation(scene.model, scene.picture, numbers.layer, [walk.channel], numbers.target)
    except xl.LayerError as error:  # a layer that hands on what it was given can be explained, but not be cut off
        st.caption(f"That cannot be tried at this layer: {plain(str(error))}.")
        return
    promised, by_cell = (float(each[walk.channel]) for each in (numbers.promised, numbers.promised_by_cell))
    st.markdown(_ablation_sentence(found, promised, by_cell))


# Section: words


def _ablation_sentence(found: xl.ChannelAblation, promised: float, by_cell: float) -> str:
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
            f"{_AVERAGED} Cell by cell, each with its own gradient, the promise is that it {_moves(by_cell)}: that one is kept."
        )
    if _same(by_cell, promised):
        return f"Why the two differ: {_ONLY_SMALL[0].lower()}{_ONLY_SMALL[1:]}"
    return f"{_AVERAGED} Cell by cell the promise is that it {_moves(by_cell)}. {_ONLY_SMALL}"


_AVERAGED = (
    "Why the promise fails: α is the mean over the grid, but the channel is strong in some cells only, and there the gradient "
    "can be quite another."
)
_ONLY_SMALL = (
    "A gradient says what a small change does. Switching a channel off is a large one: on the way to the score, ReLUs and "
    "poolings change over."
)


def _same(promise: float, effect: float) -> bool:
    return isclose(promise, effect, rel_tol=KEPT)
