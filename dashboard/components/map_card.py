"""A map with its title, caption and colour bar, or a badge where there is nothing to paint."""

from collections.abc import Mapping

import streamlit as st

from dashboard.figures.map_figure import Scale, map_figure, map_words
from explain_lib import MapState, map_state
from explain_lib.maps import Map

CHART_CONFIG = {"displayModeBar": False}

_BADGES = {
    MapState.ZERO: "zero everywhere: nothing speaks for this class here",
    MapState.CONSTANT: "the same everywhere: the map tells no place from another",
    MapState.NOT_FINITE: "not finite: the map holds NaN or infinity",
}


def show_map(
    title: str, caption: str, values: Map, scale: Scale, under_pointer: Mapping[str, Map], key: str, width: int = 312
) -> None:
    """The map under its title; zero, constant and not-finite maps get a badge instead of a picture."""
    st.markdown(f"**{title}**")
    state = map_state(values)
    if state is MapState.VARIED:
        st.plotly_chart(
            map_figure(values, scale, under_pointer, width),
            key=key,
            width=width,
            config=CHART_CONFIG,
            alt=map_words(title, values),
        )
    else:
        st.badge(_BADGES[state], color="orange")
    st.caption(caption)
