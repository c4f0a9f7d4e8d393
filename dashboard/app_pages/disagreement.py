"""Manual against package for one image, pixel by pixel."""

from dataclasses import dataclass
from math import isnan

import streamlit as st

import explain_lib as xl
from dashboard.components.address import change_view
from dashboard.components.captions import image_caption, target_caption
from dashboard.components.map_card import NO_DIFFERENCE, MapCard, show_map
from dashboard.components.page import show_page
from dashboard.components.pickers import choice, image_picker, layer_picker, model_picker, target_picker
from dashboard.components.pictures import show_picture
from dashboard.components.scene import Scene
from dashboard.components.study import STUDY_LAYERS, has_study_layers
from dashboard.figures.map_figure import diverging, sequential
from dashboard.view_state import chosen_layer
from explain_lib.dataset import study_batch
from explain_lib.maps import Map
from explain_lib.rendering import Picture

CARD_WIDTH = 280
SETUPS = {"notebook": "As in the notebook", "shared": "On one shared layer"}


@dataclass(frozen=True)
class Sides:
    """The two maps (H, W) of the image, and how each was made."""

    a: Map
    b: Map
    how_a: str
    how_b: str


def _draw(scene: Scene) -> None:
    _controls(scene)
    if scene.view.setup == "notebook" and not has_study_layers(scene.model):
        _offer_shared(scene)
        return
    sides = _notebook_sides(scene) if scene.view.setup == "notebook" else _shared_sides(scene)
    comparison = xl.compare(sides.a, sides.b)
    st.caption(f"{image_caption(scene, scene.view.image)} · explained: {target_caption(scene)}")
    _numbers(scene, comparison)
    under_pointer = {"a": sides.a, "b": sides.b, "b − a": comparison.difference}
    with st.grid(min_column_width=CARD_WIDTH, gap="small"):
        for key, card in _cards(sides, comparison).items():
            with st.container():
                show_map(card, under_pointer, key)


def _offer_shared(scene: Scene) -> None:
    st.info(
        f"The study's calls name layers ({', '.join(STUDY_LAYERS)}) that {scene.view.model} does not have. "
        "The two programs can be compared on one layer that both are given."
    )
    st.button("Compare on one shared layer", on_click=change_view, kwargs={"setup": "shared"})


def _cards(sides: Sides, comparison: xl.Comparison) -> dict[str, MapCard]:
    signed, size, peak = comparison.difference, abs(comparison.difference), comparison.max_abs or 1.0
    which = "Red: b is brighter. Blue: a is brighter. White: they agree. The range ends at the largest difference."
    how_far = "How far apart the two are, whichever is brighter. The range ends at the largest difference."
    return {
        "map-a": MapCard("a · manual Grad-CAM", sides.how_a, sides.a, sequential(0, 1)),
        "map-b": MapCard("b · package grad-cam", sides.how_b, sides.b, sequential(0, 1)),
        "map-signed": MapCard("b − a · signed difference", which, signed, diverging(signed), NO_DIFFERENCE),
        "map-size": MapCard("|b − a| · absolute difference", how_far, size, sequential(0, peak), NO_DIFFERENCE),
    }


def _controls(scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choice(
            "setup",
            "Compare",
            SETUPS,
            scene.view.setup,
            "As the study called the two programs, or both on the same layer and each scaled by itself.",
        )
        image_picker(scene)
        target_picker(scene)
        if scene.view.setup == "shared":
            layer_picker(scene, scene.model.spatial_layers)
        model_picker(scene)


def _notebook_sides(scene: Scene) -> Sides:
    batch, place = _study_batch(scene)
    target = scene.view.target
    manual, package = xl.NOTEBOOK_MANUAL, xl.NOTEBOOK_PACKAGE
    a = scene.cache.heatmap(scene.model, batch, manual, target, between=scene.between)[place]
    b = scene.cache.package_grad_cam(scene.model, batch, package.layers or (), target, between=scene.between)[place]
    first = scene.view.image - place
    images = f"images {first} to {first + len(batch) - 1}"
    return Sides(
        a,
        b,
        f"Layer relu2, mean over channels, cut at zero, divided by the largest value that this image's weights give on any "
        f"image of the notebook's batch ({images}), enlarged bilinearly.",
        f"Layers {', '.join(package.layers or ())}: each cut at zero, scaled to 0 … 1, enlarged bilinearly; the mean of them, "
        "scaled again.",
    )


def _study_batch(scene: Scene) -> tuple[Picture, int]:
    batch = study_batch(scene.view.image)
    return scene.images.pixels[batch], scene.view.image - batch.start


def _shared_sides(scene: Scene) -> Sides:
    layer = chosen_layer(scene.view, scene.model)
    pixels = scene.images.pixels[scene.view.image : scene.view.image + 1]
    settings = xl.CamSettings(layers=(layer,))
    a = scene.cache.heatmap(scene.model, pixels, settings, scene.view.target, between=scene.between)[0]
    b = scene.cache.package_grad_cam(scene.model, pixels, layer, scene.view.target, between=scene.between)[0]
    return Sides(
        a,
        b,
        f"Layer {layer}, sum over channels, cut at zero, divided by its maximum, enlarged bilinearly.",
        f"Layer {layer}, sum over channels, cut at zero, less its minimum, divided by its maximum, enlarged bilinearly, and "
        "scaled to 0 … 1 once more: enlarging lowers peaks, and only the package makes up for it.",
    )


def _numbers(scene: Scene, comparison: xl.Comparison) -> None:
    image = scene.view.image
    row, column = divmod(int(abs(comparison.difference).argmax()), comparison.difference.shape[1])
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        show_picture(scene.images.pixels[image], "", f"Test image {image}", side=128)
        st.metric(
            "Mean absolute difference",
            f"{comparison.mae:.4f}",
            help="The mean over all pixels of |b − a|; both maps lie between 0 and 1. 0 means that they are the same.",
            width="content",
        )
        st.metric(
            f"Largest, at row {row}, column {column}" if comparison.max_abs > 0 else "Largest difference",
            f"{comparison.max_abs:.4f}",
            help="The largest |b − a| of any pixel. 0 means that the maps are the same.",
            width="content",
        )
        st.metric(
            "Pearson correlation",
            "not defined" if isnan(comparison.pearson) else f"{comparison.pearson:.4f}",
            help="1: the maps rise and fall together. 0: unrelated. −1: opposite. Not defined where a map is constant.",
            width="content",
        )


show_page(
    "Disagreement",
    "Two programs, one picture: where manual Grad-CAM and the package grad-cam differ, pixel by pixel. "
    "Point at a map to read both values.",
    _draw,
)
