"""Manual Grad-CAM on any layer, for any class; two models or two images side by side."""

from dataclasses import asdict, dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.class_figure import probabilities_figure, probabilities_words, shown_words
from dashboard.figures.map_figure import SIDE_MARGIN, diverging, sequential
from dashboard.frame.check_up import show_check_up
from dashboard.frame.page import show_page
from dashboard.topics.explorer.contrast import show_contrast
from dashboard.view import terms
from dashboard.view.address import bound, change_view, current_view
from dashboard.view.captions import grid_caption, image_caption, picture_words, plain, target_caption, target_name
from dashboard.view.record import TakeHome, arrays_file, offer, settings_file
from dashboard.view.scene import Scene
from dashboard.view.slide import view_slide
from dashboard.view.snippets import Explained, explorer_snippet
from dashboard.view.view import chosen_drawing, chosen_layer
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import drawing_controls, drawing_words
from dashboard.widgets.map_card import MapCard, overlay_or_picture, show_map, show_overlay
from dashboard.widgets.pickers import (
    choice,
    layer_picker,
    model_words,
    modules_picker,
    number_picker,
    offered_models,
    score_controls,
    target_picker,
)
from dashboard.widgets.pictures import show_picture
from explain_lib.base.maps import Map
from explain_lib.pictures.rendering import Picture, png

SIDE, SIDE_OF_TWO = 288, 256
PROBABILITIES = 312
THUMBNAIL = 128
BESIDE = {"nothing": "nothing", "image": "another image", "model": "another model"}


@dataclass(frozen=True)
class Panel:
    """One picture explained: the scene that names it, its maps at all layers on offer, and the chosen layer."""

    scene: Scene
    cams: xl.GradCams
    layer: str

    def values(self, layer: str) -> Map:
        """The map of a layer, with its sign or above zero only, as the view says."""
        cam = self.cams[layer]
        return np.asarray((cam.signed if self.scene.view.sign == "signed" else cam.map)[0])


def _draw(scene: Scene) -> None:
    _controls(scene)
    panels = [_panel(one) for one in _scenes(scene)]
    reach = _common_reach(panels) if scene.view.scale == "strip" else None
    if len(panels) == 1:
        _one(panels[0], reach)
    else:
        for column, panel, key in zip(st.columns(2, gap="medium"), panels, ("left", "right"), strict=True):
            with column:
                _one_of_two(panel, reach, key)
    st.header("All layers on offer, in the order of the forward pass", anchor=False, help=terms.LAYER)
    st.caption(f"Choose a layer by the button under its map. {drawing_words(scene.view)}")
    for number, panel in enumerate(panels):
        _strip(panel, reach, number)
    show_contrast(panels[0].scene, panels[0].layer)
    show_check_up(scene)
    _take_home(panels, reach)


def _controls(scene: Scene) -> None:
    view = scene.view
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer_picker(scene, scene.offered_layers)
        modules_picker(view)
        target_picker(scene)
        choice("beside", "Side by side with", BESIDE, view.beside, "The same settings on another image, or on another model.")
        if view.beside == "image":
            _other_image(scene)
        if view.beside == "model":
            _other_model(scene)
    explained, drawn = st.columns(2, gap="small")
    with explained:
        score_controls(scene)
    with drawn:
        drawing_controls(view)


def _other_image(scene: Scene) -> None:
    last = len(scene.of_set().images.labels) - 1
    number_picker("other_image", "The other image", scene.view.other_image, last)


def _other_model(scene: Scene) -> None:
    st.selectbox(
        "The other model",
        offered_models(scene),
        **bound("other_model", scene.view.other_model),
        format_func=lambda name: model_words(scene, name),
        width=400,
    )


def _scenes(scene: Scene) -> list[Scene]:
    match scene.view.beside:
        case "nothing":
            return [scene]
        case "image":
            return [scene, scene.with_image(scene.view.other_image)]
        case "model":
            return [scene, scene.with_model(scene.view.other_model)]


