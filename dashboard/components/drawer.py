"""The navigation's drawer on a phone, closed when a page opens."""

from pathlib import Path

import streamlit as st

_DRAWER = st.components.v2.component(
    "drawer", js=(Path(__file__).parents[1] / "assets" / "drawer.js").read_text(), isolate_styles=False
)


def close_drawer(page: str) -> None:
    """Close the drawer, once for each page that opens."""
    _DRAWER(data={"page": page}, key="drawer", height=1)
