"""Keys for somebody without a mouse: Space, Home and End scroll, Escape leaves a field, Page Down leaves it in a lesson too."""

from pathlib import Path

import streamlit as st

_KEYS = st.components.v2.component("room_keys", js=(Path(__file__).parents[1] / "assets" / "room_keys.js").read_text())


def work_without_mouse() -> None:
    """Let these keys work from now on, wherever in the browser's tab one goes."""
    _KEYS(key="room_keys", height=1)