def _panel(scene: Scene) -> Panel:
    cams = scene.cache.grad_cam(scene.model, scene.picture[None], scene.offered_layers, scene.target, between=scene.between)
    return Panel(scene, cams, chosen_layer(scene.view, scene.model))


def _common_reach(panels: list[Panel]) -> float:
    """The largest finite magnitude in any map on the page."""
    maps = [panel.values(name) for panel in panels for name in panel.cams]
    return max((float(np.abs(values).max()) for values in maps if np.isfinite(values).all()), default=0.0)


def _what(panel: Panel) -> str:
    view = panel.scene.view
    grid = grid_caption(panel.cams[panel.layer].grid)
    return (
        f"{view.model} · {image_caption(panel.scene, view.image)} · explained: {target_caption(panel.scene)} · "
        f"layer {panel.layer}, {grid}"
    )


def _one(panel: Panel, reach: float | None) -> None:
    st.caption(_what(panel))
    with st.container(horizontal=True, gap="small"):
        with st.container(width=SIDE):
            st.markdown("**The picture**")
            words = picture_words(panel.scene, panel.scene.view.image)
            show_picture(
                panel.scene.picture, f"{panel.scene.picture.shape[1]} × {panel.scene.picture.shape[0]} pixels", words, SIDE
            )
        with st.container(width=SIDE):
            _overlay(panel, reach, SIDE)
        with st.container(width=SIDE + 2 * SIDE_MARGIN):
            _numbers(panel, reach, "map", SIDE + 2 * SIDE_MARGIN)
        with st.container(width=PROBABILITIES):
            _probabilities(panel.scene, "probabilities")


def _one_of_two(panel: Panel, reach: float | None, key: str) -> None:
    with st.container(border=True):
        st.caption(_what(panel))
        if panel.scene.view.layer not in (None, panel.layer):
            st.caption(f"{panel.scene.view.model} has no layer {panel.scene.view.layer}: its last conv layer is shown.")
        if panel.scene.view.target is None and current_view().target is not None:
            st.caption(f"{panel.scene.view.model} has other classes: what it predicts is explained.")
        with st.container(horizontal=True, gap="small"):
            with st.container(width=SIDE_OF_TWO):
                _overlay(panel, reach, SIDE_OF_TWO)
            with st.container(width=SIDE_OF_TWO + 2 * SIDE_MARGIN):
                _numbers(panel, reach, f"map-{key}", SIDE_OF_TWO + 2 * SIDE_MARGIN)
        _probabilities(panel.scene, f"probabilities-{key}")


def _overlay(panel: Panel, reach: float | None, side: int) -> None:
    view = panel.scene.view
    st.markdown("**Overlay**", help=terms.OVERLAY)
    words = f"Grad-CAM of layer {panel.layer} on {panel.scene.name}"
    show_overlay(panel.scene.picture, panel.values(panel.layer), chosen_drawing(view), reach, words, side, drawing_words(view))


def _numbers(panel: Panel, reach: float | None, key: str, width: int) -> None:
    values, view = panel.values(panel.layer), panel.scene.view
    top = float(np.abs(values).max()) if reach is None else reach
    signed = view.sign == "signed"
    scale = diverging(top or 1.0) if signed else sequential(0, top or 1.0, view.palette)
    how = "The weighted sum" if signed else "ReLU of the weighted sum"
    caption = f"{how} of activations, in units of the score; not scaled. Point at a cell to read it."
    card = MapCard("The map itself", caption, values, scale, help=terms.MAP)
    show_map(card, {"value": values}, key, width=width)


def _probabilities(scene: Scene, key: str) -> None:
    view, target = scene.view, scene.target
    st.markdown("**Class probabilities**", help=terms.PROBABILITIES)
    show_chart(
        probabilities_figure(
            scene.model.classes,
            scene.probabilities,
            target=target.index,
            true=int(scene.images.labels[view.image]),
            minus=target.minus,
        ),
        key=key,
        alt=probabilities_words(scene.model.classes, scene.probabilities, target.index),
    )
    if shown_words(scene.model.classes):
        st.caption(shown_words(scene.model.classes))


