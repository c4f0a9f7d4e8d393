"""The measurements behind the guesses, on one picture."""

from dataclasses import replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_figure import map_picture, sequential
from dashboard.figures.map_words import where_words
from dashboard.topics.guesses.outline_picture import outline_picture
from dashboard.topics.guesses.runs import test_pixels
from dashboard.view.captions import image_caption, picture_words, plain
from dashboard.view.scene import Scene
from dashboard.widgets.pictures import show_exact, show_picture
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.maps import Map
from explain_lib.base.words import number, percent
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.settings import NOTEBOOK_PACKAGE
from explain_lib.study.outlines import outline_masks
from explain_lib.study.rows import AVERAGE, FROG, ContourRequest, GrassRequest, greyed, guess_layers, hooked_layer

SIDE = 128


def contour_example(scene: Scene) -> None:
    """The picked image, its edges, another picture's, and the maps with their correlations with both."""
    image = scene.view.image
    beside = (image + 1) % len(test_pixels(scene))
    rows = ContourRequest(scene.model, test_pixels(scene), np.array([image]), np.array([beside])).all_rows()
    edges = sobel_edges(test_pixels(scene)[[image, beside]])
    st.markdown(f"**What is measured** · {plain(image_caption(scene, image))}")
    with st.container(horizontal=True, gap="small"):
        show_picture(scene.picture, "the picture", picture_words(scene, image), SIDE)
        _show_map(edges[0], "its edges", f"Edges of test image {image}")
        _show_map(edges[1], f"edges of image {beside}", f"Edges of test image {beside}, for comparison")
        for name, values in _maps(scene).items():
            place = rows.layers.index(name)
            own, other = _correlation(rows.own[0, place]), _correlation(rows.other[0, place])
            _show_map(values, f"map of {name}: {own} ({other})", f"Map of {name} on test image {image}")
    st.caption(
        "Below each map, which is that of the predicted class: its correlation with the picture's edges and, in brackets, with "
        "those of the other."
    )


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
    return {name: xl.heatmap(scene.model, scene.picture[None], one)[0] for name, one in settings.items()}


def _correlation(value: float) -> str:
    return "none" if np.isnan(value) else number(float(value), 2)


def _show_map(values: Map, caption: str, alt: str) -> None:
    high = float(values.max()) if xl.map_state(values) is xl.MapState.VARIED else 1.0
    _show(map_picture(values, sequential(0, high), SIDE), caption, f"{alt}; {where_words(values)}")


def grass_example(scene: Scene, frog: int) -> None:
    """One frog with its outline, without its background, and without itself, with the probability of each."""
    pixels = test_pixels(scene)[[frog]]
    masks = outline_masks(pixels)
    row = GrassRequest(scene.model, test_pixels(scene), np.array([frog])).all_rows()
    layer, area = row.hooked, percent(float(row.area[0]))
    values = xl.grad_cam(scene.model, pixels, layer, FROG)[layer].map[0]
    share = row.share[0, row.layers.index(layer)]
    lies = "zero everywhere" if np.isnan(share) else f"{percent(float(share))} outside the outline"
    coloured = map_picture(values, sequential(0, float(values.max()) or 1.0), SIDE)
    whole, without_background, without_frog = (
        f"frog {percent(float(shares[0]))}" for shares in (row.whole, row.frog_only, row.background_only)
    )
    name = f"Test image {frog}"
    st.markdown(f"**What is measured** · {plain(image_caption(scene, frog))}")
    with st.container(horizontal=True, gap="small"):
        alt = f"{name} with its outline, which leaves {area} of the picture outside"
        _show(outline_picture(pixels[0], masks[0], SIDE), f"outline; {whole}", alt)
        alt = f"{name}, its background mid grey"
        show_picture(greyed(pixels, ~masks)[0], f"background greyed; {without_background}", alt, SIDE)
        show_picture(greyed(pixels, masks)[0], f"frog greyed; {without_frog}", f"{name}, its frog mid grey", SIDE)
        alt = f"Map of {layer} on test image {frog}, with the outline; {where_words(values)}"
        _show(outline_picture(coloured, masks[0], SIDE), f"map of {layer}: {lies}", alt)
    st.caption(
        f"Percentages of frog: the network's probability. The background is {area} of this picture's area. The map is that of "
        "the class frog, in its own cells."
    )


def _show(picture: np.ndarray, caption: str, alt: str) -> None:
    with st.container(width=SIDE):
        show_exact(picture, caption, alt)
