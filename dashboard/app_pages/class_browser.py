"""A class's images at once, and one of them picked."""

from typing import get_args

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.components.address import change_view, follow
from dashboard.components.captions import image_caption, percent
from dashboard.components.image_grid import COLUMNS, image_grid, mark_picked
from dashboard.components.page import show_page
from dashboard.components.page_links import page_links
from dashboard.components.pickers import choice, image_picker, model_picker
from dashboard.components.pictures import show_picture
from dashboard.components.scene import Scene
from dashboard.view_state import Outcome
from explain_lib.predictions import Selection, select_images
from explain_lib.rendering import mosaic, webp

PART = 1000  # thumbnails at most at once


def _draw(scene: Scene) -> None:
    _filters(scene)
    chosen = _selected(scene)
    _counts(scene, chosen)
    if len(chosen) == 0:
        _nothing()
        return
    picked, grid = st.columns([1, 2.5], gap="medium")
    with grid:
        _grid(scene, _part(scene, chosen))
    with picked:
        _picked(scene, [int(image) for image in chosen])


def _selected(scene: Scene) -> NDArray[np.int64]:
    view = scene.view
    right = None if view.outcome == "any" else view.outcome == "right"
    selection = Selection(view.true_class, view.predicted_class, right)
    return select_images(scene.images.labels, scene.predictions.predicted, selection)


def _filters(scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _class_filter(scene, "true_class", "True class", scene.view.true_class)
        _class_filter(scene, "predicted_class", "Predicted class", scene.view.predicted_class)
        choice("outcome", "The prediction is", {word: word for word in get_args(Outcome)}, scene.view.outcome)
        model_picker(scene)


def _class_filter(scene: Scene, key: str, label: str, value: int | None) -> None:
    follow(key, -1 if value is None else value)

    def changed() -> None:
        chosen = st.session_state[key]
        change_view(**{key: None if chosen < 0 else chosen, "part": 1})

    st.selectbox(
        label,
        (-1, *range(len(scene.model.classes))),
        key=key,
        format_func=lambda index: "any class" if index < 0 else scene.model.classes[index],
        on_change=changed,
        width=180,
    )


def _counts(scene: Scene, chosen: NDArray[np.int64]) -> None:
    right = int((scene.predictions.predicted[chosen] == scene.images.labels[chosen]).sum())
    share = f" ({percent(right / len(chosen))})" if len(chosen) else ""
    st.markdown(f"**{len(chosen):,}** images · **{right:,}** predicted right{share} · **{len(chosen) - right:,}** wrong")


def _nothing() -> None:
    st.info("No test image meets all of these conditions. Take one of them away to see images again.")
    st.button(
        "Any prediction, any predicted class",
        on_click=change_view,
        kwargs={"outcome": "any", "predicted_class": None, "part": 1},
    )


def _part(scene: Scene, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """The thousand of the chosen images that the address names."""
    parts = -(-len(chosen) // PART)
    if parts == 1:
        return chosen
    part = min(scene.view.part, parts)
    if part < scene.view.part:
        st.caption(f"There is no part {scene.view.part:,} of this selection; this is the last one.")
    key = f"part-{part}-of-{parts}"  # a key for each place: the address, not the widget, remembers
    st.pagination(parts, default=part, key=key, on_change=lambda: change_view(part=st.session_state[key]))
    start = (part - 1) * PART
    st.caption(f"Images {start + 1:,} to {min(start + PART, len(chosen)):,} of {len(chosen):,}")
    return chosen[start : start + PART]


def _grid(scene: Scene, chosen: NDArray[np.int64]) -> None:
    sprite = scene.cache.entries.get(("sprite", chosen.tobytes()), lambda: webp(mosaic(scene.images.pixels[chosen], COLUMNS)))
    images = [int(image) for image in chosen]
    wrong = scene.predictions.predicted[chosen] != scene.images.labels[chosen]
    words = [image_caption(scene, image) for image in images]
    image_grid(sprite, images, words, [bool(mark) for mark in wrong], lambda image: change_view(image=image))
    mark_picked(scene.view.image)
    st.caption("A red cross marks a wrong prediction. Click a picture, or move with the arrow keys and press Enter.")


def _picked(scene: Scene, chosen: list[int]) -> None:
    image = scene.view.image
    image_picker(scene, chosen)
    show_picture(scene.images.pixels[image], image_caption(scene, image), f"Test image {image}, picked", side=256)
    _place(scene, chosen)
    page_links(scene.view, "layer_explorer", "disagreement")


def _place(scene: Scene, chosen: list[int]) -> None:
    """Where the picked image is, when it is not among the thumbnails."""
    if scene.view.image not in chosen:
        st.caption("This image is not among those shown.")
        return
    part = chosen.index(scene.view.image) // PART + 1
    if part != min(scene.view.part, -(-len(chosen) // PART)):
        st.button(f"Show part {part}, where this image is", on_click=change_view, kwargs={"part": part})


show_page(
    "Class browser", "All test images of a class at once, with what the network says of them. Pick one to explain it.", _draw
)
