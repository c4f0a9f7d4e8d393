"""The slide of a view: the picked image, its map at the view's layer and target, and the two together, in words as on pages.

Topics that show something else have slides of their own, made of the same parts.
"""

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.view.captions import bare, cells_caption, grid_caption, image_caption, target_caption
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_slice
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.sheets import Sheet
from explain_lib.base.words import listed, short
from explain_lib.networks.task_words import score_word
from explain_lib.take_home.slide import Panel, Slide, map_panel, overlay_panel


def view_slide(scene: Scene, reach: float | None = None) -> Slide:
    """Original, map with its colour bar, and overlay. reach: the end of the colours, None for the map's own."""
    if scene.model.sheet is not None:
        return _sheet_slide(scene, scene.model.sheet, reach)
    view, layer = scene.view, scene.layer
    cam = xl.grad_cam(scene.model, scene.seen[None], layer, scene.target)[layer]
    values = np.asarray((cam.signed if view.sign == "signed" else cam.map)[0])
    how = f"Grad-CAM at layer {layer}, {grid_caption(cam.grid)} cells · model {view.model}"
    return map_slide(scene, values, view_title(scene), how, reach)


def _sheet_slide(scene: Scene, sheet: Sheet, reach: float | None) -> Slide:
    """The slice that is shown of a volume, or the signal as one row, with its map on the scale of all slices."""
    layer, number = scene.layer, chosen_slice(scene.view, sheet)
    cam = xl.grad_cam(scene.model, scene.seen[None], layer, scene.target)[layer]
    slices = scene.model.find_layers(layer)[0].slices
    every = sheet.over_slices((cam.signed if scene.view.sign == "signed" else cam.map)[0], slices)
    picture, values = scene.picture.reshape(sheet.slices, *sheet.one, 3)[number], every[number]
    if not sheet.is_volume:
        picture, values = picture.repeat(_ROW, 0), values.repeat(_ROW, 0)
    where = f"slice {number} of 0 to {sheet.slices - 1}" if sheet.is_volume else f"{sheet.size[0]:,} samples"
    end = (reach or float(np.abs(every).max())) or None
    cells = f"{cells_caption(scene.model, layer)} cells, units of the {score_word(scene.target.score, scene.model.task)}"
    panels = (
        Panel("Slice" if sheet.is_volume else "Signal", picture, below=f"{scene.name}, {where}"),
        map_panel("Map", values, scene.drawing, end, cells),
        overlay_panel("Overlay", picture, values, scene.drawing, end, None),
    )
    caption = (*caption_lines(scene), f"Grad-CAM at layer {layer} · model {scene.view.model} · {where}")
    return Slide(view_title(scene), panels, caption, f"{view_title(scene)}. {_map_words(values)} {' '.join(caption)}")


_ROW = 32
"""So many pixels high a signal is drawn."""


def map_slide(scene: Scene, values: Map, title: str, how: str, reach: float | None = None) -> Slide:
    """A map at the view's layer beside its picture and over it. how: the caption's last line."""
    drawing, grid = scene.drawing, (values.shape[0], values.shape[1])
    unit = score_word(scene.target.score, scene.model.task)
    panels = (
        picture_panel(scene),
        map_panel("Map", values, drawing, reach, f"{grid_caption(grid)} cells, units of the {unit}"),
        overlay_panel("Overlay", scene.picture, values, drawing, reach, points(scene, scene.layer)),
    )
    caption = (*caption_lines(scene), how)
    return Slide(title, panels, caption, f"{title}. {_map_words(values)} {' '.join(caption)}")


def points(scene: Scene, layer: str) -> NDArray[np.float32] | None:
    """Where the cells of a layer are drawn, float32 (h, w, 2); None where they are stretched."""
    centres = scene.centres(layer)
    return None if centres is None else centres.points


def view_title(scene: Scene) -> str:
    """The title of a slide: the class that the network looks for."""
    target, classes = scene.target, scene.model.classes
    named = listed([classes[index] for index in target.raised])
    if scene.model.task == "regression":
        return f"Where {scene.view.model} sees what {'raises' if target.sign == 1 else 'lowers'} “{named}”"
    sees = "sees evidence against" if target.sign == -1 else "looks for"
    than = "" if target.minus is None else f" rather than {classes[target.minus]}"
    return f"Where {scene.view.model} {sees} “{named}{than}”"


def picture_panel(scene: Scene) -> Panel:
    """The picked image by itself."""
    height, width = scene.picture.shape[:2]
    return Panel("Picture", scene.picture, below=f"{scene.name}, {height} × {width} pixels")


def caption_lines(scene: Scene) -> tuple[str, str]:
    """Two lines: the picture with the network's prediction, and the target."""
    said = bare(image_caption(scene, scene.view.image))
    return said[0].upper() + said[1:], f"Explained: {target_caption(scene)}"


def _map_words(values: Map) -> str:
    state = map_state(values)
    if state is not MapState.VARIED:
        return f"The map is {state.value}, so it is not drawn."
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    reach = f"from {short(values.min())} to {short(values.max())}"
    return f"The map ranges {reach}, largest at row {row}, column {column}, counted from 0."
