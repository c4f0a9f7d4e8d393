"""The widgets that set up one side of a comparison: its program, its layers, and every setting."""

from dataclasses import replace

import streamlit as st

import explain_lib as xl
from dashboard.components.address import change_view, current_view, follow
from dashboard.components.scene import Scene
from dashboard.components.side_words import PROGRAMS
from explain_lib.configuration import PACKAGE_CHOICES
from explain_lib.settings import CHOICES

_HELP = {
    "layers": "None: the layer that is chosen for the page. Several are merged by their mean.",
    "variant": "How activations are weighed: Grad-CAM (arXiv 1610.02391), HiResCAM (2011.08891), LayerCAM, Grad-CAM++.",
    "inplace_overwrites": "Use what a hook holds that does not copy the output, where an in-place ReLU follows the layer.",
    "channel_reduction": "Sum (the paper) or mean over the weighted channels; matters only where nothing is scaled.",
    "relu": "Drop negative evidence (equation 2).",
    "scale_over": "Divide by the largest value of this image's map, or of its weights' maps on the notebook's batch, or not.",
    "subtract_minimum": "Subtract the minimum before dividing.",
    "epsilon": "Added to every divisor.",
    "resize": "How the map is brought to the size of the picture.",
    "rescale_after_merge": "Once more less the minimum, by the maximum, at the very end.",
    "exponent": "The power that the map is raised to at the end; torch-cam's overlay squares.",
}
_SWITCHES = ("relu", "subtract_minimum", "rescale_after_merge", "inplace_overwrites")
_NUMBERS = {"epsilon": (0.0, "%.1e"), "exponent": (0.1, "%.2f")}


def side_controls(scene: Scene, letter: str) -> None:
    """Everything that can be chosen for side "a" or "b" of the view."""
    side: xl.Configuration = getattr(scene.view, letter)
    key = f"{letter}.program"
    follow(key, side.program)
    st.segmented_control(
        f"Side {letter}",
        tuple(PROGRAMS),
        key=key,
        format_func=PROGRAMS.__getitem__,
        required=True,
        on_change=_choose_program,
        args=(letter,),
    )
    _layers(scene, letter, side)
    fixed = side.program == "package"
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for name, choices in CHOICES.items():
            _choice(letter, name, choices, side, fixed and name not in PACKAGE_CHOICES)
        for name, (least, form) in _NUMBERS.items():
            _number(letter, name, least, form, side, fixed)
    with st.container(horizontal=True, gap="medium"):
        for name in _SWITCHES:
            _switch(letter, name, side, fixed)
    if fixed:
        st.caption("The package fixes everything but layers and variant; what it fixes is shown and cannot be changed.")


def _choose_program(letter: str) -> None:
    """Another program; the manual one starts from the package's settings, so that it can be changed step by step."""
    side: xl.Configuration = getattr(current_view(), letter)
    settings = side.settings
    if st.session_state[f"{letter}.program"] == "package":
        change_view(**{letter: xl.Configuration("package", xl.package_settings(settings.layers, settings.variant))})
    else:
        change_view(**{letter: xl.Configuration("manual", settings)})


def _change(letter: str, name: str) -> None:
    value = st.session_state[f"{letter}.{name}"]
    if name == "layers":
        value = tuple(value) or None
    side: xl.Configuration = getattr(current_view(), letter)
    if value is not None or name == "layers":  # an emptied number keeps the setting
        change_view(**{letter: replace(side, settings=replace(side.settings, **{name: value}))})


def _layers(scene: Scene, letter: str, side: xl.Configuration) -> None:
    key = f"{letter}.layers"
    offered = scene.model.spatial_layers
    follow(key, [name for name in side.settings.layers or () if name in offered])
    st.multiselect(
        f"Layers of {letter}",
        offered,
        key=key,
        on_change=_change,
        args=(letter, "layers"),
        help=_HELP["layers"],
        placeholder="the layer chosen for the page",
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _choice(letter: str, name: str, choices: tuple[str, ...], side: xl.Configuration, fixed: bool) -> None:
    key = f"{letter}.{name}"
    follow(key, getattr(side.settings, name))
    st.selectbox(
        _words(name), choices, key=key, on_change=_change, args=(letter, name), help=_HELP[name], disabled=fixed, width=150
    )


def _number(letter: str, name: str, least: float, form: str, side: xl.Configuration, fixed: bool) -> None:
    key = f"{letter}.{name}"
    follow(key, float(getattr(side.settings, name)))
    st.number_input(
        _words(name),
        min_value=least,
        value=None,
        step=None,
        format=form,
        key=key,
        on_change=_change,
        args=(letter, name),
        help=_HELP[name],
        disabled=fixed,
        width=120,
    )


def _switch(letter: str, name: str, side: xl.Configuration, fixed: bool) -> None:
    key = f"{letter}.{name}"
    follow(key, getattr(side.settings, name))
    st.toggle(_words(name), key=key, on_change=_change, args=(letter, name), help=_HELP[name], disabled=fixed)
