"""A map with its title, caption and colour bar, or over its picture; a badge where there is nothing to paint."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard.figures.map_figure import Scale, map_figure, map_picture, overlay_or_picture
from dashboard.figures.map_words import map_words, where_words
from dashboard.view.record import note_picture
from dashboard.widgets.charts import show_chart
from dashboard.widgets.pictures import show_exact
from dashboard.widgets.presentation import enlarged
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.cam.drawing import Drawing
from explain_lib.pictures.rendering import Picture, png

TAKEN_SIDE = 640
"""Of a map that is taken home as a picture, in pixels."""

NO_EVIDENCE = "Zero everywhere: in this layer the weighted sum is nowhere above zero."
NO_DIFFERENCE = "Zero everywhere: the two maps are the same."

_BADGES = {
    MapState.CONSTANT: "The same everywhere: the map tells no place from another.",
    MapState.NOT_FINITE: "Not finite: the map holds NaN or infinity.",
}


@dataclass(frozen=True)
class MapCard:
    """A map (h, w) and the words that go with it; when_zero: what it means if it is zero everywhere."""

    title: str
    caption: str
    values: Map
    scale: Scale
    when_zero: str = NO_EVIDENCE
    help: str | None = None


def state_badge(state: MapState, when_zero: str, short: bool = False) -> None:
    """Say that a map is zero, constant or not finite; `short`: in one or two words."""
    meaning = _BADGES.get(state, when_zero)
    st.badge(f"{state.value} map" if short else meaning, color="orange", help=meaning)


def show_maps(cards: Mapping[str, MapCard], under_pointer: Mapping[str, Map], card_width: int, width: int = 312) -> None:
    """Maps side by side by the keys of their charts, as many in a row as have room. card_width: of each at least, in pixels."""
    with st.grid(min_column_width=enlarged(card_width), gap="small"):
        for key, card in cards.items():
            with st.container():
                show_map(card, under_pointer, key, width)


def show_map(card: MapCard, under_pointer: Mapping[str, Map], key: str, width: int = 312) -> None:
    """The map under its title; zero, constant and not-finite maps get a badge instead of a picture."""
    st.markdown(f"**{card.title}**", help=card.help)
    state = map_state(card.values)
    if state is not MapState.VARIED:
        state_badge(state, card.when_zero)
        return
    words = map_words(card.title, card.values)
    show_chart(map_figure(card.values, card.scale, under_pointer, width), key=key, width=width, alt=words)
    note_picture(words, card.title, lambda: png(map_picture(card.values, card.scale, TAKEN_SIDE)), card.values.nbytes)
    st.caption(card.caption)


def show_overlay(
    picture: Picture, values: Map, drawing: Drawing, reach: float | None, words: str, side: int, caption: str = ""
) -> None:
    """The overlay, `side` pixels wide; a zero, constant or not finite map is named and not painted."""
    state, drawn = map_state(values), overlay_or_picture(picture, values, drawing, reach, side)
    if state is MapState.VARIED:
        show_exact(drawn, caption, f"Overlay: {words}; {where_words(values)}")
        return
    show_exact(drawn, "", f"The picture alone, the map is {state.value}: {words}")
    state_badge(state, NO_EVIDENCE, short=side < 200)
