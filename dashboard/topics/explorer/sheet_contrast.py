"""The maps of a contrast for a volume, at the slice that is shown, or for a signal, as rows of colours along it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import streamlit as st

from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.explorer.contrast_words import BY_SCORE, Pair, maps_by_score, signed_maps
from dashboard.topics.explorer.signal_figure import layers_figure
from dashboard.view.scene import Scene
from dashboard.view.view import chosen_slice
from dashboard.widgets.charts import show_chart
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.sheets import Sheet
from explain_lib.base.words import short
from explain_lib.cam.contrast import Contrast
from explain_lib.cam.drawing import Drawing
from explain_lib.cam.postprocess import enlarged_layer
from explain_lib.networks.task_words import score_word
from explain_lib.pictures.rendering import Picture

SIDE = 224
EMPTY = "Zero in this slice."


def show_sheet_maps(scene: Scene, sheet: Sheet, found: Contrast, pair: Pair) -> None:
    """The four signed maps on one scale, and those of the logit and the probability, each on its own."""
    if not sheet.is_volume:
        _show_strips(scene, found, pair)
        return
    number = chosen_slice(scene.view, sheet)
    picture = scene.picture.reshape(sheet.slices, *sheet.one, 3)[number]
    place, title = f"{place_of(scene)}-slice-{number}", f"Slice {number} of 0 to {sheet.slices - 1}"
    original = Panel(
        "contrast-picture", f"{title} of {scene.name}, beside maps of A and B", SIDE, title=title, label="The slice",
        picture=picture, place=place,
    )  # fmt: skip
    signed = (replace(one, place=place) for one in _signed(scene, sheet, found, pair))
    rows = [Row((original, *signed), caption=_scale_words(scene, found, "all slices of all four"))]
    if found.by_probability is not None:
        over = (replace(one, place=place) for one in _by_score(scene, sheet, found, pair, picture))
        rows.append(Row(tuple(over), BY_SCORE))
    show_stage(Stage(tuple(rows), key="stage-contrast", line_after=len(rows)))


def _scale_words(scene: Scene, found: Contrast, what: str) -> str:
    """The common scale. what: it is of, in words. Empty where a value is not finite."""
    if not np.isfinite(found.reach):
        return ""
    end, score = short(found.reach), score_word(found.score, scene.model.task)
    return f"One scale for {what}: −{end} blue, 0 white, {end} red, in units of the {score}."


# Section: a volume


def _at_slice(scene: Scene, sheet: Sheet, layer: str, values: Map) -> Map:
    """The part of a map (slices * h, w) that belongs to the slice that is shown, float32 (h, w)."""
    every = sheet.over_slices(values, scene.model.find_layers(layer)[0].slices)
    return np.asarray(every[chosen_slice(scene.view, sheet)])


def _signed(scene: Scene, sheet: Sheet, found: Contrast, pair: Pair) -> Iterator[Panel]:
    for name, one in signed_maps(found, pair, scene.model.task).items():
        values = _at_slice(scene, sheet, found.layer, one.values)
        alt = f"{one.title}, {one.meaning}; from {short(values.min())} to {short(values.max())}; {where_words(values)}"
        yield Panel(
            f"contrast-{name}", alt, SIDE, title=one.title, caption=one.meaning, values=values, drawing=Drawing(signed=True),
            reach=found.reach, bar=True, when_zero=EMPTY,
        )  # fmt: skip


def _by_score(scene: Scene, sheet: Sheet, found: Contrast, pair: Pair, picture: Picture) -> Iterator[Panel]:
    for score, values in maps_by_score(found).items():
        here, top = _at_slice(scene, sheet, found.layer, values), float(values.max())
        alt = f"Overlay: map of the {score} of {pair.a}; {where_words(here)}"
        yield Panel(
            f"contrast-{score}", alt, SIDE, title=f"{score} of {pair.a}", label="Overlay", picture=picture, values=here,
            drawing=replace(scene.drawing, signed=False), reach=top or None, when_zero=EMPTY,
            caption=f"Up to {short(top)} in all slices",
        )  # fmt: skip


# Section: a signal


def _show_strips(scene: Scene, found: Contrast, pair: Pair) -> None:
    words = _scale_words(scene, found, "all four rows")
    if not words:
        st.info("The maps have values that are not finite, and cannot be drawn.")
        return
    maps = signed_maps(found, pair, scene.model.task).values()
    rows = np.stack([_along(scene, found.layer, one.values) for one in maps])
    show_chart(
        layers_figure([one.title for one in maps], rows, signed=True, reach=found.reach),
        "contrast-maps", "The four maps of the contrast along the signal.",
    )  # fmt: skip
    st.caption(f"{' · '.join(f'{one.title}: {one.meaning}' for one in maps)}. {words}")
    if found.by_probability is not None:
        scores = maps_by_score(found)
        rows = np.stack([_along(scene, found.layer, values) for values in scores.values()])
        figure = layers_figure([f"{score} of A" for score in scores], rows, signed=False)
        show_chart(figure, "contrast-scores", "The maps of the logit and of the probability of A along the signal.")
        st.caption(f"{BY_SCORE}.")


def _along(scene: Scene, layer: str, values: Map) -> Map:
    """A map (1, l) at each sample of the signal, float32 (samples,)."""
    return np.asarray(enlarged_layer(scene.model, layer, values.copy()[None], "stretched")[0, 0])
