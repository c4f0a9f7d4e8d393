"""One side of the disagreement page: its configuration on this model, its map, and the words for it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

import explain_lib as xl
from dashboard.components.scene import Scene
from dashboard.components.side_words import side_title, side_words
from dashboard.figures.map_figure import Scale, diverging, sequential
from dashboard.view_state import chosen_layer
from explain_lib.maps import Map


@dataclass(frozen=True)
class Side:
    """A configuration with the page's layer put in, its map (H, W), its title, and how it was made."""

    configuration: xl.Configuration
    values: Map
    title: str
    how: str


def make_side(scene: Scene, letter: str) -> Side:
    """Side "a" or "b" of the view."""
    full = named_side(scene, letter)
    layers = full.settings.layers or ()
    batch = batch_of(scene, full)
    maps = scene.cache.configured_heatmap(scene.model, scene.images.pixels[batch], full, scene.target, between=scene.between)
    return Side(full, maps[scene.view.image - batch.start], side_title(letter, full), side_words(full, layers, batch))


def named_side(scene: Scene, letter: str) -> xl.Configuration:
    """The configuration of side "a" or "b" with the page's layer put in where it names none."""
    configuration: xl.Configuration = getattr(scene.view, letter)
    layers = configuration.settings.layers or (chosen_layer(scene.view, scene.model),)
    return replace(configuration, settings=replace(configuration.settings, layers=layers))


def batch_of(scene: Scene, *sides: xl.Configuration) -> slice:
    """The test images that are run together: the notebook's batch where a setting looks at it, else the image alone."""
    image = scene.view.image
    looks = any(side.settings.scale_over == "batch" for side in sides)
    return scene.batch(image) if looks else slice(image, image + 1)


def common_scale(maps: Iterable[Map], sides: tuple[Side, Side]) -> Scale:
    """One scale for several maps: 0 to 1, or as far as those reach that are not scaled; around zero if one goes below."""
    every = np.concatenate([values.ravel() for values in maps])
    finite = every[np.isfinite(every)]
    reach = float(np.abs(finite).max(initial=0)) or 1.0
    if finite.min(initial=0) < 0:
        return diverging(reach)
    scaled = any(side.configuration.settings.scale_over != "none" for side in sides)
    return sequential(0, max(reach, 1.0) if scaled else reach)
