"""Steps through the images and the layers: the arrow keys, wherever one is on the page, and the image's number.

The browser counts the presses and sends where they lead, so that none is lost while a page is drawn. What it sends has a
number, which goes back to it once the page that shows the answer stands.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard import ASSETS
from dashboard.scripts import script
from dashboard.view.address import change_view, current_view
from dashboard.view.captions import plain
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.view.view import CIFAR10, View, change
from dashboard.widgets.pickers import pick_image
from explain_lib.pictures.sets import LazyPixels

KEY = "steps"
AROUND = 50
"""How many image numbers before and after the shown one the browser gets, to show them as one steps through a selection."""
_ANSWERED = "_answered_step"
_STEPS = st.components.v2.component(
    KEY,
    html=(ASSETS / "steps.html").read_text(),
    css=(ASSETS / "steps.css").read_text(),
    js=script("steps"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class LayerSteps:
    """The layers that a page steps through, in forward order, the one that is shown, and what else changes with the layer.

    also: the other fields of the view that follow, made from the newest view and the layer's name. words: the effect of a step,
    said at the first one, where it is more than to show another layer. several: what is shown instead, in a few words, where
    that is not the one layer alone.
    """

    layers: Sequence[str]
    shown: str
    also: Callable[[View, str], dict[str, Value]] = lambda _, __: {}
    words: str = ""
    several: str = ""


def view_steps(scene: Scene) -> LayerSteps:
    """Steps through the layers on offer, from that of the view."""
    return LayerSteps(scene.offered_layers, scene.layer)


def side_steps(scene: Scene) -> LayerSteps:
    """Steps that put both sides of a comparison on one layer; where they stand on different ones, from that of the view."""
    layers = scene.model.spatial_layers
    named = {side.settings.layers for side in (scene.view.a, scene.view.b)} - {None}
    shown = next((layer for layer in layers if named == {(layer,)}), scene.layer)
    on_screen = {side.settings.layers or (scene.layer,) for side in (scene.view.a, scene.view.b)}
    several = "" if on_screen == {(shown,)} else "each side's own"
    return LayerSteps(layers, shown, _both_sides, "Puts both sides on this one layer", several)


def _both_sides(view: View, layer: str) -> dict[str, Value]:
    return {
        name: replace(side, settings=replace(side.settings, layers=(layer,))) for name, side in (("a", view.a), ("b", view.b))
    }


# Section: the component


def image_and_layer_steps(scene: Scene, among: Sequence[int] | None, layers: LayerSteps) -> None:
    """The image's number between one back and one on, 40 pixels high, and the arrow keys of the whole page.

    among: the images that are stepped through, None for all. A visitor's own picture has no number: layers only.
    """
    images = None if scene.is_own else _images(scene, among)

    def sent() -> None:
        _answer(_Sent.read(st.session_state[KEY]["to"]), scene, images, layers)

    data = {
        **({} if images is None else _image_data(scene, images)),
        "layers": list(layers.layers),
        "layer": layers.shown,
        "answered": answered(),
    }
    _STEPS(data=data, key=KEY, on_to_change=sent, width="content", height="content")


def answered() -> int:
    """The number of the last thing that the browser sent and that this session has answered; 0 for none."""
    return int(st.session_state.get(_ANSWERED, 0))


def random_image_button(scene: Scene, among: Sequence[int] | None) -> None:
    """A button to another image, by chance."""
    images = _images(scene, among)

    def pressed() -> None:
        image = _another(images, current_view().image)
        if image is not None:
            pick_image(scene, image)

    ended = _another(images, scene.view.image) is None
    st.button("Random", key="Random image", help="Random image", disabled=ended, on_click=pressed)


def _images(scene: Scene, among: Sequence[int] | None) -> Sequence[int]:
    return range(len(scene.images.pixels)) if among is None else among


def _another(images: Sequence[int], image: int) -> int | None:
    if len(images) == 0 or (len(images) == 1 and images[0] == image):
        return None
    while (found := random.choice(images)) == image:
        pass
    return found


def _image_data(scene: Scene, images: Sequence[int]) -> dict[str, object]:
    """The image, the last one of the set, the number of places to step through, and the numbers of those nearby."""
    image = scene.view.image
    place = images.index(image) if image in images else None
    return {
        "image": image,
        "last": len(scene.images.pixels) - 1,
        "name": "Test image" if scene.picture_set.address == CIFAR10 else "Image",
        "count": len(images),
        "place": place,
        "numbers": None if isinstance(images, range) else _nearby(images, place),
    }


def _nearby(images: Sequence[int], place: int | None) -> list[tuple[int, list[int]]]:
    """Places with the numbers of the images from there on: around the one shown, or at both ends if it is not among them."""
    if place is not None:
        start = max(place - AROUND, 0)
        return [(start, list(images[start : place + AROUND + 1]))]
    end = max(len(images) - AROUND, 0)
    return [(0, list(images[:AROUND])), (end, list(images[end:]))]


# Section: what the browser sends


@dataclass(frozen=True)
class _Sent:
    """Where the presses lead: a place among the images, the number there if it is known; a layer; a typed number."""

    number: int
    place: int | None
    image: int | None
    typed: int | None
    layer: str | None

    @staticmethod
    def read(value: object) -> "_Sent":
        """From the browser's JSON; what is of another kind counts as not sent."""
        found = value if isinstance(value, Mapping) else {}
        numbers = {name: found.get(name) for name in ("number", "place", "image", "typed")}
        whole = {name: value if type(value) is int else None for name, value in numbers.items()}
        layer = found.get("layer")
        return _Sent(
            whole["number"] or 0, whole["place"], whole["image"], whole["typed"], layer if isinstance(layer, str) else None
        )


def _answer(sent: _Sent, scene: Scene, images: Sequence[int] | None, layers: LayerSteps) -> None:
    """Show the image and the layer that the presses lead to."""
    st.session_state[_ANSWERED] = sent.number
    changes: dict[str, Value] = {}
    image = None if images is None else _sent_image(sent, images, len(scene.images.pixels) - 1)
    if image is not None and images is not None:
        changes |= {"image": _past_unreadable(scene, images, image), "pictures": scene.view.pictures}
    if sent.layer in layers.layers:
        changes |= layer_changes(layers, str(sent.layer))
    if changes:
        change_view(**changes)


def _sent_image(sent: _Sent, images: Sequence[int], last: int) -> int | None:
    """The image that was asked for, or the nearest there is; None if none was."""
    if sent.typed is not None:
        if not 0 <= sent.typed <= last:
            st.toast(f"There is no image {sent.typed:,}; images are numbered 0 to {last:,}.")
        return min(max(sent.typed, 0), last)
    if sent.image is not None and sent.image in images:
        return sent.image
    if sent.place is None or len(images) == 0:
        return None
    return images[min(max(sent.place, 0), len(images) - 1)]


def _past_unreadable(scene: Scene, images: Sequence[int], image: int) -> int:
    """The image, or on the way back the one before those that cannot be read: for them the next one would be shown again."""
    pixels = scene.images.pixels
    place = images.index(image) if image in images else 0
    while isinstance(pixels, LazyPixels) and place > 0 and image < scene.view.image and not pixels.is_readable(image):
        place -= 1
        image = images[place]
    return image


def layer_changes(steps: LayerSteps, layer: str) -> dict[str, Value]:
    """What a step to that layer changes; said where it is more than the layer."""
    view = current_view()
    also = steps.also(view, layer)
    if change(view, also) != view and steps.words:
        st.toast(f"{plain(layer)}. {plain(steps.words)}; Back undoes it.")
    return {"layer": layer, **also}
