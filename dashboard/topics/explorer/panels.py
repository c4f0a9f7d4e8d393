"""What the layer explorer shows: one picture explained at all layers on offer, or two beside each other, and what of it can be
taken home.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.map_figure import overlay_or_picture, own_reach
from dashboard.view.captions import grid_caption, image_caption, target_caption, target_name
from dashboard.view.page_files import PageFiles, explained_code
from dashboard.view.scene import Scene
from explain_lib.base.maps import Map
from explain_lib.pictures.rendering import Picture, png
from explain_lib.take_home.snippet import DrawnMap, maps_snippet


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


def make_panels(scene: Scene) -> list[Panel]:
    """The scene itself, and the picture or the model that the view sets beside it."""
    return [_panel(one) for one in _scenes(scene)]


def _scenes(scene: Scene) -> list[Scene]:
    match scene.view.beside:
        case "nothing":
            return [scene]
        case "image":
            return [scene, scene.with_image(scene.view.other_image)]
        case "model":
            return [scene, scene.with_model(scene.view.other_model)]


def _panel(scene: Scene) -> Panel:
    cams = xl.grad_cam(scene.model, scene.picture[None], scene.offered_layers, scene.target)
    return Panel(scene, cams, scene.layer)


def what(panel: Panel) -> str:
    """What is explained: the model, the picture, the target, and the layer with its grid."""
    view = panel.scene.view
    grid = grid_caption(panel.cams[panel.layer].grid)
    return (
        f"{view.model} · {image_caption(panel.scene, view.image)} · explained: {target_caption(panel.scene)} · "
        f"layer {panel.layer}, {grid}"
    )


# Section: to take home


def panel_files(panels: Sequence[Panel], reach: float | None, side: int) -> PageFiles:
    """The files of the panels. reach: the common end of the colours, None for each map's own. side: of the picture."""
    prefixes = ("", "beside_")
    arrays = {
        name: array for panel, prefix in zip(panels, prefixes, strict=False) for name, array in _arrays(panel, prefix).items()
    }
    return PageFiles(
        panels[0].scene,
        name="-beside-".join(_file_name(panel) for panel in panels),
        picture=lambda: png(np.concatenate([_drawn(panel, reach, side) for panel in panels], axis=1)),
        arrays=arrays,
        details=_details(panels, reach),
        snippet=lambda: maps_snippet([_drawn_map(panel, reach) for panel in panels], side),
    )


def _drawn(panel: Panel, reach: float | None, side: int) -> Picture:
    """The overlay as the page shows it."""
    scene = panel.scene
    return overlay_or_picture(scene.picture, panel.values(panel.layer), scene.drawing, reach, side)


def _arrays(panel: Panel, prefix: str) -> dict[str, NDArray[np.float32] | NDArray[np.uint8]]:
    cam = panel.cams[panel.layer]
    arrays = {"map": cam.map[0], "signed": cam.signed[0], "weights": cam.weights[0], "logits": panel.cams.logits[0]}
    return {f"{prefix}{name}": array for name, array in (arrays | {"picture": panel.scene.picture}).items()}


def _file_name(panel: Panel) -> str:
    scene = panel.scene
    return f"image{scene.view.image}-{scene.view.model}-{panel.layer}-{target_name(scene)}"


def _drawn_map(panel: Panel, reach: float | None) -> DrawnMap:
    scene, grid = panel.scene, panel.cams[panel.layer].grid
    drawing = scene.drawing
    return DrawnMap(
        explained_code(scene), panel.layer, grid, drawing, own_reach(panel.values(panel.layer), reach), _file_name(panel)
    )


def _details(panels: Sequence[Panel], reach: float | None) -> dict[str, object]:
    """What the settings file says of the map, and of the one beside it."""
    first, *others = panels
    details: dict[str, object] = {
        "layer": first.layer,
        "grid": first.cams[first.layer].grid,
        "reach": own_reach(first.values(first.layer), reach),
    }
    for other in others:
        scene = other.scene
        details["beside"] = {
            "model": {"name": scene.view.model, "digest": scene.model.digest},
            "image": scene.view.image,
            "target": asdict(scene.target),
            **_details([other], reach),
        }
    return details
