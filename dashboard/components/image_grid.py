"""A grid of up to a thousand thumbnails; one is picked with a click or the keyboard."""

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).parents[1] / "assets"
COLUMNS = 40
KEY = "image_grid"

_GRID = st.components.v2.component(
    KEY,
    html='<div class="image-grid" role="group" aria-label="Test images"></div>',
    css=(ASSETS / "image_grid.css").read_text(),
    js=(ASSETS / "image_grid.js").read_text(),
    isolate_styles=False,
)


def image_grid(
    sprite: bytes, images: Sequence[int], words: Sequence[str], wrong: Sequence[bool], on_pick: Callable[[int], None]
) -> None:
    """Show thumbnails; `on_pick` gets the number of the picked image.

    sprite: a WebP file with the pictures in rows of COLUMNS. images, words, wrong: for each picture its number, its
    tooltip, and whether it gets a mark.
    """

    def picked() -> None:
        on_pick(int(st.session_state[KEY]["picked"]))

    data = {
        "revision": f"{hash((tuple(images), tuple(words)))}",
        "sprite": base64.b64encode(sprite).decode(),
        "columns": COLUMNS,
        "images": list(images),
        "words": list(words),
        "wrong": list(wrong),
    }
    _GRID(data=data, key=KEY, on_picked_change=picked)


def mark_picked(image: int) -> None:
    """Frame the picked thumbnail; a style of its own, so that the grid's data need not be sent again."""
    st.html(f'<style>.image-grid button[data-image="{image}"] {{ box-shadow: inset 0 0 0 4px #ff9f1c; }}</style>')
