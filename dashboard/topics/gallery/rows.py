"""The rows of the study's table: both programs' maps of one picture, drawn as the notebook drew them or fairly."""

from dataclasses import dataclass, replace

import numpy as np

import explain_lib as xl
from dashboard.view.scene import Scene
from dashboard.view.slide import caption_lines, picture_panel
from explain_lib.base.maps import Map
from explain_lib.base.words import fine
from explain_lib.compare.comparison import mean_absolute_difference
from explain_lib.pictures.rendering import Picture, study_heatmap, study_manual_overlay, study_package_overlay
from explain_lib.take_home.slide import Panel, Slide, map_panel, overlay_panel

DRAWINGS = {"notebook": "As the notebook drew them", "fair": "Drawn fairly"}
COLUMNS = "Heatmap", "GradCAM1", "GradCAM2"
LAYER = "relu2"
"""Of the study's manual map."""
STUDY_LAYERS = tuple(dict.fromkeys((*(xl.NOTEBOOK_PACKAGE.layers or ()), *(xl.NOTEBOOK_MANUAL.layers or ()))))
"""The layers that the study's calls name; they are those of the tutorial network."""


@dataclass(frozen=True)
class Row:
    """Both programs' maps of a picture, and how far they are apart.

    cells: the manual map on its own grid. manual, package: the maps on the picture's pixels, within 0 and 1. studied: the
    heat map and both overlays as the notebook drew them; None where they are drawn fairly.
    """

    picture: Picture
    cells: Map
    manual: Map
    package: Map
    studied: tuple[Picture, Picture, Picture] | None

    @property
    def difference(self) -> float:
        """The mean over all pixels of |package - manual|."""
        return mean_absolute_difference(self.manual, self.package)


def has_study_layers(model: xl.Model) -> bool:
    """Whether the study's calls can be made on a model."""
    return set(STUDY_LAYERS) <= set(model.spatial_layers)


def drawn_scene(scene: Scene) -> Scene:
    """The scene itself, or drawn fairly where the study's calls cannot be made on its model."""
    if scene.view.drawing == "fair" or has_study_layers(scene.model):
        return scene
    return replace(scene, view=replace(scene.view, drawing="fair"))


def fair_layer(scene: Scene) -> str:
    """The chosen layer; else that of the study's manual map, or the last conv layer where a model does not have it."""
    layers = scene.model.spatial_layers
    return next(name for name in (scene.view.layer, LAYER, scene.model.default_layer) if name in layers)


def make_row(scene: Scene, image: int) -> Row:
    """The row of an image, drawn as the view says."""
    picture = scene.shown(np.asarray(scene.images.pixels[image]))
    if scene.view.drawing == "fair":
        return Row(picture, *_fair_maps(scene, image), None)
    cells, manual, package = _notebook_maps(scene, image)
    drawn = study_heatmap(cells), study_manual_overlay(picture, manual), study_package_overlay(picture, package)
    return Row(picture, cells, manual, package, drawn)


def _notebook_maps(scene: Scene, image: int) -> tuple[Map, Map, Map]:
    """The manual map on its own grid, and the maps of both programs, as the notebook computed them."""
    batch = scene.batch(image)
    pixels, place = scene.images.pixels[batch], image - batch.start
    cells = xl.grad_cam(scene.model, pixels, LAYER)[LAYER].map
    manual = xl.heatmap(scene.model, pixels, xl.NOTEBOOK_MANUAL)
    package = xl.package_grad_cam(scene.model, pixels, xl.NOTEBOOK_PACKAGE.layers or ())
    return cells[place], manual[place], package[place]


def _fair_maps(scene: Scene, image: int) -> tuple[Map, Map, Map]:
    """The same of one layer, each scaled by itself."""
    layer, pixels = fair_layer(scene), scene.images.pixels[image : image + 1]
    own_grid, on_pixels = xl.CamSettings(layers=(layer,), resize="none"), xl.CamSettings(layers=(layer,))
    cells = xl.heatmap(scene.model, pixels, own_grid)
    manual = xl.heatmap(scene.model, pixels, on_pixels)
    return cells[0], manual[0], xl.package_grad_cam(scene.model, pixels, layer)[0]


def fair_drawing(scene: Scene) -> xl.Drawing:
    """The view's drawing without a sign: the package's maps have none."""
    return replace(scene.drawing, signed=False)


def row_slide(scene: Scene, row: Row) -> Slide:
    """The picked image, and its columns as they are drawn."""
    title = f"Two Grad-CAMs of one picture, {fine(row.difference)} apart on average"
    caption = (
        caption_lines(scene)[0],
        "Heatmap: the map on its own grid. GradCAM1: by hand. GradCAM2: by package. Both explain the predicted class",
        f"{DRAWINGS[scene.view.drawing]} · model {scene.view.model}",
    )
    return Slide(title, (picture_panel(scene), *_slide_panels(scene, row)), caption, f"{title}. {' '.join(caption)}")


def _slide_panels(scene: Scene, row: Row) -> tuple[Panel, ...]:
    if row.studied is not None:
        return tuple(Panel(name, picture) for name, picture in zip(COLUMNS, row.studied, strict=True))
    drawing, (heatmap, first, second) = fair_drawing(scene), COLUMNS
    return (
        map_panel(heatmap, row.cells, drawing, 1.0),
        overlay_panel(first, row.picture, row.manual, drawing, 1.0),
        overlay_panel(second, row.picture, row.package, drawing, 1.0),
    )
