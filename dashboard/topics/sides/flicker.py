"""Two pictures in one place, shown in turn."""

from base64 import b64encode

import streamlit as st

from explain_lib.pictures.rendering import Picture, png

# One step every 0.8 s: far below the three flashes a second that can harm.
_STYLE = """<style>
.flicker { position: relative; width: SIDEpx; height: calc(SIDEpx + 1.6rem); }
.flicker figure { position: absolute; inset: 0; margin: 0; animation: flicker 1.6s steps(1) infinite; }
.flicker figure:last-child { animation-delay: -0.8s; }
.flicker img { width: SIDEpx; height: SIDEpx; image-rendering: pixelated; border-radius: 0; }
.flicker figcaption { font-size: 0.875rem; }
@keyframes flicker { 0% { opacity: 1; } 50% { opacity: 0; } }
</style>"""


def show_flicker(a: Picture, b: Picture, words_a: str, words_b: str, side: int) -> None:
    """Pictures a and b, `side` pixels wide, in turn in one place, each under its words."""
    figures = "".join(
        f'<figure><img src="data:image/png;base64,{b64encode(png(picture)).decode()}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
        for picture, words in ((a, words_a), (b, words_b))
    )
    st.html(_STYLE.replace("SIDE", str(side)) + f'<div class="flicker">{figures}</div>')
