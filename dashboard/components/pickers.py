"""Widgets that change the view: model, image, layer, target."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dashboard.components.address import change_view, current_view, follow
from dashboard.components.captions import percent
from dashboard.components.scene import Scene
from dashboard.view_state import chosen_layer
from explain_lib import list_models
from explain_lib.models import load_card

PREDICTED = -1
"""Stands for the predicted class in the list of targets, where None would mean that nothing is chosen."""


def choice(field: str, label: str, words: Mapping[str, str], value: str, help_text: str | None = None) -> None:
    """One of a few values of a field of the view, each under its word."""
    follow(field, value)
    st.segmented_control(
        label,
        tuple(words),
        key=field,
        format_func=words.__getitem__,
        required=True,
        on_change=lambda: change_view(**{field: st.session_state[field]}, part=1),
        help=help_text,
    )


def model_picker(scene: Scene) -> None:
    """A list of the bundled models; the layer stays if the other model has it."""

    def changed() -> None:
        name, layer = st.session_state["model"], current_view().layer
        kept = layer if layer in scene.cache.model(name).spatial_layers else None
        change_view(model=name, layer=kept, part=1)

    follow("model", scene.view.model)
    st.selectbox(
        "Model",
        list_models(),
        key="model",
        format_func=lambda name: f"{name} · {percent(load_card(name).accuracy)}",
        on_change=changed,
        help="The network that is explained, and the share of the 10,000 CIFAR-10 test images that it gets right.",
        width=212,
    )


def image_picker(scene: Scene, among: Sequence[int] | None = None) -> None:
    """The test image's number, with a step back and one on through the images `among`, also by the arrow keys."""
    last = len(scene.images.pixels) - 1
    steps = range(last + 1) if among is None else among

    def typed() -> None:
        image = st.session_state["image"]
        if image is not None:  # an emptied field keeps the image
            change_view(image=image)

    follow("image", scene.view.image)
    with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="xsmall"):
        _step("Previous", "Previous image", "Left", lambda image: _neighbour(steps, bisect_left(steps, image) - 1))
        st.number_input(
            "Test image",
            0,
            last,
            value=None,
            key="image",
            on_change=typed,
            help=f"CIFAR-10 test images are numbered 0 to {last:,}.",
            width=136,
        )
        _step("Next", "Next image", "Right", lambda image: _neighbour(steps, bisect_right(steps, image)))


def _neighbour(steps: Sequence[int], place: int) -> int | None:
    return steps[place] if 0 <= place < len(steps) else None


def _step(label: str, words: str, shortcut: str, neighbour: Callable[[int], int | None]) -> None:
    """A button to the neighbour of the newest image, so that presses during a run add up."""

    def pressed() -> None:
        image = neighbour(current_view().image)
        if image is not None:
            change_view(image=image)

    ended = neighbour(current_view().image) is None
    st.button(label, key=words, help=words, shortcut=shortcut, disabled=ended, on_click=pressed)


def offered_layers(scene: Scene) -> tuple[str, ...]:
    """The layers on offer: conv layers, or every module with a grid; the chosen one is always among them."""
    model, layer = scene.model, chosen_layer(scene.view, scene.model)
    names = model.spatial_layers if scene.view.modules == "all" else model.conv_layers
    return tuple(name for name in model.spatial_layers if name in names or name == layer)


def layer_picker(scene: Scene, layers: Sequence[str]) -> None:
    """A list of layers, each with its grid."""
    grids = {layer.name: layer.grid for layer in scene.model.layers if layer.is_spatial}
    follow("layer", chosen_layer(scene.view, scene.model))
    st.selectbox(
        "Layer",
        layers,
        key="layer",
        format_func=lambda name: f"{name} · {grids[name][0]} × {grids[name][1]}",
        on_change=lambda: change_view(layer=st.session_state["layer"]),
        help="Where the network is hooked, and the grid of its output: the map has that many cells.",
        width=180,
    )


def target_picker(scene: Scene) -> None:
    """The predicted class, or any class."""
    probabilities = scene.predictions.probabilities[scene.view.image]
    predicted = int(scene.predictions.predicted[scene.view.image])

    def words(target: int) -> str:
        index = predicted if target == PREDICTED else target
        name = f"{scene.model.classes[index]} · {percent(float(probabilities[index]))}"
        return f"predicted: {name}" if target == PREDICTED else name

    def changed() -> None:
        chosen = st.session_state["target"]
        change_view(target=None if chosen == PREDICTED else chosen)

    follow("target", PREDICTED if scene.view.target is None else scene.view.target)
    st.selectbox(
        "Target class",
        (PREDICTED, *range(len(scene.model.classes))),
        key="target",
        format_func=words,
        on_change=changed,
        help="The class whose score is explained: what in the picture speaks for it?",
        width=200,
    )
