"""A grid of up to a thousand thumbnails with their classes; one is picked with a click or the keyboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime import get_instance

from dashboard import ASSETS
from dashboard.figures.array_message import ArrayMessage
from dashboard.figures.colours import VARIABLES
from dashboard.scripts import script

# Section: styles and scripts of grids over one picture


def grid_asset(name: str) -> str:
    """A grid's style or script, behind what all grids share: "image_grid.css"."""
    file = ASSETS / name
    return file.with_stem("sprite_grid").read_text() + file.read_text()


# Section: the grid of thumbnails

COLUMNS = 40
KEY = "image_grid"

_GRID = st.components.v2.component(
    KEY,
    html='<div class="sprite-grid thumbnails image-grid" role="group" aria-label="Test images"></div>',
    css=VARIABLES + grid_asset("image_grid.css"),
    js=script("image_grid"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Thumbnails:
    """N pictures with what stands under them.

    images: their numbers, int32 (N,). true, predicted: classes, int32 (N,), below 0 for none. confidence: that of the
    prediction, as a place in confidence_words, uint8 (N,). true_names, predicted_names: of the classes. judged: whether a
    prediction can be right or wrong about the true class.
    """

    images: NDArray[np.int32]
    true: NDArray[np.int32]
    predicted: NDArray[np.int32]
    confidence: NDArray[np.uint8]
    confidence_words: Sequence[str]
    true_names: Sequence[str]
    predicted_names: Sequence[str]
    judged: bool = True


def image_grid(sprite: bytes, thumbnails: Thumbnails, picked: int, on_pick: Callable[[int], None]) -> None:
    """Show thumbnails, the picked image among them framed; `on_pick` gets the number of the one that is picked next.

    sprite: a WebP file with the pictures in rows of COLUMNS, in the order of the thumbnails.
    """

    def pick() -> None:
        on_pick(int(st.session_state[KEY]["picked"]))

    # an address, not the bytes: two megabytes would be packed and hashed anew in every run
    address = get_instance().media_file_mgr.add(sprite, "image/webp", KEY)
    _GRID(data=_packed(address, thumbnails, picked), key=KEY, on_picked_change=pick)


def _packed(sprite: str, thumbnails: Thumbnails, picked: int) -> bytes:
    arrays = ArrayMessage()
    numbers = {name: arrays.add(getattr(thumbnails, name)) for name in ("images", "true", "predicted", "confidence")}
    words = ("confidence_words", "true_names", "predicted_names")
    names = {name: list(getattr(thumbnails, name)) for name in words}
    head = {"sprite": sprite, "columns": COLUMNS, "judged": thumbnails.judged, **numbers, **names}
    revision = sha256(arrays.packed(head)).hexdigest()  # of all that the elements are made of
    return arrays.packed({**head, "picked": picked, "revision": revision})
