"""The choice of the two Grad-CAMs that are compared: presets, the class that is explained, and every setting."""

import streamlit as st

import explain_lib as xl
from dashboard.topics.sides.side_controls import side_controls
from dashboard.view.address import bound_by, change_view
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.widgets.pickers import layer_picker, score_controls, target_picker
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE

SHARED = xl.Configuration("manual"), xl.Configuration("package", xl.package_settings(None))
PRESETS = {"notebook": (STUDY_MANUAL, STUDY_PACKAGE), "shared": SHARED}
OWN = "own"
PRESET_WORDS = {"notebook": "as in the notebook", "shared": "on one shared layer", OWN: "as set up below"}


def show_sides(scene: Scene) -> bool:
    """The widgets for both sides; whether the model has the layers that they name. If not, that is said, with a way out."""
    _controls(scene)
    named = (*(scene.view.a.settings.layers or ()), *(scene.view.b.settings.layers or ()))
    lacking = [name for name in dict.fromkeys(named) if name not in scene.model.spatial_layers]
    if lacking:
        st.info(
            f"The two sides name layers ({plain(', '.join(lacking))}) that {scene.view.model} does not have. "
            "The two programs can be compared on one layer that both are given."
        )
        st.button("Compare on one shared layer", on_click=change_view, kwargs={"a": SHARED[0], "b": SHARED[1]})
    return not lacking


def _controls(scene: Scene) -> None:
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _presets(scene)
        target_picker(scene)
        if None in (view.a.settings.layers, view.b.settings.layers):
            layer_picker(scene, scene.model.spatial_layers)
    explained, sides = st.columns([1, 2], gap="small")
    with explained:
        score_controls(scene)
    with sides:
        folded = st.expander("Set up both sides", (view.a, view.b) not in PRESETS.values(), key="sides", on_change="rerun")
        if folded.open:  # what is out of sight is not built
            with folded:
                st.button("Swap a and b", on_click=change_view, kwargs={"a": view.b, "b": view.a})
                for column, letter in zip(st.columns(2, gap="large"), ("a", "b"), strict=True):
                    with column:
                        side_controls(scene, letter)


def _presets(scene: Scene) -> None:
    pair = scene.view.a, scene.view.b
    chosen = next((name for name, preset in PRESETS.items() if preset == pair), OWN)

    def write(name: str) -> None:
        if name in PRESETS:
            change_view(a=PRESETS[name][0], b=PRESETS[name][1])

    st.segmented_control(
        "Compare",
        (*PRESETS, OWN) if chosen == OWN else tuple(PRESETS),
        **bound_by("setup", chosen, write),
        format_func=PRESET_WORDS.__getitem__,
        required=True,
        help="As the study called the two programs, or both on the same layer and each scaled by itself. “Set up both sides” "
        "changes every setting.",
    )
