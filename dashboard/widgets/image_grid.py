"""A grid of up to a thousand thumbnails with their classes; one is picked with a click or the keyboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.runtime import get_instance

from dashboard import ASSETS
from dashboard.figures.colours import PICKED

# Section: styles and scripts of grids over one picture


def grid_asset(name: str) -> str:
    """A grid's style or script, behind what all grids share: "image_grid.css"."""
    file = ASSETS / name
    return file.with_stem("sprite_grid").read_text() + file.read_text()


# Section: the grid of thumbnails

COLUMNS = 40
Outcome = Literal["right", "wrong", ""]
KEY = "image_grid"

_GRID = st.components.v2.component(
    KEY,
    html='<div class="sprite-grid thumbnails image-grid" role="group" aria-label="Test images"></div>',
    css=grid_asset("image_grid.css"),
    js=grid_asset("image_grid.js"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Thumbnail:
    """A picture's number, its true class, what was predicted with which confidence, and whether that is right or wrong.

    outcome: empty where the picture has no class, or no prediction yet.
    """

    image: int
    true: str
    predicted: str
    outcome: Outcome


def image_grid(sprite: bytes, thumbnails: Sequence[Thumbnail], on_pick: Callable[[int], None]) -> None:
    """Show thumbnails; `on_pick` gets the number of the picked image.

    sprite: a WebP file with the pictures in rows of COLUMNS, in the order of the thumbnails.
    """

    def picked() -> None:
        on_pick(int(st.session_state[KEY]["picked"]))

    data = {
        "revision": f"{hash((tuple(thumbnails), sprite))}",
        # an address, not the bytes: two megabytes would be packed and hashed anew in every run
        "sprite": get_instance().media_file_mgr.add(sprite, "image/webp", KEY),
        "columns": COLUMNS,
        "images": [one.image for one in thumbnails],
        "true": [one.true for one in thumbnails],
        "predicted": [one.predicted for one in thumbnails],
        "outcome": [one.outcome for one in thumbnails],
    }
    _GRID(data=data, key=KEY, on_picked_change=picked)


def mark_picked(image: int) -> None:
    """Frame the picked thumbnail; a style of its own, so that the grid's data need not be sent again."""
    st.html(f'<style>.image-grid button[data-image="{image}"] {{ box-shadow: 0 0 0 3px {PICKED}; }}</style>')
