"""The frogs with their outlines, some at once; outlines that a person rejects do not count."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime import get_instance

from dashboard.topics.guesses.outline_picture import outline_picture
from dashboard.topics.guesses.runs import frogs, test_pixels
from dashboard.view.address import change_view, current_view
from dashboard.view.scene import Scene
from dashboard.widgets.image_grid import grid_asset
from dashboard.widgets.pickers import part_picker
from explain_lib.base.run_context import remember
from explain_lib.base.words import number
from explain_lib.pictures.rendering import mosaic, webp
from explain_lib.study.drawn_outlines import outline_quality
from explain_lib.study.outlines import find_outlines

PART = 44
COLUMNS = 12
SIDE = 96
KEY = "outline_grid"

_GRID = st.components.v2.component(
    KEY,
    html='<div class="sprite-grid thumbnails outline-grid" role="group" aria-label="Frogs with their outlines"></div>',
    css=grid_asset("outline_grid.css"),
    js=grid_asset("outline_grid.js"),
    isolate_styles=False,
)


def show_frogs(scene: Scene) -> None:
    """The part that the address names, the outlines that are rejected so far, and a way to take that back."""
    chosen, rejected = frogs(scene), scene.view.rejected
    st.markdown("**The frogs and their outlines** · click a picture to reject a wrong outline, click again to undo")
    images = _part(scene, chosen)
    outlines = find_outlines(test_pixels(scene)[images])
    masks = outlines.masks
    data = {
        "sprite": get_instance().media_file_mgr.add(_sprite(scene, images, masks), "image/webp", KEY),
        "columns": COLUMNS,
        "images": images.tolist(),
        "usable": outlines.usable.tolist(),
        "rejected": [image in rejected for image in images.tolist()],
    }
    _GRID(data=data, key=KEY, on_toggled_change=_toggle)
    _rejections(chosen, rejected)
    near = outline_quality(test_pixels(scene), scene.cache.images().labels)
    st.caption(
        "An outline counts if GrabCut finds much the same from five starts. Of 100 outlines drawn by hand, ten of each class, "
        f"{near.count} are found so, and overlap with the drawing by {number(near.usable, 2)} (intersection over union); two "
        f"drawings of the same picture by {number(near.hands, 2)}."
    )


def _part(scene: Scene, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    parts = -(-len(chosen) // PART)
    part = min(scene.view.part, parts)
    part_picker(part, parts)
    start = (part - 1) * PART
    return chosen[start : start + PART]


def _sprite(scene: Scene, images: NDArray[np.int64], masks: NDArray[np.bool_]) -> bytes:
    def draw() -> bytes:
        drawn = [outline_picture(test_pixels(scene)[image], mask, SIDE) for image, mask in zip(images, masks, strict=True)]
        return webp(mosaic(np.stack(drawn), COLUMNS))

    return remember(("outline_sprite", images.tobytes()), draw)


def _toggle() -> None:
    """Reject the clicked outline, or take that back; from the newest view, so that clicks during a run add up."""
    image = int(st.session_state[KEY]["toggled"])
    change_view(rejected=tuple(sorted({*current_view().rejected} ^ {image})))


def _rejections(chosen: NDArray[np.int64], rejected: tuple[int, ...]) -> None:
    if not rejected:
        return
    known = [image for image in rejected if image in chosen]
    others = [image for image in rejected if image not in chosen]
    words = f"Rejected: {', '.join(map(str, known))}." if known else ""
    if others:
        words += f" Not frogs, so they count with contours alone: {', '.join(map(str, others))}."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words.strip(), width="content")
        st.button("Undo all", on_click=change_view, kwargs={"rejected": ()})
