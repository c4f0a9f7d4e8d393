"""The frogs with their outlines, some at once; outlines that a person rejects do not count."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.address import change_view, current_view
from dashboard.components.guess_runs import frogs, masks_of, test_pixels
from dashboard.components.outline_grid import COLUMNS, SIDE, Outlined, outline_grid
from dashboard.components.scene import Scene
from dashboard.figures.outline_picture import outline_picture
from explain_lib.outlines import usable_outlines
from explain_lib.rendering import mosaic, webp

PART = 44


def show_frogs(scene: Scene) -> None:
    """The part that the address names, what is rejected so far, and a way to take it back."""
    chosen, rejected = frogs(scene), scene.view.rejected
    st.markdown("**The frogs and their outlines** · click a picture to reject an outline that is wrong, again to take it back")
    images = _part(scene, chosen)
    masks = masks_of(scene, test_pixels(scene)[images])
    outlined = [
        Outlined(int(image), bool(usable), int(image) in rejected)
        for image, usable in zip(images, usable_outlines(masks), strict=True)
    ]
    outline_grid(_sprite(scene, images, masks), outlined, _toggle)
    _rejections(chosen, rejected)


def _part(scene: Scene, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = -(-len(chosen) // PART)
    part = min(scene.view.part, parts)
    key = f"frogs-{part}"  # a key for each place: the address, not the widget, remembers
    st.pagination(parts, default=part, key=key, on_change=lambda: change_view(part=st.session_state[key]))
    start = (part - 1) * PART
    return chosen[start : start + PART]


def _sprite(scene: Scene, images: NDArray[np.int64], masks: NDArray[np.bool_]) -> bytes:
    def draw() -> bytes:
        drawn = [outline_picture(test_pixels(scene)[image], mask, SIDE) for image, mask in zip(images, masks, strict=True)]
        return webp(mosaic(np.stack(drawn), COLUMNS))

    return scene.cache.entries.get(("outline_sprite", images.tobytes()), draw)


def _toggle(image: int) -> None:
    """From the newest view, so that clicks during a run add up."""
    change_view(rejected=tuple(sorted({*current_view().rejected} ^ {image})))


def _rejections(chosen: NDArray[np.int64], rejected: tuple[int, ...]) -> None:
    if not rejected:
        return
    known = [image for image in rejected if image in chosen]
    others = [image for image in rejected if image not in chosen]
    words = f"Rejected: {', '.join(map(str, known))}." if known else ""
    if others:
        words += f" No frog, and without effect: {', '.join(map(str, others))}."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words.strip(), width="content")
        st.button("Take all back", on_click=change_view, kwargs={"rejected": ()})
