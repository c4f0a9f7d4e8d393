"""A grid of outlined pictures, each of which a click rejects or takes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime import get_instance

from dashboard.components.sprite_grid import grid_script

ASSETS = Path(__file__).parents[1] / "assets"
COLUMNS = 12
SIDE = 96
KEY = "outline_grid"

_GRID = st.components.v2.component(
    KEY,
    html='<div class="outline-grid" role="group" aria-label="Frogs with their outlines"></div>',
    css=(ASSETS / "outline_grid.css").read_text(),
    js=grid_script("outline_grid"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Outlined:
    """A picture's number, and whether its outline is usable, and rejected by a person."""

    image: int
    usable: bool
    rejected: bool


def outline_grid(sprite: bytes, outlined: Sequence[Outlined], on_toggle: Callable[[int], None]) -> None:
    """Show pictures; `on_toggle` gets the number of the clicked one.

    sprite: a WebP file with the pictures, SIDE wide, in rows of COLUMNS, in the order of `outlined`.
    """

    def toggled() -> None:
        on_toggle(int(st.session_state[KEY]["toggled"]))

    data = {
        "sprite": get_instance().media_file_mgr.add(sprite, "image/webp", KEY),
        "columns": COLUMNS,
        "images": [one.image for one in outlined],
        "usable": [one.usable for one in outlined],
        "rejected": [one.rejected for one in outlined],
    }
    _GRID(data=data, key=KEY, on_toggled_change=toggled)
