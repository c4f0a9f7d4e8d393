"""The presentation: nothing but pictures and their words, large enough for the last row of a room."""

import streamlit as st

from dashboard import ASSETS
from dashboard.view.address import current_view

FACTOR = 1.45
"""How many times as large in a presentation is what the browser does not fit to the screen: letters and margins of charts."""


def is_presentation() -> bool:
    """Whether the page is one now."""
    return current_view().present


def enlarged(pixels: int) -> int:
    """A size in pixels for what the presentation's style does not scale."""
    return round(pixels * FACTOR) if is_presentation() else pixels


def style_presentation() -> None:
    """Hide what is not the picture, and scale the rest, if the page is a presentation."""
    if is_presentation():
        st.html(f'<style>{(ASSETS / "present.css").read_text()}</style><i class="presents"></i>')
