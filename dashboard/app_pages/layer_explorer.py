"""Manual Grad-CAM on any layer, for any class."""

import streamlit as st

import explain_lib as xl
from dashboard.components.address import change_view
from dashboard.components.captions import grid_caption, image_caption, target_caption
from dashboard.components.map_card import CHART_CONFIG, MapCard, show_map
from dashboard.components.page import show_page
from dashboard.components.pickers import choice, image_picker, layer_picker, model_picker, offered_layers, target_picker
from dashboard.components.pictures import show_picture
from dashboard.components.scene import Scene
from dashboard.figures.class_figure import probabilities_figure
from dashboard.figures.map_figure import SIDE_MARGIN, sequential
from dashboard.view_state import Texture, chosen_layer
from explain_lib.maps import Map
from explain_lib.postprocess import resize_maps
from explain_lib.rendering import Picture, colour, enlarge, overlay, scale_to_peak
from explain_lib.settings import Resize

SIDE = 352
THUMBNAIL = 128
MODULES = {"conv": "conv layers", "all": "every layer with a grid"}
TEXTURES = {"grid": "the map's own cells", "smooth": "bilinear"}


def _draw(scene: Scene) -> None:
    _controls(scene)
    view, layer = scene.view, chosen_layer(scene.view, scene.model)
    picture = scene.images.pixels[view.image]
    cams = scene.cache.grad_cam(scene.model, picture[None], offered_layers(scene), view.target, between=scene.between)
    st.caption(
        f"{image_caption(scene, view.image)} · explained: {target_caption(scene)} · layer {layer}, "
        f"{grid_caption(cams[layer].grid)}"
    )
    _chosen(scene, picture, layer, cams[layer].map[0])
    _strip(scene, picture, cams)


def _controls(scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        image_picker(scene)
        layer_picker(scene, offered_layers(scene))
        target_picker(scene)
        model_picker(scene)
    with st.container(horizontal=True):
        choice("modules", "Layers on offer", MODULES, scene.view.modules)
        choice("texture", "Overlay drawn with", TEXTURES, scene.view.texture)


def _chosen(scene: Scene, picture: Picture, layer: str, values: Map) -> None:
    overlaid, numbers, classes = st.columns([1, 1.15, 1.1], gap="medium")
    with overlaid:
        st.markdown("**Overlay**")
        _overlay(picture, values, layer, scene.view.texture)
    with numbers:
        card = MapCard(
            "The map itself",
            "ReLU of the weighted sum of activations, in the units of the score; not scaled. Point at a cell to read it.",
            values,
            sequential(0, float(values.max()) or 1.0),
        )
        show_map(card, {"value": values}, "map", width=SIDE + 2 * SIDE_MARGIN)
    with classes:
        _probabilities(scene)


def _overlay(picture: Picture, values: Map, layer: str, texture: Texture) -> None:
    words = "smoothed bilinearly" if texture == "smooth" else "in its own cells"
    if xl.map_state(values) is xl.MapState.VARIED:
        show_picture(
            _mixed(picture, values, texture, SIDE),
            f"Half picture, half map {words}, magma; the map is divided by its maximum.",
            f"Overlay of the Grad-CAM map of layer {layer} on the picture",
            side=SIDE,
        )
    else:
        show_picture(picture, "The picture alone: this map has nothing to paint.", "The picture without a map", side=SIDE)


def _mixed(picture: Picture, values: Map, texture: Texture, side: int) -> Picture:
    """Half picture, half map; both enlarged to `side` pixels, the picture always without smoothing."""
    method: Resize = "torch-bilinear" if texture == "smooth" else "nearest"
    large = resize_maps(scale_to_peak(values)[None], (side, side), method)[0]
    return overlay(enlarge(picture, side, side), colour(large))


def _probabilities(scene: Scene) -> None:
    view, probabilities = scene.view, scene.predictions.probabilities[scene.view.image]
    target = int(scene.predictions.predicted[view.image]) if view.target is None else view.target
    true = int(scene.images.labels[view.image])
    st.markdown("**Class probabilities**")
    st.plotly_chart(
        probabilities_figure(scene.model.classes, probabilities, target=target, true=true),
        key="probabilities",
        config=CHART_CONFIG,
        alt=f"Probability of each class; {scene.model.classes[target]} is explained",
    )


def _strip(scene: Scene, picture: Picture, cams: xl.GradCams) -> None:
    st.subheader("All layers on offer, in the order of the forward pass", anchor=False)
    st.caption("Each map is divided by its own maximum. Choose a layer by the button under it.")
    chosen = chosen_layer(scene.view, scene.model)
    with st.container(horizontal=True, gap="small"):
        with st.container(width=THUMBNAIL + 8, gap="xsmall"):
            show_picture(picture, "the picture, 32 × 32", "The picture without a map", side=THUMBNAIL)
        for name in cams:
            with st.container(width=THUMBNAIL + 8, gap="xsmall"):
                _thumbnail(scene, picture, name, cams[name])
                st.button(
                    name,
                    key=f"choose-{name}",
                    type="primary" if name == chosen else "secondary",
                    on_click=change_view,
                    kwargs={"layer": name},
                    width="stretch",
                )


def _thumbnail(scene: Scene, picture: Picture, name: str, cam: xl.LayerCam) -> None:
    values = cam.map[0]
    state = xl.map_state(values)
    grid = grid_caption(cam.grid)
    if state is xl.MapState.VARIED:
        show_picture(
            _mixed(picture, values, scene.view.texture, THUMBNAIL), grid, f"Overlay of layer {name}, {grid}", side=THUMBNAIL
        )
    else:
        show_picture(picture, f"{grid}, {state.value}", f"Layer {name}: the map is {state.value}", side=THUMBNAIL)


show_page(
    "Layer explorer",
    "Where does the network look, and does the answer depend on where we hook it? Choose a layer and a class: Grad-CAM is "
    "computed anew.",
    _draw,
)
