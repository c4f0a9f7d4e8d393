"""The slide of a view: the picked image, its map at the view's layer and target, and the two together, in words as on pages.

Pages that show something else have slides of their own.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import explain_lib as xl
from dashboard.topics.sides.side import Side
from dashboard.view.captions import grid_caption, image_caption, target_caption
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_drawing, chosen_layer
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import correlation_words, few_names
from explain_lib.networks.randomisation import chosen_steps, randomisation_steps
from explain_lib.pictures.rendering import Picture
from explain_lib.take_home.slide import Panel, Slide, map_panel, overlay_panel

if TYPE_CHECKING:  # what pages alone need is not imported for every page's foot
    from dashboard.topics.sanity.image import Check
    from dashboard.topics.walk.walk import Walk

FEW = 8
"""So many channels or modules are named; of more, how many there are."""


def view_slide(scene: Scene, reach: float | None = None) -> Slide:
    """Original, map with its colour bar, and overlay. reach: the end of the colours, None for the map's own."""
    view, layer = scene.view, chosen_layer(scene.view, scene.model)
    cam = scene.cache.grad_cam(scene.model, scene.picture[None], layer, scene.target)[layer]
    values = np.asarray((cam.signed if view.sign == "signed" else cam.map)[0])
    how = f"Grad-CAM at layer {layer}, {grid_caption(cam.grid)} cells · model {view.model}"
    return _map_slide(scene, values, _title(scene), how, reach)


def _map_slide(scene: Scene, values: Map, title: str, how: str, reach: float | None = None) -> Slide:
    """A map beside its picture and over it. how: the caption's last line."""
    drawing, grid = chosen_drawing(scene.view), (values.shape[0], values.shape[1])
    panels = (
        picture_panel(scene),
        map_panel("Map", values, drawing, reach, f"{grid_caption(grid)} cells, units of the {scene.target.score}"),
        overlay_panel("Overlay", scene.picture, values, drawing, reach),
    )
    caption = (*caption_lines(scene), how)
    return Slide(title, panels, caption, f"{title}. {_map_words(values)} {' '.join(caption)}")


def _title(scene: Scene) -> str:
    sees = "sees evidence against" if scene.target.sign == -1 else "looks for"
    return f"Where {scene.view.model} {sees} “{_target_words(scene)}”"


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


def walk_slide(walk: "Walk") -> Slide:
    """The usual slide, or while channels are switched off that of the sum over the others, which says so."""
    scene, off = walk.scene, walk.left_out
    if not off or not walk.has_numbers:
        return view_slide(scene)
    values = walk.signed if scene.view.sign == "signed" else walk.map
    title = f"{_title(scene)}, {len(off):,} of {walk.count:,} channels off"
    where = f"layer {walk.numbers.layer}, {grid_caption(walk.numbers.grid)} cells"
    how = f"{_off_words(off, walk.count)}, not Grad-CAM's map · {where}"
    return _map_slide(scene, values, title, how)


def _off_words(off: tuple[int, ...], count: int) -> str:
    """Which channels are off, or which are on where these are fewer."""
    on = [channel for channel in range(count) if channel not in set(off)]
    if not on:
        return "Every channel is switched off"
    if len(on) < len(off) and len(on) <= FEW:
        return f"The sum of {_channels(on)} alone"
    return f"The sum without {_channels(list(off))}"


def _channels(numbers: list[int]) -> str:
    if len(numbers) > FEW:
        return f"{len(numbers):,} channels"
    return f"channel{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def check_slide(check: "Check") -> Slide:
    """The picture, the map of the network as it is over it, and the map with layers randomised."""
    scene, shown = check.scene, check.shown
    explained = scene.model.classes[int(check.found.explained[0])]
    grid = grid_caption((check.found.maps.shape[2], check.found.maps.shape[3]))
    how = f"Explained: {explained} · Grad-CAM at layer {check.layer}, {grid} cells · model {scene.view.model}"
    if shown == 0:
        title, says = "The map before any layer is randomised", f"The network says {check.says(0)}"
        second = map_panel("Map", check.values(0), chosen_drawing(scene.view), None, f"{grid} cells")
        third = _check_panel(check, 0, "Overlay")
    else:
        after = _randomised(check)
        title = f"{after}: rank correlation of the maps {correlation_words(check.correlation(shown))}"
        says = f"Randomised: {_modules(check)}. The network then says {check.says(shown)}, before {check.says(0)}"
        second, third = _check_panel(check, 0, "Network as it is"), _check_panel(check, shown, after)
    caption = (caption_lines(scene)[0], says, how)
    return Slide(title, (picture_panel(scene), second, third), caption, f"{title}. {' '.join(caption)}")


def _check_panel(check: "Check", depth: int, name: str) -> Panel:
    values = check.values(depth)
    panel = overlay_panel(name, check.scene.picture, values, chosen_drawing(check.scene.view))
    state = map_state(values)
    if state is not MapState.VARIED:
        return replace(panel, below=f"the picture alone: the map is {state.value}")
    return replace(panel, below=f"{panel.below}, up to its own maximum")


def _randomised(check: "Check") -> str:
    """How much has forgotten, in a few words."""
    if check.scene.view.mode == "independent":
        return f"{check.found.steps[check.shown - 1]} alone randomised"
    return "1 layer randomised" if check.shown == 1 else f"{check.shown} layers randomised"


def _modules(check: "Check") -> str:
    steps = chosen_steps(randomisation_steps(check.scene.model), check.shown, check.scene.view.mode)
    return few_names([name for step in steps for name in step.modules], FEW)


def gallery_slide(scene: Scene, columns: Mapping[str, Picture], difference: float, drawing: str) -> Slide:
    """A row of the study's table: the picture, and its columns as they are drawn there. drawing: in words."""
    title = f"Two Grad-CAMs of one picture, {difference:.4f} apart on average"
    panels = (picture_panel(scene), *(Panel(name, picture) for name, picture in columns.items()))
    caption = (
        caption_lines(scene)[0],
        "Heatmap: the map on its own grid. GradCAM1: by hand. GradCAM2: by package. Both explain the predicted class",
        f"{drawing} · model {scene.view.model}",
    )
    return Slide(title, panels, caption, f"{title}. {' '.join(caption)}")
