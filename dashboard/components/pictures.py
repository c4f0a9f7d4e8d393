"""Pictures on a page: enlarged without smoothing, sent without loss, with alternative text."""

import streamlit as st

from explain_lib.rendering import Picture, enlarge, png


def show_picture(picture: Picture, caption: str, alt: str, side: int = 160) -> None:
    """A picture of `side` pixels, every pixel of the original a sharp square."""
    st.image(png(enlarge(picture, side, side)), caption=caption, width=side, output_format="PNG", alt=alt)
