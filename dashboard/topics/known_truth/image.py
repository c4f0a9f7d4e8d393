"""The picked picture with the map that must find the known place, its outline, and strips of all layers and methods."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import streamlit as st

from dashboard.figures.panel import Action, Panel, Spot
from dashboard.topics.known_truth.chosen import KnownPicture
from dashboard.topics.known_truth.words import picture_sentence, value_caption
from dashboard.view.address import change_view
from dashboard.view.captions import image_caption, plain, short_layer
from dashboard.view.scene import Scene
from dashboard.view.view import Finds, Known
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Fact, Row, Stage, show_stage
from explain_lib.base.words import percent
from explain_lib.networks import watermark
from explain_lib.truth.finders import BASELINES, METHODS, Finder
from explain_lib.truth.localisation import Mask
from explain_lib.truth.summary import MOSAICS, PLACE_WORDS

SIDE, THUMBNAIL = 224, 96
RIGHT: Final[Mapping[Known, str]] = {"mark": watermark.NAME, "quarter": "resnet20"}
"""A network of the bundled ones with which a place is known whatever the picture."""
BELOW: Final[Mapping[Finds, str]] = {
    "energy": "the share of the map in {}",
    "pointing": "whether the brightest pixel is in {}",
    "overlap": "the overlap of the brightest fifth with {}",
}


def show_known(known: KnownPicture) -> None:
    """The picture, the map over it with the outline of the place, and all layers and methods, each a click away."""
    scene = known.scene
    show_stage(known_stage(known))
    if _is_told(scene):
        st.markdown(plain(picture_sentence(known)))
    st.caption(f"{image_caption(scene, scene.view.image)}. {drawing_words(scene.view)}")


def show_unknown(scene: Scene, why: str) -> None:
    """The picture alone, why no place is known in it, and a network with which one is."""
    show_stage(Stage((Row((original_panel(scene, SIDE),)),)))
    st.info(plain(f"{why[0].upper()}{why[1:]}."))
    taught = RIGHT.get(scene.view.known)
    if taught is not None and scene.view.model != taught:
        _open_button(taught)


def offer_taught(scene: Scene) -> None:
    """That a network was never taught the mark, with a button to the one that was."""
    if scene.view.known == "mark" and scene.view.model != watermark.NAME:
        name = watermark.NAME
        st.caption(f"{plain(scene.view.model)} was never taught this mark, so it should not look at it. {name} was.")
        _open_button(name)


def _open_button(name: str) -> None:
    st.button(f"Open {name}", on_click=change_view, kwargs={"model": name, "layer": None, "target": None})


def known_stage(known: KnownPicture) -> Stage:
    """The stage of show_known; in a lesson the outline and the numbers are left out until the answer is open."""
    scene, title = known.scene, known.finder.name
    shown = replace(
        _overlay(known, known.finder, SIDE), name="chosen", title=title, previews=True,
        caption=f"the map for {known.asked}", spots=_frame(known),
    )  # fmt: skip
    facts = _facts(known) if _is_told(scene) else ()
    main = Row((*_pictures(known), shown), facts=facts)
    layers = [Finder(layer, scene.view.method) for layer in scene.offered_layers]
    methods = [Finder(scene.layer, method) for method in METHODS]
    told = f"; below each {BELOW[scene.view.finds].format(PLACE_WORDS[known.place])}" if _is_told(scene) else ""
    every = tuple(_thumbnail(known, finder, "layers", short_layer(finder.layer)) for finder in (*layers, *BASELINES))
    other = tuple(_thumbnail(known, finder, "methods", METHODS[finder.method or "grad-cam"]) for finder in methods)
    strips = Row(every, f"{METHODS[scene.view.method]} at every layer, then two baselines{told}", strip=True)
    beside = Row(other, f"Every method at {scene.layer}", strip=True)
    return Stage((main, *_quarters(known), strips, beside), slider="chosen", fits=2)


def _is_told(scene: Scene) -> bool:
    """Whether outline and numbers are shown: not before the answer of a lesson is open."""
    return scene.view.lesson is None or scene.view.answer


def _facts(known: KnownPicture) -> tuple[Fact, ...]:
    energy, hits = known.value(known.finder, "energy"), known.value(known.finder, "pointing")
    where = PLACE_WORDS[known.place]
    return (
        Fact(f"Of the map in {where}", percent(energy), "", f"{where} covers {percent(known.area)} of the picture"),
        Fact("Brightest pixel", f"in {where}" if hits else "elsewhere"),
    )


def _pictures(known: KnownPicture) -> tuple[Panel, ...]:
    """The picture with and without the mark, or the mosaic."""
    scene = known.scene
    if known.place == "mark":
        before = replace(original_panel(scene, SIDE), title="Without the mark", caption=f"says {known.before}")
        marked = _plain(known, "With the mark", f"says {known.says}")
        return before, marked
    of_quarter = " of the asked quarter" if known.place == "apart" else ""
    return (_plain(known, "The mosaic", f"says{of_quarter} {known.says}"),)


def _plain(known: KnownPicture, title: str, caption: str) -> Panel:
    words = f"{title}: {known.scene.name}, the network {caption}"
    return Panel(
        "known", words, SIDE, title=title, caption=caption, picture=known.picture, place=_place(known), spots=_frame(known)
    )


def _quarters(known: KnownPicture) -> tuple[Row, ...]:
    """The four pictures of a mosaic, each a click away as the one that is asked for."""
    if known.mosaic is None:
        return ()
    height, width = (side // 2 for side in known.mask.shape)
    panels = []
    for quarter, index in enumerate(known.mosaic.classes[0].tolist()):
        top, left = quarter // 2 * height, quarter % 2 * width
        name, image = known.scene.model.classes[index], int(known.mosaic.images[0, quarter])
        panels.append(
            Panel(
                f"quarter-{quarter}", f"{known.scene.picture_set.words(image)}, {name}", THUMBNAIL, title=name,
                picture=known.picture[top : top + height, left : left + width],
                action=Action("asks for this class", {"target": index}), chosen=quarter == known.quarter,
            )
        )  # fmt: skip
    return (Row(tuple(panels), "The class that is asked for", strip=True),)


def _place(known: KnownPicture) -> str:
    return place_of(known.scene) if known.place not in MOSAICS else f"{place_of(known.scene)}-mosaic"


def _frame(known: KnownPicture) -> tuple[Spot, ...]:
    """The outline of the place, or of what holds it."""
    return (frame_of(known.mask),) if _is_told(known.scene) and known.mask.any() else ()


def frame_of(mask: Mask) -> Spot:
    """The smallest upright frame around the pixels of a mask, bool (H, W), at least one of them."""
    ends = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    (top, bottom), (left, right) = (
        (line[0] / count, (line[-1] + 1) / count) for line, count in zip(ends, mask.shape, strict=True)
    )
    return Spot((top + bottom) / 2, (left + right) / 2, "frame", "", bottom - top, right - left)


def _overlay(known: KnownPicture, finder: Finder, side: int) -> Panel:
    words = f"the map of {finder.name} for {known.asked} on {known.scene.name}"
    over = overlay_panel(known.scene, known.map_of(finder), words, side)
    return replace(over, picture=known.picture, place=_place(known))


def _thumbnail(known: KnownPicture, finder: Finder, strip: str, title: str) -> Panel:
    view = known.scene.view
    over = _overlay(known, finder, THUMBNAIL)
    caption = value_caption(known.value(finder, view.finds), view.finds) if _is_told(known.scene) else ""
    name = f"{strip}-{finder.method or 'baseline'}-{finder.layer}"
    over = replace(
        over, name=name, title=title, caption=caption, help="", shows="" if finder.is_baseline else finder.name,
        drawing=replace(over.drawing, contour=False, border=False),
    )  # fmt: skip
    if finder.method is None:
        return over
    changes: dict[str, str] = {"layer": finder.layer, "method": finder.method}
    return replace(over, action=Action("shows this map", changes), chosen=finder == known.finder)
