"""The choice of the two Grad-CAMs that are compared: presets, the class that is explained, and every setting."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from dashboard.topics.sides.side import SHARED, lacking_layers, possible_scene, possible_sides
from dashboard.topics.sides.side_controls import side_controls
from dashboard.view.address import bound_by, change_view
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.steps import LayerSteps, side_steps
from explain_lib.base.words import few_names
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE

PRESETS = {"notebook": (STUDY_MANUAL, STUDY_PACKAGE), "shared": SHARED}
OWN = "own"
PRESET_WORDS = {"notebook": "as in the notebook", "shared": "on one shared layer", OWN: "as set up below"}


def say_stand_in(scene: Scene, possible: Scene) -> None:
    """A line where sides that the model can have stand in for those of the view."""
    if possible.view != scene.view:
        with st.container(key="stand-in"):
            st.caption(_stand_in_words(possible, lacking_layers(scene.view, scene.model)))


def _stand_in_words(possible: Scene, lacking: Sequence[str]) -> str:
    """The layers that the model lacks, and what stands in for them."""
    model, layer = plain(possible.view.model), plain(possible.layer)
    lacks = f"name {'a layer' if len(lacking) == 1 else 'layers'} that {model} does not have ({plain(few_names(lacking, 5))})"
    if (possible.view.a, possible.view.b) == SHARED:
        return f"The study's calls {lacks}: both programs use one shared layer instead, {layer}."
    on_page = [letter for letter in ("a", "b") if possible.view.side(letter).settings.layers is None]
    if not on_page:
        return f"The two sides {lacks}: they use the other layers that they name."
    which = "both are" if len(on_page) == 2 else f"side {on_page[0]} is"
    return f"The two sides {lacks}: {which} of {layer}, the layer chosen here."


def comparison_steps(scene: Scene) -> LayerSteps:
    """Steps that put both sides, as they are drawn, on one layer."""
    steps = side_steps(possible_scene(scene))
    return replace(steps, also=lambda view, layer: steps.also(possible_sides(view, scene.model), layer))


def set_up_sides(scene: Scene) -> None:
    """Every setting of both sides, folded."""
    view = scene.view
    folded = st.expander("Set up both sides", (view.a, view.b) not in PRESETS.values(), key="sides", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.button("Swap a and b", on_click=change_view, kwargs={"a": view.b, "b": view.a})
        for column, letter in zip(st.columns(2, gap="large"), ("a", "b"), strict=True):
            with column:
                side_controls(scene, letter)


def preset_picker(scene: Scene) -> None:
    """The pairs that are compared most often."""
    pair = scene.view.a, scene.view.b
    chosen = next((name for name, preset in PRESETS.items() if preset == pair), OWN)

    def write(name: str) -> None:
        if name in PRESETS:
            change_view(a=PRESETS[name][0], b=PRESETS[name][1])

    with st.container(key="in-sight-compare"):
        st.segmented_control(
            "Compare",
            (*PRESETS, OWN) if chosen == OWN else tuple(PRESETS),
            **bound_by("setup", chosen, write),
            format_func=PRESET_WORDS.__getitem__,
            required=True,
            help="The two programs as the study called them, or both on one layer, each scaled by itself. “Set up both "
            "sides” changes every setting.",
        )
