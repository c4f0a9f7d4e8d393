"""The map of a volume, a slice at a time with a strip of all slices, or of a signal, under its curve; and all layers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.figures.map_words import map_words, where_words
from dashboard.figures.panel import Action, Panel
from dashboard.topics.explorer.signal_figure import layers_figure, signal_figure
from dashboard.view import terms
from dashboard.view.captions import bare, cells_caption, scene_caption, short_layer, target_name
from dashboard.view.field import Value
from dashboard.view.page_files import PageFiles, explained_code
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_slice
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import place_of, probability_bars
from dashboard.widgets.pickers import slice_picker
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.sheets import Sheet
from explain_lib.cam.drawing import draw_overlay
from explain_lib.cam.postprocess import enlarged_layer
from explain_lib.networks.task_words import score_word
from explain_lib.pictures.rendering import Picture, png
from explain_lib.take_home.snippet import sheet_snippet

SIDE, THUMBNAIL = 288, 96
EMPTY = "Zero in this slice: here the weighted sum is nowhere above zero."
MOST_CHANNELS = 8
"""So many channels of a signal are drawn; of more, the first."""


@dataclass(frozen=True)
class SheetMaps:
    """The maps of the picked volume or signal at all layers on offer, and the layer that is shown."""

    scene: Scene
    sheet: Sheet
    cams: xl.GradCams
    layer: str

    def own(self, layer: str) -> Map:
        """The map as computed: float32 (slices, h, w), or (1, 1, l) of a signal; with its sign or above zero, as viewed."""
        cam = self.cams[layer]
        values = (cam.signed if self.scene.view.sign == "signed" else cam.map)[0]
        return self.sheet.by_slice(values, self.scene.model.find_layers(layer)[0].slices)

    def by_slice(self, layer: str) -> Map:
        """The map in its own rows and columns for each slice of the input: float32 (input slices, h, w)."""
        own = self.own(layer)
        return self.sheet.over_slices(own.reshape(-1, own.shape[2]), len(own))

    def along(self, layer: str) -> Map:
        """The map of a signal at each of its samples, float32 (samples,)."""
        own = self.own(layer)[0].copy()[None]
        return np.asarray(enlarged_layer(self.scene.model, layer, own, "stretched")[0, 0])

    @property
    def slice(self) -> int:
        """The slice that is shown."""
        return chosen_slice(self.scene.view, self.sheet)

    @property
    def slices(self) -> Picture:
        """The slices as they are shown, uint8 (slices, H, W, 3)."""
        return self.scene.picture.reshape(self.sheet.slices, *self.sheet.one, 3)


def show_sheet(scene: Scene) -> SheetMaps:
    """The stage or the charts, and the controls; returns what is shown."""
    sheet = scene.model.sheet
    assert sheet is not None  # the page has asked
    cams = xl.grad_cam(scene.model, scene.seen[None], scene.offered_layers, scene.target)
    maps = SheetMaps(scene, sheet, cams, scene.layer)
    if sheet.is_volume:
        show_stage(volume_stage(maps))
        if sheet.slices > 1:
            slice_picker(scene, sheet)
    else:
        _show_signal(maps)
    return maps


# Section: a volume


def volume_stage(maps: SheetMaps) -> Stage:
    """The picked slice with its map, all slices, and all layers at that slice."""
    scene, number, last = maps.scene, maps.slice, maps.sheet.slices - 1
    reach = _reach(maps, maps.layer)
    values = maps.by_slice(maps.layer)
    place, title = f"{place_of(scene)}-slice-{number}", f"Slice {number} of 0 to {last}"
    picture = Panel(
        "picture", f"{title} of {scene.name}", SIDE, title=title, label="The slice", picture=maps.slices[number],
        caption=f"{maps.sheet.one[1]} × {maps.sheet.one[0]} pixels", place=place,
    )  # fmt: skip
    over = replace(_overlay(maps, maps.layer, number, reach, SIDE), name="overlay", place=place, caption=_drawn(maps))
    itself = Panel(
        "map", map_words("The map itself", values[number]), SIDE, title="The map itself", caption=_map_caption(maps, values),
        help=terms.MAP, values=values[number], drawing=replace(scene.drawing, smooth=False), reach=reach, place=place,
        bar=True, when_zero=EMPTY,
    )  # fmt: skip
    caption = f"{bare(scene_caption(scene))} · layer {maps.layer}, {cells_caption(scene.model, maps.layer)}"
    main = Row((picture, over, itself), caption=caption, bars=(probability_bars(scene),))
    slices = tuple(_slice_thumbnail(maps, one, reach) for one in range(maps.sheet.slices))
    layers = tuple(_layer_thumbnail(maps, layer) for layer in maps.cams)
    rows = (
        main,
        Row(slices, "All slices, one scale of colours", strip=True),
        Row(layers, f"All layers at slice {number}, first to last", strip=True),
    )
    key = "|".join(map(str, (scene.model.digest, scene.picture_set.address, scene.view.image, number, scene.view.score)))
    return Stage(rows, slider="overlay", view=key, layer=maps.layer, signed=scene.view.sign == "signed")


def _reach(maps: SheetMaps, layer: str) -> float:
    """The common end of the colours of all slices: the largest magnitude at a layer, or at any where the view asks for that."""
    layers = tuple(maps.cams) if maps.scene.view.scale == "strip" else (layer,)
    return max(float(np.abs(maps.by_slice(one)).max()) for one in layers)


def _overlay(maps: SheetMaps, layer: str, number: int, reach: float, width: int) -> Panel:
    scene, values = maps.scene, maps.by_slice(layer)[number]
    alt = f"Overlay: layer {layer}, slice {number} of {scene.name}; {where_words(values)}"
    return Panel(
        f"layer-{layer}", alt, width, title="Overlay", label="Overlay", help=terms.OVERLAY, picture=maps.slices[number],
        values=values, drawing=scene.drawing, reach=reach, when_zero=EMPTY,
    )  # fmt: skip


def _slice_thumbnail(maps: SheetMaps, number: int, reach: float) -> Panel:
    changes: Mapping[str, Value] = {"slice": number}
    return replace(
        _overlay(maps, maps.layer, number, reach, THUMBNAIL), name=f"slice-{number}", title=f"{number}",
        label=f"Slice {number}", help="", steps=True, action=Action("shows this slice", changes), chosen=number == maps.slice,
        place=f"{place_of(maps.scene)}-slice-{number}", drawing=replace(maps.scene.drawing, contour=False, border=False),
    )  # fmt: skip


def _layer_thumbnail(maps: SheetMaps, layer: str) -> Panel:
    changes: Mapping[str, Value] = {"layer": layer}
    return replace(
        _overlay(maps, layer, maps.slice, _reach(maps, layer), THUMBNAIL), title=short_layer(layer), label=layer, help="",
        caption=cells_caption(maps.scene.model, layer), steps=True, action=Action("shows this layer", changes),
        chosen=layer == maps.layer,
        place=f"{place_of(maps.scene)}-slice-{maps.slice}", drawing=replace(maps.scene.drawing, contour=False, border=False),
    )  # fmt: skip


def _drawn(maps: SheetMaps) -> str:
    drawn = drawing_words(maps.scene.view).rpartition("; colours end at ")[0]
    scale = "all slices and layers" if maps.scene.view.scale == "strip" else "all slices"
    return f"Cells are stretched over the slice. {drawn}; colours end at the largest value of {scale}."


def _map_caption(maps: SheetMaps, values: Map) -> str:
    how = "The weighted sum" if maps.scene.view.sign == "signed" else "ReLU of the weighted sum"
    own, count = len(maps.own(maps.layer)), maps.sheet.slices
    said = f"{how} of activations, units of the score."
    if own == 1:
        return f"{said} The layer has one slice, drawn over all {count}."
    between = "" if own == count else f" Its {own} slices are spread linearly over {count}."
    strongest = int(np.abs(values).max((1, 2)).argmax())
    return f"{said}{between}" + (f" It is strongest in slice {strongest}." if np.ptp(values) > 0 else "")


# Section: a signal


def _show_signal(maps: SheetMaps) -> None:
    scene = maps.scene
    values, signed = maps.along(maps.layer), scene.view.sign == "signed"
    channels = scene.seen[0].T[:MOST_CHANNELS]
    shown = "" if scene.model.channels <= MOST_CHANNELS else f" The first {MOST_CHANNELS} of {scene.model.channels} channels."
    st.caption(f"{scene_caption(scene)} · layer {maps.layer}, {cells_caption(scene.model, maps.layer)} cells")
    alt = map_words("The map under the signal", values[None])
    show_chart(signal_figure(channels, values, scene.drawing), "signal", alt)
    st.caption(
        f"The signal as the network sees it, in 256 steps, over the map at each sample: {len(maps.own(maps.layer)[0, 0]):,} "
        f"cells, spread linearly, in units of the {score_word(scene.target.score, scene.model.task)}.{shown}"
    )
    show_stage(Stage((Row((), bars=(probability_bars(scene),)),), line_after=None))
    names = tuple(maps.cams)
    rows = np.stack([maps.along(name) for name in names])
    st.subheader("All layers, first to last", anchor=False)
    show_chart(layers_figure(names, rows, signed=signed), "signal-layers", "The map of each layer along the signal.")
    st.caption("Each row's colours end at its own largest magnitude.")


# Section: to take home


def sheet_files(maps: SheetMaps) -> PageFiles:
    """The files of the volume or the signal: the map in its own cells, and the picture of the slice that is shown."""
    scene, cam = maps.scene, maps.cams[maps.layer]
    own = maps.own(maps.layer)
    volume = scene.seen.reshape(*maps.sheet.size, scene.model.channels)
    arrays: dict[str, NDArray[np.float32] | NDArray[np.uint8]] = {
        "map": np.maximum(own, 0) if scene.view.sign == "signed" else own,
        "signed": cam.signed[0].reshape(own.shape),
        "weights": cam.weights[0],
        "logits": maps.cams.logits[0],
        "input": volume,
    }
    shape = own.shape if maps.sheet.is_volume else own.shape[2:]
    signed = scene.view.sign == "signed"
    return PageFiles(
        scene,
        name=f"image{scene.view.image}-{scene.view.model}-{maps.layer}-{target_name(scene)}",
        picture=lambda: png(_slice_drawn(maps)),
        arrays=arrays,
        details={"layer": maps.layer, "grid": shape} | ({"slice": maps.slice} if maps.sheet.is_volume else {}),
        snippet=lambda: sheet_snippet(explained_code(scene), maps.layer, shape, signed=signed),
    )


def _slice_drawn(maps: SheetMaps) -> Picture:
    """The slice with its map as the page shows it; of a signal its map in colours, sample by sample."""
    number, reach = maps.slice, _reach(maps, maps.layer)
    values = maps.by_slice(maps.layer)[number]
    if not maps.sheet.is_volume:
        values = maps.along(maps.layer)[None]
    picture = np.repeat(maps.slices[number], 1 if maps.sheet.is_volume else 32, axis=0)
    drawing = maps.scene.drawing if np.any(values) else replace(maps.scene.drawing, strength=0, contour=False, border=False)
    return draw_overlay(picture, np.ascontiguousarray(values), drawing, max(SIDE, picture.shape[1]), reach or None)
