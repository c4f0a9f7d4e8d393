"""The line above every page: what is explained of which image, and by which network; all that is rare unfolds from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.frame.head import opened_line
from dashboard.frame.open_menu import open_menu
from dashboard.frame.settings_menu import settings_menu
from dashboard.frame.share import share_menu
from dashboard.view import terms
from dashboard.view.address import bound_by, change_view, current_view
from dashboard.view.captions import layer_words, score_words
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import layer_search, model_picker, target_picker
from dashboard.widgets.steps import LayerSteps, image_and_layer_steps, layer_changes


def _itself(scene: Scene) -> Scene:
    return scene


@dataclass(frozen=True)
class Line:
    """What the line offers on a page.

    target, layer: whether the page explains a class, and at a layer. score: whether it explains other scores than the class's
    own. drawing: whether it draws maps as the view says. modules: whether it shows the layers on offer. by: the scene that
    explains, where that is not the page's own.
    """

    target: bool = True
    layer: bool = True
    score: bool = True
    drawing: bool = True
    modules: bool = True
    by: Callable[[Scene], Scene] = _itself


EVERYTHING = Line()
"""The line of a page that explains a class at a layer of its own scene."""


def show_line(scene: Scene, images: Sequence[int] | None, layers: LayerSteps, line: Line) -> None:
    """Fill the line. images: those that are stepped through, None for all."""
    explained = line.by(scene)
    with opened_line():
        model_picker(scene)
        image_and_layer_steps(scene, images, layers)
        if line.target:
            _target(explained, with_score=line.score)
        if line.layer:
            _layer(layers, layer_words(explained.model))
        settings_menu(scene, images, explained.view, score=line.score, drawing=line.drawing, modules=line.modules)
        open_menu(scene)
        share_menu()
        _present()


def _target(scene: Scene, *, with_score: bool) -> None:
    st.html('<span class="explaining">explaining</span>', width="content")
    target_picker(scene)
    words = score_words(scene) if with_score else ""
    if words:
        st.caption(words, width="content")


def _layer(steps: LayerSteps, words: dict[str, str]) -> None:
    """The layer that is shown, in a list with ends of stages first; another one changes what a step to it would."""

    def write(layer: str | None) -> None:
        if layer in steps.layers:  # a quick press can send one of the list before
            change_view(**layer_changes(steps, str(layer)))

    known = {name: said for name, said in words.items() if name in steps.layers}
    names, search = layer_search(known | {name: name for name in steps.layers if name not in known})
    st.selectbox(
        "Layer",
        names,
        filter_mode=search,
        index=None if steps.several else 0,
        placeholder=steps.several or None,
        **bound_by("layer", None if steps.several else steps.shown, write),
        format_func=lambda name: words.get(name, name),
        help=terms.LAYER + terms.see("hook"),
        label_visibility="collapsed",
        width=180,
    )


def _present() -> None:
    present = current_view().present
    st.button(
        "Leave" if present else "Present",
        key="present",
        shortcut="P",
        help="Back to all controls" if present else "Only pictures and captions, large enough for the last row",
        on_click=lambda: change_view(present=not current_view().present),
    )
