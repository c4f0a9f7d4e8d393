"""Pictures on a page: enlarged without smoothing, sent without loss, with alternative text."""

import streamlit as st

from dashboard.view.record import note_picture
from explain_lib.pictures.rendering import Picture, enlarge, png


def show_picture(picture: Picture, caption: str, alt: str, side: int) -> None:
    """A picture of `side` pixels, every pixel of the original a sharp square."""
    file = png(enlarge(picture, side, side))
    st.image(file, caption=caption, width=side, output_format="PNG", alt=alt)
    note_picture(alt, caption, lambda: file, len(file))