def _strip(panel: Panel, reach: float | None, number: int) -> None:
    scene = panel.scene
    if scene.view.beside != "nothing":
        st.caption(f"{scene.view.model} · {plain(scene.name)}")
    with st.container(horizontal=True, gap="small"):
        with st.container(width=THUMBNAIL + 8, gap="xsmall"):
            show_picture(
                scene.picture, "the picture", f"{picture_words(scene, scene.view.image)}, without a map", side=THUMBNAIL
            )
        for name in panel.cams:
            with st.container(width=THUMBNAIL + 8, gap="xsmall"):
                grid = grid_caption(panel.cams[name].grid)
                words = f"layer {name}, {grid}"
                values = panel.values(name)
                show_overlay(scene.picture, values, chosen_drawing(scene.view), reach, words, THUMBNAIL, grid)
                _choose(panel, name, number)


def _choose(panel: Panel, name: str, number: int) -> None:
    st.button(
        name,
        key=f"choose-{name}" if number == 0 else f"choose-{name}-beside",
        type="primary" if name == panel.layer else "secondary",
        on_click=change_view,
        kwargs={"layer": name},
        width="stretch",
    )


def _drawn(panel: Panel, reach: float | None) -> Picture:
    """The overlay as the page shows it."""
    scene = panel.scene
    return overlay_or_picture(scene.picture, panel.values(panel.layer), chosen_drawing(scene.view), reach, SIDE)


def _arrays(panel: Panel, prefix: str) -> dict[str, NDArray[np.float32] | NDArray[np.uint8]]:
    cam = panel.cams[panel.layer]
    arrays = {"map": cam.map[0], "signed": cam.signed[0], "weights": cam.weights[0], "logits": panel.cams.logits[0]}
    return {f"{prefix}{name}": array for name, array in (arrays | {"picture": panel.scene.picture}).items()}


def _top(panel: Panel, reach: float | None) -> float:
    """The value that gets the last colour."""
    return reach if reach is not None else float(np.abs(panel.values(panel.layer)).max())


def _file_name(panel: Panel) -> str:
    scene = panel.scene
    return f"image{scene.view.image}-{scene.view.model}-{panel.layer}-{target_name(scene.target, scene.model.classes)}"


def _explained(panel: Panel, reach: float | None) -> Explained:
    scene, grid = panel.scene, panel.cams[panel.layer].grid
    words = target_caption(scene)
    pixels, file = scene.picture_set.snippet(scene.model), _file_name(panel)
    return Explained(scene.view, scene.target, words, panel.layer, grid, _top(panel, reach), file, pixels, scene.load_call)


def _details(panels: list[Panel], reach: float | None) -> dict[str, object]:
    """What the settings file says of the map, and of the one beside it."""
    first, *others = panels
    details: dict[str, object] = {"layer": first.layer, "grid": first.cams[first.layer].grid, "reach": _top(first, reach)}
    for other in others:
        scene = other.scene
        details["beside"] = {
            "model": {"name": scene.view.model, "digest": scene.model.digest},
            "image": scene.view.image,
            "target": asdict(scene.target),
            **_details([other], reach),
        }
    return details


def _take_home(panels: list[Panel], reach: float | None) -> None:
    scene = panels[0].scene
    prefixes = ("", "beside_")
    arrays = {
        name: array for panel, prefix in zip(panels, prefixes, strict=False) for name, array in _arrays(panel, prefix).items()
    }
    offer(
        TakeHome(
            name="-beside-".join(_file_name(panel) for panel in panels),
            picture=lambda: png(np.concatenate([_drawn(panel, reach) for panel in panels], axis=1)),
            arrays=lambda: arrays_file(arrays),
            settings=lambda: settings_file(scene.view, scene.model, scene.target, _details(panels, reach)),
            snippet=lambda: explorer_snippet([_explained(panel, reach) for panel in panels], SIDE),
        ),
        slide=lambda: view_slide(scene, reach),
    )


show_page("layer_explorer", _draw)
