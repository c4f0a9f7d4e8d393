"""Widgets that change the view: model, image, layer, target."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.components import terms
from dashboard.components.address import change_view, current_view, follow
from dashboard.components.captions import percent
from dashboard.components.scene import Scene
from dashboard.view_state import View, chosen_layer
from explain_lib import list_models
from explain_lib.models import load_card, network_size

Option = TypeVar("Option", str, int)

PLAIN = (None, "for", "logit")
MODULES = {"conv": "conv layers", "all": "all with a grid"}
NONE = -1
"""Stands for the predicted class, or for no class, in lists of classes, where None would mean that nothing is chosen."""


def choice(
    field: str, label: str, words: Mapping[Option, str], value: Option, help_text: str | None = None, **also: int
) -> None:
    """One of a few values of a field of the view, each under its word; `also`: what else of the view changes with it."""
    follow(field, value)
    st.segmented_control(
        label,
        tuple(words),
        key=field,
        format_func=words.__getitem__,
        required=True,
        on_change=lambda: change_view(**{field: st.session_state[field]}, **also),
        help=help_text,
    )


def model_words(name: str) -> str:
    """A model's name with accuracy, depth and size."""
    size = network_size(name)
    accuracy = percent(load_card(name).accuracy)
    return f"{name} · {accuracy} · {size.conv_layers} conv layers · {size.parameters / 1000:.0f} k weights"


def model_picker(scene: Scene) -> None:
    """A list of the bundled models; the layer stays if the other model has it."""

    def changed() -> None:
        name, view = st.session_state["model"], current_view()
        offered = scene.cache.model(name).spatial_layers
        kept = {field: layer for field, layer in (("layer", view.layer), ("opinion", view.opinion)) if layer in offered}
        change_view(model=name, **{"layer": None, "opinion": None, **kept}, part=1)

    follow("model", scene.view.model)
    st.selectbox(
        "Model",
        list_models(),
        key="model",
        format_func=model_words,
        on_change=changed,
        help=f"The network that is explained. {terms.ACCURACY}",
        width=400,
    )


def image_picker(scene: Scene, among: Sequence[int] | None = None) -> None:
    """The test image's number, with a step back, one on and a leap through the images `among`, also by the arrow keys."""
    last = len(scene.images.pixels) - 1
    steps = range(last + 1) if among is None else among
    which = "all of them" if among is None else "those that are shown"

    def typed() -> None:
        image = st.session_state["image"]
        if image is None:  # an emptied field keeps the image
            return
        if not 0 <= image <= last:
            st.toast(f"There is no test image {image:,}; they are 0 to {last:,}.")
        change_view(image=min(max(image, 0), last))

    follow("image", scene.view.image)
    with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="xsmall"):
        _step("Previous", "Previous image", "Left", lambda image: _neighbour(steps, image, -1))
        st.number_input(
            "Test image",
            value=None,
            step=1,
            key="image",
            on_change=typed,
            help=f"Test images are numbered 0 to {last:,}. Previous and Next, or the keys ← and →, step through {which}.",
            width=104,
        )
        _step("Next", "Next image", "Right", lambda image: _neighbour(steps, image, 1))
        _step("Random", "Random image", None, lambda image: _another(steps, image))


def _neighbour(steps: Sequence[int], image: int, step: int) -> int | None:
    """The image before or after; the first or last of all where this one is not among them."""
    if image not in steps:
        return (steps[0] if step > 0 else steps[-1]) if steps else None
    place = steps.index(image) + step
    return steps[place] if 0 <= place < len(steps) else None


def _another(steps: Sequence[int], image: int) -> int | None:
    if len(steps) == 0 or (len(steps) == 1 and steps[0] == image):
        return None
    while (found := random.choice(steps)) == image:
        pass
    return found


def _step(label: str, words: str, shortcut: str | None, other: Callable[[int], int | None]) -> None:
    """A button to another image, counted from the newest one, so that presses during a run add up."""

    def pressed() -> None:
        image = other(current_view().image)
        if image is not None:
            change_view(image=image)

    ended = other(current_view().image) is None
    st.button(label, key=words, help=words, shortcut=shortcut, disabled=ended, on_click=pressed)


def offered_layers(scene: Scene) -> tuple[str, ...]:
    """The layers on offer: conv layers, or every module with a grid; the chosen one is always among them."""
    model, layer = scene.model, chosen_layer(scene.view, scene.model)
    names = model.spatial_layers if scene.view.modules == "all" else model.conv_layers
    return tuple(name for name in model.spatial_layers if name in names or name == layer)


def modules_picker(view: View, label: str = "Layers on offer") -> None:
    """Which layers are on offer: conv layers, or every module with a grid."""
    words = "Convolutions only, or every module whose output is a grid."
    choice("modules", label, MODULES, view.modules, words)


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
        help=terms.LAYER,
        width=200,
    )


def target_picker(scene: Scene) -> None:
    """The predicted class, or any class."""
    probabilities = scene.predictions.probabilities[scene.view.image]

    def words(target: int) -> str:
        index = scene.predicted if target == NONE else target
        name = f"{scene.model.classes[index]} · {percent(float(probabilities[index]))}"
        return f"predicted: {name}" if target == NONE else name

    _class_list(scene, "target", "Target class", scene.view.target, words, terms.TARGET, 220)


def class_filter(scene: Scene, field: str, label: str, value: int | None) -> None:
    """A class, or any."""

    def words(index: int) -> str:
        return "any class" if index == NONE else scene.model.classes[index]

    _class_list(scene, field, label, value, words, None, 140, part=1)


def sample_picker(sample: int, offered: Sequence[int]) -> None:
    """How many of the first test images are looked at; a number that the address has is among those on offer."""
    words = {count: f"{count:,}" for count in sorted({*offered, sample})}
    choice("sample", "Images", words, sample, "The first so many test images, which are in no particular order.")


def _class_list(
    scene: Scene,
    field: str,
    label: str,
    value: int | None,
    words: Callable[[int], str],
    help_text: str | None,
    width: int,
    **also: int,
) -> None:
    """A list of all classes after an entry for none; `also`: what else of the view changes with it."""

    def changed() -> None:
        chosen = st.session_state[field]
        change_view(**{field: None if chosen == NONE else chosen}, **also)

    follow(field, NONE if value is None else value)
    st.selectbox(
        label,
        (NONE, *range(len(scene.model.classes))),
        key=field,
        format_func=words,
        on_change=changed,
        help=help_text,
        width=width,
    )


def score_controls(scene: Scene) -> None:
    """What of the target class is explained: a contrast, evidence for or against, logit or probability."""
    view = scene.view

    def words(index: int) -> str:
        return "nothing" if index == NONE else scene.model.classes[index]

    changed = (view.minus, view.evidence, view.score) != PLAIN
    folded = st.expander("Contrast, evidence, score", changed, key="score-controls", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _class_list(scene, "minus", "Rather than", view.minus, words, terms.CONTRAST, 140)
        choice("evidence", "Evidence", {"for": "for", "against": "against"}, view.evidence, terms.EVIDENCE)
        choice("score", "Score", {"logit": "logit", "probability": "probability"}, view.score, terms.SCORE)
