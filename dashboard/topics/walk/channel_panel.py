"""One channel in numbers: its activation, its gradient, its weight, and the score without it."""

import streamlit as st

import explain_lib as xl
from dashboard.topics.walk.walk import Walk
from dashboard.topics.walk.walk_words import ablation_sentence, channel_words
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.widgets.pickers import number_picker


def show_channel(walk: Walk) -> None:
    """The panel of the channel that is looked at."""
    with st.container(border=True, key="channel-panel"):
        _title(walk)
        st.markdown(channel_words(walk.numbers, walk.channel), help=terms.CHANNEL_SHARE)
        _without_it(walk)


def _title(walk: Walk) -> None:
    leading = walk.channel == walk.numbers.leading and walk.numbers.map.any()
    st.markdown(f"**Channel {walk.channel}**" + (" · it has the largest share of the map" if leading else ""))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        number_picker("channel", "Channel to look at", walk.channel, walk.count - 1)
        if walk.scene.view.channel is not None:
            st.button("The one with the largest share", on_click=change_view, kwargs={"channel": None})


def _without_it(walk: Walk) -> None:
    st.markdown(f"**What if channel {walk.channel} were zero?**", help=terms.CHANNEL_ABLATION)
    scene, numbers = walk.scene, walk.numbers
    try:
        found = xl.channel_ablation(scene.model, scene.seen, numbers.layer, [walk.channel], numbers.target)
    except xl.LayerError as error:  # a layer that hands on what it was given can be explained, but not be cut off
        st.caption(f"This layer does not allow that: {plain(str(error))}.")
        return
    promised, by_cell = (float(each[walk.channel]) for each in (numbers.promised, numbers.promised_by_cell))
    st.markdown(ablation_sentence(found, promised, by_cell))
