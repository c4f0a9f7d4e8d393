"""The measurements behind the guesses, on one picture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.guesses.outline_picture import outline_picture
from dashboard.topics.guesses.runs import frogs, test_pixels
from dashboard.view.captions import image_caption, plain
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from dashboard.widgets.steps import LayerSteps, view_steps
from explain_lib.base.maps import Map
from explain_lib.base.words import correlation_words, number, percent
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.settings import NOTEBOOK_PACKAGE
from explain_lib.pictures.dataset import SIDE as PICTURE
from explain_lib.pictures.rendering import Picture
from explain_lib.study.covers import covered, equal_parts, shuffled_alike
from explain_lib.study.grass_rows import FROG, GrassRequest, grass_request
from explain_lib.study.outline_density import outline_parts
from explain_lib.study.outlines import find_outlines, outline_masks
from explain_lib.study.rows import AVERAGE, ContourRequest, OutlineRequest, guess_layers, hooked_layer

SIDE = 128


def contour_example(scene: Scene) -> None:
    """The picked image split along its outline; below, its edges, another picture's, and maps beside both."""
    show_stage(contour_stage(scene))
    image, beside = scene.view.image, _beside(scene)
    found, split = find_outlines(test_pixels(scene)[[image]]), ""
    if not outline_parts(found.masks)[1].any():
        split = " No outline with an inside was found, so this picture does not count."
    elif not found.usable[0]:
        split = " Its outline depends on where GrabCut starts, so this picture does not count."
    st.caption(
        f"**What is measured** · {plain(image_caption(scene, image))}.{split} Is the map of the predicted class denser along "
        "the outline than inside, and what does it cost to shuffle the pixels of either? Below: maps with their correlation "
        f"with the picture's own edges and, in brackets, with those of image {beside}."
    )


def _beside(scene: Scene) -> int:
    """The picture whose edges are the comparison."""
    return (scene.view.image + 1) % len(test_pixels(scene))


def contour_stage(scene: Scene) -> Stage:
    """The stage of contour_example."""
    _, inside = outline_parts(outline_masks(test_pixels(scene)[[scene.view.image]]))
    rows = (_row("contour", _outline_panels(scene)),) if inside.any() else ()
    return Stage((*rows, Row(tuple(_edge_panels(scene)))), key="stage-contour")


def _outline_panels(scene: Scene) -> list[Panel]:
    """The picked image with its outline, its map, and itself with the outline and with the inside shuffled."""
    image, pixels = scene.view.image, test_pixels(scene)[[scene.view.image]]
    mask = outline_masks(pixels)
    row = OutlineRequest(scene.model, test_pixels(scene), np.array([image]), np.array([image])).all_rows()
    outline, inside = shuffled_alike(pixels, outline_parts(mask), 0)
    predicted = scene.model.classes[int(scene.model.predict(pixels)[0].argmax())]
    name, outlined = f"Test image {image}", outline_picture(pixels[0], mask[0], SIDE)
    shown = {
        "Outline": (f"{name} with its outline", outlined, row.whole[0]),
        "Outline shuffled": (f"{name}, the pixels along its outline shuffled", outline[0], row.outline_shuffled[0, 0]),
        "Inside shuffled": (f"{name}, the pixels inside shuffled, changed by as much", inside[0], row.inside_shuffled[0, 0]),
    }
    panels = [_picture_panel(scene, title, alt, picture, f"{predicted} {percent(float(share))}", image)
              for title, (alt, picture, share) in shown.items()]  # fmt: skip
    values = xl.grad_cam(scene.model, pixels, row.layer)[row.layer].map[0]
    caption = f"density {number(row.along[0, 0], 2)} along, {number(row.inside[0, 0], 2)} inside"
    return [panels[0], _outlined_map(scene, row.layer, values, outlined, image, caption), *panels[1:]]


def _row(stage: str, panels: Sequence[Panel]) -> Row:
    """Panels side by side, with names of their stage: both stages can show the same picture."""
    return Row(tuple(replace(panel, name=f"{stage}-{panel.name}") for panel in panels))


