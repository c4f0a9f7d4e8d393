"""A picture explained at all layers on offer, or two beside each other, and their files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.topics.explorer.cover_words import cover_details
from dashboard.view.captions import grid_caption, scene_caption, target_name
from dashboard.view.page_files import PageFiles, explained_code
from dashboard.view.scene import Scene
from dashboard.view.slide import points
from dashboard.view.view import cover_fill
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.cam.drawing import draw_on_whole, draw_overlay
from explain_lib.pictures.geometry import Box
from explain_lib.pictures.rendering import Picture, enlarge, png
from explain_lib.take_home.snippet import DrawnMap, maps_snippet


@dataclass(frozen=True)
class Explained:
    """One picture explained: the scene that names it, its maps at all layers on offer, and the chosen layer."""

    scene: Scene
    cams: xl.GradCams
    layer: str

    def values(self, layer: str) -> Map:
        """The map of a layer, with its sign or above zero only, as the view says."""
        cam = self.cams[layer]
        return np.asarray((cam.signed if self.scene.view.sign == "signed" else cam.map)[0])

    @property
    def effect(self) -> xl.CoverEffect | None:
        """What covering parts of the picture does, at the chosen layer; None where nothing is covered."""
        scene, view = self.scene, self.scene.view
        if view.cover is None or not scene.covers:
            return None
        fill = cover_fill(view)
        return xl.cover_effect(scene.model, scene.whole.seen, view.cover, fill, self.layer, scene.target, view.placement)


def make_panels(scene: Scene) -> list[Explained]:
    """The scene itself, and the layer, the picture or the model that the view sets beside it."""
    scenes = [scene]
    if scene.view.beside == "layer":
        scenes.append(replace(scene, view=replace(scene.view, layer=other_layer(scene))))
    elif scene.view.beside == "image":
        scenes.append(scene.with_image(scene.view.other_image))
    elif scene.view.beside == "model":
        scenes.append(scene.with_model(scene.view.other_model))
    return [Explained(one, xl.grad_cam(one.model, one.seen[None], one.offered_layers, one.target), one.layer) for one in scenes]


def other_layer(scene: Scene) -> str:
    """The layer beside the chosen one: that of the view, else the one before it on offer, or the one after the first."""
    offered = scene.offered_layers
    place = offered.index(scene.layer)
    return scene.view.other_layer or offered[place - 1 if place else min(1, len(offered) - 1)]


def panel_caption(panel: Explained) -> str:
    """The model, the picture, the target, and the layer with its grid."""
    return f"{scene_caption(panel.scene)} · layer {panel.layer}, {grid_caption(panel.cams[panel.layer].grid)}"


# Section: the whole picture


@dataclass(frozen=True)
class Whole:
    """A picture of which the network sees a part, or not in its proportions.

    picture: reduced for the screen, uint8 (h, w, 3). size: its own height and width. box: where the part lies in the reduced
    picture; None where that cannot be told.
    """

    picture: Picture
    size: tuple[int, int]
    box: Box | None


def whole_of(scene: Scene) -> Whole | None:
    """The whole of the picked image; None where the network sees all of it in its proportions."""
    found = scene.picture_set.whole(scene.view.image)
    if found is None:
        return None
    size = found.height, found.width
    box = scene.picture_set.intake(scene.model).box(size)
    rows, columns = scene.model.input_size
    if box == Box.whole(size) and rows * found.width == columns * found.height:
        return None
    reduced = found.preview.shape[0], found.preview.shape[1]
    return Whole(found.preview, size, None if box is None else box.scaled(reduced))


def draw_whole(panel: Explained, whole: Whole, reach: float | None) -> Picture | None:
    """The map over the whole picture, or that alone where there is nothing to paint; None where nobody can tell its place."""
    values, scene = panel.values(panel.layer), panel.scene
    if whole.box is None:
        return None
    if map_state(values) is not MapState.VARIED:
        nothing = replace(scene.drawing, strength=0, contour=False, border=False)
        return draw_on_whole(whole.picture, whole.box, np.zeros_like(values), nothing)
    return draw_on_whole(whole.picture, whole.box, values, scene.drawing, reach, scene.centres(panel.layer))


# Section: to take home


def panel_files(panels: Sequence[Explained], reach: float | None, side: int) -> PageFiles:
    """The files of the panels. reach: the common end of the colours, None for each map's own. side: of the picture."""
    arrays: dict[str, NDArray[np.float32] | NDArray[np.uint8]] = {}
    for prefix, panel in zip(("", "beside_"), panels, strict=False):
        arrays |= {f"{prefix}{name}": array for name, array in _arrays(panel).items()}
    return PageFiles(
        panels[0].scene,
        name="-beside-".join(_file_name(panel) for panel in panels),
        picture=lambda: png(np.concatenate([_drawn(panel, reach, side) for panel in panels], axis=1)),
        arrays=arrays,
        details=_details(panels, reach),
        snippet=lambda: maps_snippet([_drawn_map(panel, reach) for panel in panels], side),
    )


def _drawn(panel: Explained, reach: float | None, side: int) -> Picture:
    """The overlay as the page shows it; the picture alone where there is nothing to paint."""
    picture, values = panel.scene.picture, panel.values(panel.layer)
    if map_state(values) is not MapState.VARIED:
        return enlarge(picture, side, side)
    return draw_overlay(picture, values, panel.scene.drawing, side, reach, points(panel.scene, panel.layer))


def _own_reach(values: Map, reach: float | None) -> float:
    """The value that gets the last colour: the common one, or the map's own largest magnitude."""
    return float(np.abs(values).max()) if reach is None else reach


def _arrays(panel: Explained) -> dict[str, NDArray[np.float32] | NDArray[np.uint8]]:
    cam = panel.cams[panel.layer]
    return {
        "map": cam.map[0],
        "signed": cam.signed[0],
        "weights": cam.weights[0],
        "logits": panel.cams.logits[0],
        "picture": panel.scene.picture,
    }


def _file_name(panel: Explained) -> str:
    scene = panel.scene
    covered = "-covered" if scene.is_covered else ""
    return f"image{scene.view.image}-{scene.view.model}-{panel.layer}-{target_name(scene)}{covered}"


def _drawn_map(panel: Explained, reach: float | None) -> DrawnMap:
    grid, own = panel.cams[panel.layer].grid, _own_reach(panel.values(panel.layer), reach)
    placed = panel.scene.centres(panel.layer) is not None
    return DrawnMap(explained_code(panel.scene), panel.layer, grid, panel.scene.drawing, own, _file_name(panel), placed)


def _details(panels: Sequence[Explained], reach: float | None) -> dict[str, object]:
    """The settings of the map, and of the one beside it."""
    first, *others = panels
    details: dict[str, object] = {
        "layer": first.layer,
        "grid": first.cams[first.layer].grid,
        "reach": _own_reach(first.values(first.layer), reach),
    }
    if first.effect is not None:
        details["cover"] = cover_details(first.effect, cover_fill(first.scene.view))
    for other in others:
        scene = other.scene
        details["beside"] = {
            "model": {"name": scene.view.model, "digest": scene.model.digest},
            "image": scene.view.image,
            "target": scene.target.to_json(),
            **_details([other], reach),
        }
    return details
