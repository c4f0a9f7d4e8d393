"""Space, Shift+Space, Home and End scroll the page."""

from pathlib import Path

import streamlit as st

_KEYS = st.components.v2.component("scroll_keys", js=(Path(__file__).parents[1] / "assets" / "scroll_keys.js").read_text())


def scroll_by_keys() -> None:
    """Let these keys scroll from now on, wherever in the browser's tab one goes."""
    _KEYS(key="scroll_keys", height=1)
