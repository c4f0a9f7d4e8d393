"""The measurements behind the guesses, on one picture."""

from dataclasses import replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.guesses.outline_picture import outline_picture
from dashboard.topics.guesses.runs import test_pixels
from dashboard.view.captions import image_caption, plain
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words, percent
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.settings import NOTEBOOK_PACKAGE
from explain_lib.study.outlines import outline_masks
from explain_lib.study.rows import AVERAGE, FROG, ContourRequest, GrassRequest, greyed, guess_layers, hooked_layer

SIDE = 128


def contour_example(scene: Scene) -> None:
    """The picked image, its edges, another picture's, and the maps with their correlations with both."""
    show_stage(contour_stage(scene))
    image, beside = scene.view.image, _beside(scene)
    st.caption(
        f"**What is measured** · {plain(image_caption(scene, image))}. Below each map of the predicted class: its correlation "
        f"with the picture's own edges and, in brackets, with the edges of image {beside}."
    )


def _beside(scene: Scene) -> int:
    """The picture whose edges are the comparison."""
    return (scene.view.image + 1) % len(test_pixels(scene))


def contour_stage(scene: Scene) -> Stage:
    """The stage of contour_example."""
    image, beside = scene.view.image, _beside(scene)
    rows = ContourRequest(scene.model, test_pixels(scene), np.array([image]), np.array([beside])).all_rows()
    edges = sobel_edges(test_pixels(scene)[[image, beside]])
    other_edges = _map_panel(
        scene, "edges-beside", f"Edges of {beside}", f"Edges of test image {beside}, for comparison", edges[1]
    )
    panels = [
        original_panel(scene, SIDE),
        _map_panel(scene, "edges", "Its edges", f"Edges of test image {image}", edges[0]),
        replace(other_edges, place=f"{scene.picture_set.address}-{beside}"),
    ]
    for name, values in _maps(scene).items():
        place = rows.layers.index(name)
        own, other = _correlation(rows.own[0, place]), _correlation(rows.other[0, place])
        panel = _map_panel(scene, f"map-{name}", name, f"Map of {name} on test image {image}", values)
        panels.append(replace(panel, caption=f"map: correlation {own} ({other})"))
    return Stage((Row(tuple(panels)),), key="stage-contour")


def example_steps(scene: Scene) -> LayerSteps:
    """Steps through the layers of the guesses: the example shows the chosen one beside the one that is judged."""
    layers = guess_layers(scene.model)
    if not layers:
        return view_steps(scene)
    return LayerSteps(layers, _example_layer(scene), words="Shows this layer's map among the examples; the verdicts stay")


def _example_layer(scene: Scene) -> str:
    """The chosen layer if the guesses look at it, else the one that is judged."""
    return scene.view.layer if scene.view.layer in guess_layers(scene.model) else hooked_layer(scene.model)


def _maps(scene: Scene) -> dict[str, Map]:
    """The maps of the layer that is judged, of the chosen one, and of five averaged where there are; of the predicted class."""
    layer = hooked_layer(scene.model)
    judged = xl.CamSettings(layers=(layer,), resize="torch-bilinear")
    settings = {layer: judged}
    if (chosen := _example_layer(scene)) != layer:
        settings[chosen] = replace(judged, layers=(chosen,))
    if set(NOTEBOOK_PACKAGE.layers or ()) <= set(scene.model.spatial_layers):
        settings[AVERAGE] = NOTEBOOK_PACKAGE
    return {name: xl.heatmap(scene.model, scene.seen[None], one)[0] for name, one in settings.items()}


def _correlation(value: float) -> str:
    return "none" if np.isnan(value) else correlation_words(float(value))


def _map_panel(scene: Scene, name: str, title: str, alt: str, values: Map) -> Panel:
    return Panel(
        name, f"{alt}; {where_words(values)}", SIDE, title=title, values=values, place=place_of(scene), bar=True,
    )  # fmt: skip


def grass_example(scene: Scene, frog: int) -> None:
    """One frog with its outline, without its background, and without itself, with the probability of each."""
    pixels = test_pixels(scene)[[frog]]
    masks = outline_masks(pixels)
    row = GrassRequest(scene.model, test_pixels(scene), np.array([frog])).all_rows()
    layer, area = row.hooked, percent(float(row.area[0]))
    values = xl.grad_cam(scene.model, pixels, layer, FROG)[layer].map[0]
    share = row.share[0, row.layers.index(layer)]
    lies = "zero everywhere" if np.isnan(share) else f"{percent(float(share))} outside the outline"
    name, place = f"Test image {frog}", f"{scene.picture_set.address}-{frog}"
    outlined = outline_picture(pixels[0], masks[0], SIDE)
    shown = {
        "Outline": (f"{name} with its outline; {area} of the picture is outside", outlined, row.whole),
        "Background greyed": (f"{name}, its background mid grey", greyed(pixels, ~masks)[0], row.frog_only),
        "Frog greyed": (f"{name}, its frog mid grey", greyed(pixels, masks)[0], row.background_only),
    }
    panels = [
        Panel(
            title, alt, SIDE, title=title, caption=f"frog {percent(float(shares[0]))}", picture=picture, place=place,
            grid=pixels.shape[1:3],
        )
        for title, (alt, picture, shares) in shown.items()
    ]  # fmt: skip
    over = overlay_panel(scene, values, f"map of {layer} on test image {frog}, with the outline", SIDE, name="frog-map")
    drawing = replace(over.drawing, signed=False, smooth=False, contour=False)
    over = replace(over, title=layer, caption=f"map: {lies}", help="", picture=outlined, drawing=drawing, place=place)
    show_stage(Stage((Row((*panels, over)),), key="stage-grass"))
    st.caption(
        f"**What is measured** · {plain(image_caption(scene, frog))}. Percentages of frog: the network's probability. The "
        f"background is {area} of this picture's area. The map explains the class frog, in its own cells. "
        f"{drawing_words(replace(scene.view, contour=False, texture='grid', sign='positive', scale='map'))}"
    )
