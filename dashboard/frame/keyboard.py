"""Keys for somebody without a mouse: Space, Home and End scroll, Escape leaves a field, Page Down leaves it in a lesson too."""

import streamlit as st

from dashboard import ASSETS
from dashboard.widgets.steps import answered

_KEYS = st.components.v2.component("keyboard", js=(ASSETS / "keyboard.js").read_text())


def work_without_mouse() -> None:
    """Let these keys work from now on, wherever in the browser's tab one goes; the last thing that a page draws."""
    _KEYS(data={"answered": answered()}, key="keyboard", height=1)


# Section: the navigation's drawer on a phone

_DRAWER = st.components.v2.component("drawer", js=(ASSETS / "drawer.js").read_text(), isolate_styles=False)


def close_drawer(page: str) -> None:
    """Close the drawer, once for each page that opens."""
    _DRAWER(data={"page": page}, key="drawer", height=1)
