"""One side of the disagreement page: its configuration on this model, its map, and the words for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.scale import Scale, diverging, sequential
from dashboard.view.scene import Scene
from dashboard.view.view import View
from explain_lib.base.maps import Map
from explain_lib.base.words import short
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, Program


@dataclass(frozen=True)
class Side:
    """A configuration with the page's layer put in, its map (H, W), its title, and how it was made."""

    configuration: xl.Configuration
    values: Map
    title: str
    how: str


SHARED = xl.Configuration("manual"), xl.Configuration("package", xl.package_settings(None))
"""Both programs on the layer that is chosen for the page, each as it is by itself."""


def lacking_layers(view: View, model: xl.Model) -> tuple[str, ...]:
    """The layers that the two sides of the view name and the model does not have."""
    named = (*(view.a.settings.layers or ()), *(view.b.settings.layers or ()))
    return tuple(name for name in dict.fromkeys(named) if name not in model.spatial_layers)


def possible_sides(view: View, model: xl.Model) -> View:
    """The view with sides that the model can have: the study's become SHARED, others lose the layers that it lacks.

    A side without layers is of the one that is chosen for the page.
    """
    if not lacking_layers(view, model):
        return view
    if (view.a, view.b) == (STUDY_MANUAL, STUDY_PACKAGE):
        return replace(view, a=SHARED[0], b=SHARED[1])
    return replace(view, a=_possible(view.a, model), b=_possible(view.b, model))


def _possible(side: xl.Configuration, model: xl.Model) -> xl.Configuration:
    there = tuple(name for name in side.settings.layers or () if name in model.spatial_layers)
    return replace(side, settings=replace(side.settings, layers=there or None))


def possible_scene(scene: Scene) -> Scene:
    """The scene itself where its model has the layers of both sides, else with sides that it can have."""
    return replace(scene, view=possible_sides(scene.view, scene.model))


def make_sides(scene: Scene) -> tuple[Side, Side]:
    """Sides a and b of the view, from the same batch."""
    a, b = named_side(scene, "a"), named_side(scene, "b")
    batch = batch_of(scene, a, b)
    return _side(scene, "a", a, batch), _side(scene, "b", b, batch)


def _side(scene: Scene, letter: str, full: xl.Configuration, batch: slice) -> Side:
    maps = xl.configured_heatmap(scene.model, scene.images.pixels[batch], full, scene.target)
    return Side(full, maps[scene.view.image - batch.start], _title(letter, full), _words(full, batch))


def named_side(scene: Scene, letter: str) -> xl.Configuration:
    """The configuration of side "a" or "b" with the page's layer put in where it names none."""
    configuration = scene.view.side(letter)
    layers = configuration.settings.layers or (scene.layer,)
    return replace(configuration, settings=replace(configuration.settings, layers=layers))


def batch_of(scene: Scene, *sides: xl.Configuration) -> slice:
    """The test images that are run together: the notebook's batch where a setting looks at it, else the image alone."""
    image = scene.view.image
    looks = any(side.settings.scale_over == "batch" for side in sides)
    return scene.batch(image) if looks else slice(image, image + 1)


def decompose_sides(scene: Scene, a: xl.Configuration, b: xl.Configuration) -> xl.Decomposition:
    """The causes of the difference. Raises InputError where a map on the way from a to b is of another size."""
    pixels, index = batch_and_place(scene, a, b)
    return xl.decompose(scene.model, pixels, index, a.settings, b.settings, scene.target)


def batch_and_place(scene: Scene, a: xl.Configuration, b: xl.Configuration) -> tuple[NDArray[np.uint8], int]:
    """The pictures that both sides are made from, uint8 (N, H, W, 3), and the place of the picked one among them."""
    batch = batch_of(scene, a, b)
    return scene.images.pixels[batch], scene.view.image - batch.start


def common_scale(maps: Iterable[Map], sides: tuple[Side, Side]) -> Scale:
    """One scale for several maps: 0 to 1, or as far as those reach that are not scaled; around zero if one goes below."""
    every = np.concatenate([values.ravel() for values in maps])
    finite = every[np.isfinite(every)]
    reach = float(np.abs(finite).max(initial=0)) or 1.0
    if finite.min(initial=0) < 0:
        return diverging(reach)
    scaled = any(side.configuration.settings.scale_over != "none" for side in sides)
    return sequential(0, max(reach, 1.0) if scaled else reach)


# Section: words

_RESIZE = {
    "cv2-linear": "enlarged bilinearly (OpenCV)",
    "torch-bilinear": "enlarged bilinearly (PyTorch)",
    "torch-bicubic": "enlarged bicubically (PyTorch)",
    "pil-bicubic": "enlarged bicubically (Pillow)",
    "nearest": "enlarged cell by cell",
    "none": "left on its own grid",
}
PROGRAMS: Mapping[Program, str] = {
    "manual": "manual Grad-CAM",
    "package": "package grad-cam",
    "torch-cam": "torch-cam",
    "captum": "Captum",
    "ultralytics": "Ultralytics",
}


def _title(letter: str, side: xl.Configuration) -> str:
    """The heading of a side's map: "a · manual Grad-CAM"."""
    variant = "" if side.settings.variant == "grad-cam" else f", {side.settings.variant}"
    return f"{letter} · {PROGRAMS[side.program]}{variant}"


def _words(side: xl.Configuration, batch: slice) -> str:
    """Every step from the layers to the heat map, in its order."""
    settings, layers = side.settings, side.settings.layers or ()
    several = len(layers) > 1
    steps = [f"{settings.channel_reduction} over channels"]
    if settings.relu:
        steps.append("cut at zero")
    if settings.subtract_minimum:
        steps.append("minus its minimum")
    is_placed = settings.placement == "receptive-field" and settings.resize != "none"
    placed = " with each cell where it looks" if is_placed else ""
    scaled, enlarged = _scaling(settings, batch), f"{_RESIZE[settings.resize]}{placed}"
    steps += (enlarged, scaled) if settings.scale_over == "enlarged" else (scaled, enlarged)
    if several:
        steps.append("then the mean over the layers")
    if settings.rescale_after_merge:
        steps.append("minus the minimum and divided by the maximum once more")
    if settings.exponent != 1:
        steps.append(f"to the power {short(settings.exponent)}")
    return f"{'Layers' if several else 'Layer'} {', '.join(layers)}{', each' if several else ''}: {', '.join(steps)}."


def _scaling(settings: xl.CamSettings, batch: slice) -> str:
    if settings.scale_over != "batch":
        return "not scaled" if settings.scale_over == "none" else "divided by its maximum"
    if batch.stop - batch.start == 1:
        return "divided by the largest value of its batch (this image alone)"
    return (
        f"divided by the largest value that this image's weights give on the notebook's batch of four (images {batch.start} to "
        f"{batch.stop - 1})"
    )