def _picture_panel(scene: Scene, title: str, alt: str, picture: Picture, caption: str, image: int) -> Panel:
    place = f"{scene.picture_set.address}-{image}"
    return Panel(
        title.lower().replace(" ", "-"),
        alt,
        SIDE,
        title=title,
        caption=caption,
        picture=picture,
        place=place,
        grid=(PICTURE, PICTURE),
    )


def _outlined_map(scene: Scene, layer: str, values: Map, outlined: Picture, image: int, caption: str) -> Panel:
    """The map in its own cells over the picture with its outline."""
    alt = f"map of {layer} on test image {image}, with the outline"
    over = overlay_panel(scene, values, alt, SIDE, name="map")
    drawing = replace(over.drawing, signed=False, smooth=False, contour=False)
    place = f"{scene.picture_set.address}-{image}"
    return replace(over, title=layer, caption=caption, help="", picture=outlined, drawing=drawing, place=place)


def _edge_panels(scene: Scene) -> list[Panel]:
    """The picked image, its edges, another picture's, and the maps with their correlations with both."""
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
    return panels


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
    """One frog with its outline and its map; covered, its background covered; both backgrounds alone; and pasted."""
    request = grass_request(scene.model, test_pixels(scene), scene.cache.images().labels, frogs(scene))
    places = np.flatnonzero(request.images == frog)
    if len(places) == 0:
        st.info(f"No usable outline was found for test image {frog}, so it does not count. Pick another frog below.")
        return
    show_stage(_grass_stage(scene, request.take(places)))
    st.caption(
        f"**What is measured** · {plain(image_caption(scene, frog))}. Percentages of frog: the network's probability. Covers "
        "shown in grey; what is pasted stands on the background of another animal's picture. The map explains the class frog, "
        f"in its own cells. {drawing_words(replace(scene.view, contour=False, texture='grid', sign='positive', scale='map'))}"
    )


def _grass_stage(scene: Scene, request: GrassRequest) -> Stage:
    """Of a request about one frog."""
    pixels, frog, animal = test_pixels(scene), int(request.images[0]), int(request.animals[0])
    row, own, other = request.all_rows(), pixels[[frog]], pixels[[animal]]
    mask, of_animal = outline_masks(own), outline_masks(other)
    object_part, around = equal_parts(mask)
    green = covered(pixels[request.green], outline_masks(pixels[request.green]), "grey")
    name, outlined, both = f"Test image {frog}", outline_picture(own[0], mask[0], SIDE), mask | of_animal
    shown = {
        "Outline": (f"{name} with its outline", outlined, row.whole[0], frog),
        "Frog covered": (f"{name}, its frog mid grey", covered(own, object_part, "grey")[0], row.frog_covered[0, 0], frog),
        "Background covered": (
            f"{name}, as much of its background mid grey", covered(own, around, "grey")[0], row.background_covered[0, 0], frog,
        ),
        "Its background": (
            f"{name}, the animals of two pictures mid grey", covered(own, both, "grey")[0], row.own_background[0, 0], frog,
        ),
        "Another animal's": (
            f"Test image {animal}, the animals of two pictures mid grey", covered(other, both, "grey")[0],
            row.other_background[0, 0], animal,
        ),
        "Pasted on green": (
            f"{name}, its frog on a mainly green background", np.where(mask[0][..., None], own[0], green[0]),
            row.frog_on_green[0, 0], frog,
        ),
    }  # fmt: skip
    panels = [
        _picture_panel(scene, title, alt, picture, f"frog {percent(float(share))}", image)
        for title, (alt, picture, share, image) in shown.items()
    ]
    values = xl.grad_cam(scene.model, own, row.hooked, FROG)[row.hooked].map[0]
    beyond = float(row.share[0, row.layers.index(row.hooked)])
    lies = "zero everywhere" if np.isnan(beyond) else f"background {percent(beyond, sign=True)} beyond its area"
    over = _outlined_map(scene, row.hooked, values, outlined, frog, lies)
    return Stage((_row("grass", [panels[0], over, *panels[1:]]),), key="stage-grass")
