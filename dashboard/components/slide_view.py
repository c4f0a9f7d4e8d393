"""The slide of a view: the picked image, its map at the view's layer and target, and the two together, in words as on pages."""

import re

import numpy as np

import explain_lib as xl
from dashboard.components.captions import grid_caption, image_caption, target_caption
from dashboard.components.scene import Scene
from dashboard.components.side import Side
from dashboard.view_state import chosen_drawing, chosen_layer
from explain_lib.layer_names import few_names
from explain_lib.maps import Map, MapState, map_state
from explain_lib.slide import Panel, Slide, map_panel, overlay_panel


def view_slide(scene: Scene, reach: float | None = None) -> Slide:
    """Original, map with its colour bar, and overlay. reach: the end of the colours, None for the map's own."""
    view, layer, drawing = scene.view, chosen_layer(scene.view, scene.model), chosen_drawing(scene.view)
    cam = scene.cache.grad_cam(scene.model, scene.picture[None], layer, scene.target)[layer]
    values = np.asarray((cam.signed if view.sign == "signed" else cam.map)[0])
    panels = (
        picture_panel(scene),
        map_panel("Map", values, drawing, reach, f"{grid_caption(cam.grid)} cells, units of the {scene.target.score}"),
        overlay_panel("Overlay", scene.picture, values, drawing, reach),
    )
    sees = "sees evidence against" if scene.target.sign == -1 else "looks for"
    title = f"Where {view.model} {sees} “{_target_words(scene)}”"
    caption = (*caption_lines(scene), f"Grad-CAM at layer {layer}, {grid_caption(cam.grid)} cells · model {view.model}")
    return Slide(title, panels, caption, f"{title}. {_map_words(values)} {' '.join(caption)}")


def picture_panel(scene: Scene) -> Panel:
    """The picked image by itself."""
    height, width = scene.picture.shape[:2]
    return Panel("Picture", scene.picture, below=f"{scene.name}, {height} × {width} pixels")


def caption_lines(scene: Scene) -> tuple[str, str]:
    """What the picture is and what the network says of it, and what is explained."""
    said = _unmarked(image_caption(scene, scene.view.image))
    return said[0].upper() + said[1:], f"Explained: {target_caption(scene)}"


def _target_words(scene: Scene) -> str:
    target, classes = scene.target, scene.model.classes
    return classes[target.index] if target.minus is None else f"{classes[target.index]} rather than {classes[target.minus]}"


def _unmarked(markdown: str) -> str:
    return re.sub(r"\\(\W)", r"\1", markdown)


def _map_words(values: Map) -> str:
    state = map_state(values)
    if state is not MapState.VARIED:
        return f"The map is {state.value}, and is not painted."
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return f"The map goes from {values.min():.3g} to {values.max():.3g}, largest at row {row}, column {column}, counted from 0."


def pair_slide(scene: Scene, a: Side, b: Side, drawing: xl.Drawing, reach: float) -> Slide:
    """Original, the maps of two sides on one scale that ends at `reach`, and b − a on a symmetric one of its own."""
    difference = np.asarray(b.values - a.values)
    signed = xl.Drawing(drawing.palette, signed=True)
    panels = (
        picture_panel(scene),
        map_panel(a.title, a.values, drawing, reach),
        map_panel(b.title, b.values, drawing, reach),
        map_panel("b − a", difference, signed, None, "red: b is above a"),
    )
    mean = float(np.abs(difference).mean())
    title = f"Two maps of one picture, {mean:.3f} apart on average"
    layers = "; ".join(
        f"{name} at {few_names(side.configuration.settings.layers or ())}" for name, side in (("a", a), ("b", b))
    )
    grid = grid_caption((difference.shape[0], difference.shape[1]))
    caption = (*caption_lines(scene), f"{layers}; {grid} cells · model {scene.view.model}")
    return Slide(title, panels, caption, f"{title}. {' '.join(caption)}")
