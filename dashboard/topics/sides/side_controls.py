"""The widgets that set up one side of a comparison: its program, its layers, and every setting."""

from dataclasses import replace

import streamlit as st

import explain_lib as xl
from dashboard.topics.sides.cause_words import setting_words
from dashboard.topics.sides.side import PROGRAMS, possible_sides
from dashboard.view.address import Bound, bound_by, change_view, current_view
from dashboard.view.captions import layer_words
from dashboard.view.scene import Scene
from dashboard.view.view import View
from dashboard.widgets.pickers import layer_search
from explain_lib.cam.configuration import FREE_SETTINGS, SEVERAL_LAYERS, Program, fixed_settings, is_installed
from explain_lib.cam.other_programs import OPINIONS, how_to_install
from explain_lib.cam.settings import CHOICES

_HELP = {
    "layers": "None: the page's own layer. Several are merged by their mean.",
    "variant": "How activations are weighted: Grad-CAM (arXiv 1610.02391), HiResCAM (2011.08891), LayerCAM, Grad-CAM++.",
    "inplace_overwrites": "Use the values of a hook that does not copy the output, if an in-place ReLU follows the layer.",
    "inplace_gradient": "There, weight by the gradient of the values after the in-place ReLU, not of the layer's own output.",
    "channel_reduction": "Sum (the paper) or mean over the weighted channels; matters only where nothing is scaled.",
    "relu": "Drop negative evidence (equation 2).",
    "scale_over": "Divide by the largest value of this image's map, by the largest value that its weights give on the "
    "notebook's batch, by the largest value of the enlarged map, or not at all.",
    "subtract_minimum": "Subtract the minimum before dividing.",
    "epsilon": "Added to every divisor; the least divisor where the map is scaled once it is enlarged.",
    "placement": "Stretched over the picture, or each cell where it looks; outside the outermost cells the nearest one is "
    "repeated.",
    "resize": "How the map is enlarged to the size of the picture.",
    "rescale_after_merge": "Subtract the minimum and divide by the maximum once more, at the very end.",
    "exponent": "The power that the map is raised to at the end; torch-cam's overlay squares.",
}
_FIXED = {
    "package": "The package fixes everything except layers and variant; fixed settings are shown but cannot be changed.",
    "torch-cam": "torch-cam fixes everything except the layer; fixed settings are shown but cannot be changed.",
    "captum": "Captum fixes everything except the layer; fixed settings are shown but cannot be changed.",
    "ultralytics": "Ultralytics fixes everything except the layer; fixed settings are shown but cannot be changed. It makes "
    "LayerCAM, not Grad-CAM. On its own detectors it takes the maximum over the three layers before the head and over up to 16 "
    "predictions, each divided by its own maximum, and rounds to 256 steps for its picture; here it explains one target at one "
    "layer, before that rounding.",
}
_NO_LAYER = "the page's own layer"
_SWITCHES = ("relu", "subtract_minimum", "rescale_after_merge", "inplace_overwrites", "inplace_gradient")
_SHORT: dict[Program, str] = {**PROGRAMS, "manual": "by hand", "package": "grad-cam"}
_NUMBERS = {"epsilon": (0.0, "%.1e"), "exponent": (0.1, "%.2f")}


def side_controls(scene: Scene, letter: str) -> None:
    """Everything that can be chosen for side "a" or "b" of the view."""
    side = scene.view.side(letter)
    st.segmented_control(
        f"Side {letter}",
        [program for program in PROGRAMS if program == side.program or is_installed(program)],
        **bound_by(f"{letter}.program", side.program, lambda program: _choose_program(scene.model, letter, program)),
        format_func=_SHORT.__getitem__,
        required=True,
    )
    _missing_programs()
    if side.program in SEVERAL_LAYERS:
        _layers(scene, letter, side)
    else:
        _layer(scene, letter, side)
    free, settings = FREE_SETTINGS[side.program], side.settings
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for name, choices in CHOICES.items():
            shown = _bound_setting(scene.model, letter, name, getattr(settings, name))
            st.selectbox(setting_words(name), choices, **shown, help=_HELP[name], disabled=name not in free, width=150)
        for name, (least, form) in _NUMBERS.items():
            st.number_input(
                setting_words(name),
                min_value=least,
                value=None,
                step=None,
                format=form,
                **_bound_setting(scene.model, letter, name, float(getattr(settings, name))),
                help=_HELP[name],
                disabled=name not in free,
                width=120,
            )
    with st.container(horizontal=True, gap="medium"):
        for name in _SWITCHES:
            shown = _bound_setting(scene.model, letter, name, getattr(settings, name))
            st.toggle(setting_words(name), **shown, help=_HELP[name], disabled=name not in free)
    if side.program in _FIXED:
        st.caption(_FIXED[side.program])


def _missing_programs() -> None:
    """How to install the programs that are not offered."""
    for program in OPINIONS:
        if not is_installed(program):
            st.caption(f"{PROGRAMS[program]} can be compared too, once it is installed: `{how_to_install(program)}`")


def _choose_program(model: xl.Model, letter: str, program: Program) -> None:
    """Another program; the manual one starts from the last one's settings, so that it can be changed step by step."""
    view = possible_sides(current_view(), model)
    settings = view.side(letter).settings
    if settings.layers is not None and program not in SEVERAL_LAYERS:
        settings = replace(settings, layers=settings.layers[-1:])
    _write_side(view, letter, xl.Configuration(program, fixed_settings(program, settings)))


def _write_side(view: View, letter: str, side: xl.Configuration) -> None:
    """Another side, beside the other one as the view has it: what is on screen is what is changed."""
    change_view(**({"a": view.a, "b": view.b} | {letter: side}))


def _bound_setting(model: xl.Model, letter: str, name: str, shown: str | float) -> Bound:
    """A widget for one setting of the side; an emptied number keeps the setting."""

    def write(value: str | float | None) -> None:
        if value is not None:
            _change(model, letter, name, value)

    return bound_by(f"{letter}.{name}", shown, write)


def _change(model: xl.Model, letter: str, name: str, value: str | float | tuple[str, ...] | None) -> None:
    view = possible_sides(current_view(), model)
    side = view.side(letter)
    settings = xl.CamSettings(**(vars(side.settings) | {name: value}))
    _write_side(view, letter, replace(side, settings=settings))


def _layers(scene: Scene, letter: str, side: xl.Configuration) -> None:
    offered = layer_words(scene.model)
    shown = [name for name in side.settings.layers or () if name in offered]
    names, search = layer_search(offered)
    st.multiselect(
        f"Layers of {letter}",
        names,
        filter_mode=search,
        select_all=False,  # it would stand before the layer whose name is typed
        format_func=offered.__getitem__,
        **bound_by(f"{letter}.layers", shown, lambda names: _change(scene.model, letter, "layers", tuple(names) or None)),
        help=_HELP["layers"],
        placeholder=_NO_LAYER,
    )


def _layer(scene: Scene, letter: str, side: xl.Configuration) -> None:
    """The one layer of a program that takes no more."""
    offered = layer_words(scene.model)
    shown = next((name for name in side.settings.layers or () if name in offered), None)
    names, search = layer_search(offered)
    st.selectbox(
        f"Layer of {letter}",
        names,
        filter_mode=search,
        index=None,
        format_func=offered.__getitem__,
        **bound_by(
            f"{letter}.layer", shown, lambda name: _change(scene.model, letter, "layers", None if name is None else (name,))
        ),
        help="None: the page's own layer.",
        placeholder=_NO_LAYER,
    )
