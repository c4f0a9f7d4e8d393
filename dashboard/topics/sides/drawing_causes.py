"""Drawing as a cause: the notebook's two overlays beside a fair one of the same map, with the reasons."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import streamlit as st

from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.sides.side import Side
from dashboard.view.scene import Scene
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.words import percent, two
from explain_lib.pictures.rendering import (
    Picture,
    study_manual_cut,
    study_manual_overlay,
    study_package_brightness,
    study_package_overlay,
)

SIDE = 192


def show_drawing_causes(scene: Scene, a: Side) -> None:
    """Five pictures of side a's map, each with the effect of its way of drawing."""
    folded = st.expander("How the pictures are drawn is a cause, too", key="drawn", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        if a.values.shape != scene.picture.shape[:2] or not 0 <= a.values.min() <= a.values.max() <= 1:
            st.caption(
                "The notebook's overlays need a map of the picture's size with values from 0 to 1, and side a has none. Scale "
                "it over the image and resize it."
            )
            return
        panels = tuple(_panels(scene, a))
        show_stage(Stage((Row(panels, f"One map, that of {a.title}, drawn in three ways"),), key="stage-drawn"))


def _panels(scene: Scene, a: Side) -> Iterator[Panel]:
    """A panel for each picture; only the fair drawing lets the map's numbers be read."""
    picture, values = scene.picture, a.values
    plain = Panel("", "", SIDE, place=place_of(scene))
    fair = "Half picture, half map in magma; both from 0 to 255, with nothing cut."
    yield replace(
        plain, name="drawn-fair", alt=_words("Fair", a), title="Fair", caption=fair, picture=picture, values=values, reach=1.0
    )
    for name, (drawn, title, why) in _ways(picture, values).items():
        yield replace(plain, name=f"drawn-{name}", alt=_words(title, a), title=title, caption=why, picture=drawn)


def _words(title: str, a: Side) -> str:
    return f"{title}: {a.title}; {where_words(a.values)}"


def _ways(picture: Picture, values: Map) -> dict[str, tuple[Picture, str, str]]:
    """The notebook's pictures and what explains them: each with its title and its words."""
    cut = study_manual_cut(picture, values)
    brighter = study_package_brightness(picture, values)
    return {
        "manual": (
            study_manual_overlay(picture, values),
            "GradCAM1 of the notebook",
            "0.4 × jet (0 … 255) plus the picture (0 … 1), cut at 1; red and blue are swapped.",
        ),
        "cut": (
            cut.astype(np.uint8) * np.uint8(255),
            "Lost in GradCAM1",
            f"Bright where red, green or blue is cut at 1: {percent(cut.mean(), 0)} of the numbers are lost.",
        ),
        "package": (
            study_package_overlay(picture, values),
            "GradCAM2 of the notebook",
            f"Half jet, half picture, divided by its own maximum: everything is {two(brighter)} times as bright.",
        ),
        "swapped": (
            np.ascontiguousarray(picture[:, :, ::-1]),
            "The picture in GradCAM2",
            "OpenCV's colour order, blue first, shown as if red came first: red and blue are swapped in the picture only.",
        ),
    }
