"""The parts of the class browser: the thumbnails of the chosen images, the picked one, and the average of their maps."""

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.panel import Action, Panel
from dashboard.view import terms
from dashboard.view.address import bound, change_view
from dashboard.view.captions import grid_caption, image_caption, picture_words, target_caption
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.explained import map_panel, original_panel, overlay_panel
from dashboard.widgets.image_grid import Thumbnails, image_grid
from dashboard.widgets.job_run import left_out_words
from dashboard.widgets.page_links import page_links
from dashboard.widgets.pickers import part_picker, pick_image
from dashboard.widgets.selection import selected_images
from dashboard.widgets.stage import Row, Stage, show_stage
from dashboard.widgets.thumbnail_sprite import show_thumbnail_progress, sprite_of, while_they_come, without_unreadable
from explain_lib.base.words import fine
from explain_lib.networks.explainable import class_with_region
from explain_lib.networks.task_words import value_words
from explain_lib.passes.tasks import Task, is_by_place, segments
from explain_lib.pictures.sets import readable_places, subset

_EXPLORE = Action("opens it in the layer explorer", page="layer_explorer")
PART = 1000  # thumbnails at most at once
SIDE = 160


def chosen_images(scene: Scene) -> NDArray[np.int64]:
    """Positions of the images that the view's conditions leave and that can be read, in its order: int64 (K,)."""
    return without_unreadable(scene, selected_images(scene))


def show_thumbnails(scene: Scene, chosen: NDArray[np.int64]) -> None:
    """A thousand of the chosen images at once, and below them the average of all their maps."""
    part = _part(scene, chosen)
    show_thumbnail_progress(scene)
    while_they_come(scene, part, lambda: _grid(scene, part))
    _average(scene, chosen)


