"""The layer before and the layer after, by a button and by the arrow keys, on every page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dashboard.view.address import change_view, current_view
from dashboard.view.captions import plain
from dashboard.view.field import Value
from dashboard.view.scene import Scene
from dashboard.view.view import View, change


@dataclass(frozen=True)
class LayerSteps:
    """The layers that a page steps through, in forward order, the one that is shown, and what else changes with the layer.

    also: the other fields of the view that follow, made from the newest view and the layer's name. words: the effect of a step,
    for the tooltip, where it is more than to show another layer.
    """

    layers: Sequence[str]
    shown: str
    also: Callable[[View, str], dict[str, Value]] = lambda _, __: {}
    words: str = ""


def view_steps(scene: Scene) -> LayerSteps:
    """Steps through the layers on offer, from that of the view."""
    return LayerSteps(scene.offered_layers, scene.layer)


def side_steps(scene: Scene) -> LayerSteps:
    """Steps that put both sides of a comparison on one layer; where they stand on different ones, from that of the view."""
    layers = scene.model.spatial_layers
    named = {side.settings.layers for side in (scene.view.a, scene.view.b)} - {None}
    shown = next((layer for layer in layers if named == {(layer,)}), scene.layer)
    return LayerSteps(layers, shown, _both_sides, "Puts both sides on this one layer")


def _both_sides(view: View, layer: str) -> dict[str, Value]:
    return {
        name: replace(side, settings=replace(side.settings, layers=(layer,))) for name, side in (("a", view.a), ("b", view.b))
    }


def show_layer_steps(steps: LayerSteps) -> None:
    """The buttons; each says in its tooltip where it leads."""
    with st.container(horizontal=True, vertical_alignment="bottom", width="content", gap="xsmall"):
        _step(steps, "Layer before", "Up", -1)
        _step(steps, "Layer after", "Down", 1)


def _step(steps: LayerSteps, label: str, key: str, by: int) -> None:
    """A button to another layer, counted from the newest view, so that presses during a run add up."""

    def pressed() -> None:
        view = current_view()
        name = _neighbour(steps, steps.shown if view == drawn else view.layer or steps.shown, by)
        if name is not None:
            also = steps.also(view, name)
            if change(view, also) != view and steps.words:
                st.toast(f"{plain(name)}. {plain(steps.words)}; Back undoes it.")
            change_view(layer=name, **also)

    drawn = current_view()
    there = _neighbour(steps, steps.shown, by)
    words = f"{there}. {steps.words}" if there is not None else f"There is none {label.removeprefix('Layer ')} {steps.shown}"
    st.button(label, key=label, shortcut=key, help=plain(words), disabled=there is None, on_click=pressed)


def _neighbour(steps: LayerSteps, name: str, by: int) -> str | None:
    place = steps.layers.index(name) + by if name in steps.layers else 0
    return steps.layers[place] if 0 <= place < len(steps.layers) else None
