"""Other methods of the package on the same layer: beside Grad-CAM, in numbers, and each a press away from side b."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.sides.completeness import show_completeness
from dashboard.topics.sides.plus_plus import plus_plus_warning, show_plus_plus
from dashboard.topics.sides.side import named_side
from dashboard.view import terms
from dashboard.view.address import bound, change_view
from dashboard.view.captions import layer_words, picture_words, plain
from dashboard.view.scene import Scene
from dashboard.widgets.explained import original_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words, fine, number
from explain_lib.cam.settings import Variant
from explain_lib.trust.ladder import OPINIONS

SIDE = 192
METHODS: Mapping[Variant, str] = {"grad-cam": "Grad-CAM", **OPINIONS}
"""The package's methods and their names, Grad-CAM first."""

_OF_B = ""
_PAPERS: Mapping[Variant, str] = {
    "grad-cam": "Each channel times its mean gradient (arXiv 1610.02391).",
    "hirescam": "Each activation times its own gradient, without averaging (arXiv 2011.08891).",
    "layercam": "The same with positive gradients only (10.1109/TIP.2021.3089943).",
    "grad-cam++": "Each channel times a weighted mean of its positive gradients (arXiv 1710.11063).",
}


def show_second_opinions(scene: Scene) -> None:
    """The section, folded and not computed unless the address asks for it."""
    view = scene.view
    other = {view.a.settings.variant, view.b.settings.variant} != {"grad-cam"}
    title = "Second opinions on the same layer: HiResCAM, LayerCAM, Grad-CAM++; do the cells add up to the logit?"
    folded = st.expander(title, other or view.opinion is not None, key="opinions", on_change="rerun")
    if not folded.open:
        return
    with folded:
        layer = view.opinion or _last_of_b(scene)
        _layer_picker(scene)
        warning = package_warning(scene.model, layer)
        if warning is not None:
            st.info(plain(warning))
        if "#" not in layer:
            _opinions(scene, layer)
        show_completeness(scene, layer)


def _last_of_b(scene: Scene) -> str:
    return (named_side(scene, "b").settings.layers or (scene.model.default_layer,))[-1]


def package_warning(model: xl.Model, layer: str) -> str | None:
    """Why the package's maps of a layer are missing or not to be believed; None where they are right."""
    if "#" in layer:
        return (
            f"{layer}: this module is called more than once in a pass. The package cannot tell the calls apart, so it gives "
            f"no second opinion; the sums below belong to this call alone."
        )
    if model.find_layers((layer,))[0].overwritten:
        return (
            f"{layer}: an in-place operation overwrites the output of this layer. The package keeps the overwritten values, "
            f"so its four maps do not belong to the layer; the sums below do."
        )
    return None


def _layer_picker(scene: Scene) -> None:
    words = {_OF_B: f"the last one of side b: {_last_of_b(scene)}", **layer_words(scene.model)}
    st.selectbox(
        "At layer",
        tuple(words),
        **bound("opinion", scene.view.opinion, none=_OF_B),
        format_func=words.__getitem__,
        help=terms.LAYER,
        width=320,
    )


def _opinions(scene: Scene, layer: str) -> None:
    pixels, target = scene.seen[None], scene.target
    maps = {name: xl.package_grad_cam(scene.model, pixels, layer, target, variant=name)[0] for name in METHODS}
    words = f"{picture_words(scene, scene.view.image)}, beside the methods' maps"
    original = replace(original_panel(scene, SIDE, "opinion-picture"), alt=words)
    panels = (original, *(_panel(scene, layer, name, values) for name, values in maps.items()))
    caption = "By the package itself, for the explained class, each from 0 (black) to 1 (light)."
    show_stage(Stage((Row(panels, caption=caption),), key="stage-opinions"))
    show_plus_plus(plus_plus_warning(scene.model, pixels, target, [xl.package_settings((layer,), "grad-cam++")], scene.name))
    _compare_buttons(layer)
    _pairs(maps)


def _panel(scene: Scene, layer: str, variant: Variant, values: Map) -> Panel:
    return Panel(
        f"opinion-{variant}", f"{METHODS[variant]} by the package at {layer}: {where_words(values)}", SIDE,
        title=METHODS[variant], help=_PAPERS[variant], values=values, reach=1.0, place=place_of(scene),
    )  # fmt: skip


def _compare_buttons(layer: str) -> None:
    """A press puts Grad-CAM on side a and another method on side b, both by the package: then only the method differs."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.caption("Compare the package's Grad-CAM (side a) at the same layer with", width="content")
        for variant in OPINIONS:
            settings = {"a": xl.package_settings((layer,)), "b": xl.package_settings((layer,), variant)}
            sides = {letter: xl.Configuration("package", one) for letter, one in settings.items()}
            st.button(METHODS[variant], key=f"compare-{variant}", on_click=change_view, kwargs=sides)


def _pairs(maps: Mapping[Variant, Map]) -> None:
    """The agreement of each two methods."""
    st.markdown("**How alike the methods are, two by two**")
    lines = ["| methods | Spearman | mean gap | IoU |", "|:--|--:|--:|--:|"]
    for first, second in combinations(maps, 2):
        cells = " | ".join(pair_numbers(maps[first], maps[second]))
        lines.append(f"| {METHODS[first]} and {METHODS[second]} | {cells} |")
    st.markdown("\n".join(lines), width="content")
    st.caption(
        "Spearman: the order of the pixels, 1 for the same. Mean gap: the mean absolute difference, 0 for equal maps. IoU: "
        "the overlap of their brightest fifths (20 %), 1 for all of it."
    )


def pair_numbers(a: Map, b: Map) -> tuple[str, str, str]:
    """Spearman correlation, mean absolute difference and IoU of two maps, in words where they are not defined."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return ("not finite",) * 3
    found = xl.compare(a, b)
    return correlation_words(found.spearman, 3), fine(found.mae, 4), number(found.iou)