def _part(scene: Scene, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """The thousand of the chosen images that the address names."""
    parts = -(-len(chosen) // PART)
    if parts == 1:
        return chosen
    part = min(scene.view.part, parts)
    if part < scene.view.part:
        st.caption(f"This selection has no part {scene.view.part:,}; this is the last one.")
    part_picker(part, parts)
    start = (part - 1) * PART
    st.caption(f"Images {start + 1:,} to {min(start + PART, len(chosen)):,} of {len(chosen):,}")
    return chosen[start : start + PART]


def _grid(scene: Scene, chosen: NDArray[np.int64]) -> None:
    image_grid(sprite_of(scene, chosen), _thumbnails(scene, chosen), scene.view.image, partial(pick_image, scene))
    st.caption(
        f"Under each picture: its true class, then {_UNDER[scene.model.task]}. Click a picture, or move with the arrow keys "
        "and press Enter."
    )


_UNDER: dict[Task, str] = {
    "softmax": "the prediction with its confidence; ✓ right, ✗ wrong",
    "binary": "the prediction with its confidence; ✓ right, ✗ wrong",
    "sigmoid": "the strongest label with its probability; ✓ if it is the true class",
    "regression": "the network's number",
    "segmentation": "the class that covers most of it, with its share",
    "sigmoid-segmentation": "the label that covers most of it, with its share",
    "detection": "the class with the best box, with its score",
}


def _thumbnails(scene: Scene, chosen: NDArray[np.int64]) -> Thumbnails:
    found = scene.predictions
    return Thumbnails(
        chosen.astype(np.int32),
        scene.images.labels[chosen].astype(np.int32),
        found.predicted[chosen].astype(np.int32),
        *_confidences(found.confidence[chosen], scene.model.task),
        scene.images.classes,
        scene.model.classes,
        judged=scene.model.task != "regression" and not is_by_place(scene.model.task),
    )


def _confidences(values: NDArray[np.float32], task: Task) -> tuple[NDArray[np.uint8], list[str]]:
    """The words of confidences, with few of which all thumbnails get by, and the place of each image's own."""
    words, places = np.unique([value_words(value, task, 0) for value in np.nan_to_num(values)], return_inverse=True)
    return places.astype(np.uint8), words.tolist()


def show_picked(scene: Scene, chosen: NDArray[np.int64]) -> None:
    """The picked image with its map, and where it is when it is not among the thumbnails."""
    with st.container(horizontal=True, gap="small"):
        with st.container(width=2 * SIDE + 24):
            show_stage(picked_stage(scene))
        with st.container(width=SIDE, gap="small"):
            _say_picked(scene, chosen)


def picked_stage(scene: Scene) -> Stage:
    """The picked image and its map over it; a click on either opens the layer explorer."""
    view, layer = scene.view, scene.layer
    values = xl.grad_cam(scene.model, scene.seen[None], layer, scene.target)[layer]
    words = f"Grad-CAM of layer {layer} on {scene.name}"
    caption = f"Grad-CAM, {layer}, {grid_caption(values.grid)}. {placement_words(scene, layer)}"
    original = replace(
        original_panel(scene, SIDE), title="Picked", alt=f"{picture_words(scene, view.image)}, picked", action=_EXPLORE
    )
    over = replace(
        overlay_panel(scene, values.map[0], words, SIDE, centres=scene.centres(layer)),
        caption=caption,
        drawing=_unsigned(scene),
        action=_EXPLORE,
    )
    return Stage((Row((original, over)),), hint="A click opens the picture in the layer explorer.")


def _say_picked(scene: Scene, chosen: NDArray[np.int64]) -> None:
    """The picked image in words, its part, and where else it opens."""
    view = scene.view
    st.caption(image_caption(scene, view.image))
    places = np.flatnonzero(chosen == view.image)
    part = int(places[0]) // PART + 1 if len(places) else None
    if part is None:
        st.caption("This image is not among those shown.")
    elif part != min(view.part, -(-len(chosen) // PART)):
        st.button(f"Show part {part}, where this image is", on_click=change_view, kwargs={"part": part})
    page_links(view, "layer_explorer", "disagreement")


def _average(scene: Scene, chosen: NDArray[np.int64]) -> None:
    label = f"Average map of these {len(chosen):,} images"
    st.toggle(label, **bound("average", scene.view.average), help=terms.AVERAGE)
    if scene.view.average:
        _show_average(scene, chosen)


def _show_average(scene: Scene, chosen: NDArray[np.int64]) -> None:
    layer, place = scene.layer, st.empty()

    def progress(done: int) -> None:
        place.progress(done / len(chosen), f"Maps of {done:,} of {len(chosen):,} images at layer {layer}")

    target = scene.target_of_all
    progress(0)  # also takes away what an earlier selection had
    pixels = subset(scene.images.pixels, np.sort(chosen))
    mean = xl.average_map(scene.model, pixels, layer, target, progress=progress)
    with place.container():
        show_stage(Stage((Row(_average_panels(scene, mean, layer)),), key="stage-average"))
        st.caption(_average_words(scene, mean, target))
        index = class_with_region(scene.model, target)
        if index is not None:
            lacking = len(readable_places(pixels, np.arange(len(pixels)))) - mean.images
            if lacking:
                st.caption(left_out_words(scene.model, lacking, index))


def _average_panels(scene: Scene, mean: xl.AverageMap, layer: str) -> tuple[Panel, ...]:
    words = f"The mean map of {mean.images:,} images at layer {layer}"
    over = overlay_panel(scene, mean.map, words, SIDE, name="mean-overlay", centres=scene.centres(layer))
    itself = map_panel(scene, mean.map, "", SIDE, name="mean-map", centres=scene.centres(layer))
    picture = scene.shown(mean.picture)
    panels = (
        Panel("mean-picture", f"The mean of {mean.images:,} pictures", SIDE, title="Mean picture", picture=picture),
        replace(over, title="Mean map", caption=f"layer {layer}", help="", picture=picture, drawing=_unsigned(scene)),
        replace(itself, title="The mean map itself", caption=grid_caption((mean.map.shape[0], mean.map.shape[1])),
                help=terms.AVERAGE, drawing=_unsigned(scene)),
    )  # fmt: skip
    return tuple(replace(panel, place="mean") for panel in panels)


def _unsigned(scene: Scene) -> xl.Drawing:
    return replace(scene.drawing, signed=False)


def _average_words(scene: Scene, mean: xl.AverageMap, target: xl.Target | None) -> str:
    usual = f"each image's {scene.task_words.predicted} {scene.task_words.a_class}"
    if segments(scene.model.task):
        usual = "the class that covers most of each image, where it is predicted"
    if scene.model.task == "detection":
        usual = "the best box of each image"
    what = usual if target is None and scene.model.task != "regression" else target_caption(scene)
    words = f"{terms.AVERAGE} Explained: {what}. The mean ranges from {fine(mean.map.min())} to {fine(mean.map.max())}."
    if mean.zero:
        words += f" Zero everywhere and counted as zero: {_maps(mean.zero)}."
    if mean.not_finite:
        words += f" Not finite and left out: {_maps(mean.not_finite)}."
    placed = placement_words(scene, scene.layer)
    return f"{words} {placed} Drawn: {drawing_words(replace(scene.view, sign='positive', scale='map'))}"


def _maps(count: int) -> str:
    return f"{count:,} map{'' if count == 1 else 's'}"
