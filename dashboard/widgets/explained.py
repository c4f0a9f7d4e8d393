"""A picture that is explained, in parts that pages set side by side: itself, its map over it, the map, the probabilities."""

from collections.abc import Iterable

import numpy as np
import streamlit as st

from dashboard.figures.class_figure import probabilities_figure, probabilities_words, shown_words
from dashboard.figures.map_figure import SIDE_MARGIN, diverging, own_reach, sequential
from dashboard.view import terms
from dashboard.view.captions import picture_words
from dashboard.view.scene import Scene
from dashboard.view.view import View
from dashboard.widgets.charts import show_chart
from dashboard.widgets.drawing_controls import drawing_words
from dashboard.widgets.map_card import MapCard, show_map, show_overlay
from dashboard.widgets.pictures import show_picture
from explain_lib.base.maps import Map


def common_reach(view: View, maps: Iterable[Map]) -> float | None:
    """The largest finite magnitude in any of the maps where the view asks for one scale for all, else None."""
    if view.scale == "map":
        return None
    return max((float(np.abs(values).max()) for values in maps if np.isfinite(values).all()), default=0.0)


def show_original(scene: Scene, side: int) -> None:
    """The picked image, `side` pixels wide."""
    height, width = scene.picture.shape[:2]
    with st.container(width=side):
        st.markdown("**The picture**")
        show_picture(scene.picture, f"{width} × {height} pixels", picture_words(scene, scene.view.image), side)


def show_map_over(scene: Scene, values: Map, words: str, side: int, reach: float | None, shown: str = "layers") -> None:
    """The map over the picked image, drawn as the view says. words: of which map it is. shown: what stands side by side."""
    with st.container(width=side):
        st.markdown("**Overlay**", help=terms.OVERLAY)
        caption = drawing_words(scene.view, shown)
        show_overlay(scene.picture, values, scene.drawing, reach, words, side, caption)


def show_map_itself(view: View, values: Map, caption: str, key: str, side: int, reach: float | None) -> None:
    """The map in its own cells, with their numbers under the pointer."""
    width, top = side + 2 * SIDE_MARGIN, own_reach(values, reach) or 1.0
    scale = diverging(top) if view.sign == "signed" else sequential(0, top, view.palette)
    with st.container(width=width):
        show_map(MapCard("The map itself", caption, values, scale, help=terms.MAP), {"value": values}, key, width=width)


def show_probabilities(scene: Scene, key: str, alt: str | None = None) -> None:
    """The probability of each class as a bar. alt: alternative text in place of the usual one."""
    target, classes, shares = scene.target, scene.model.classes, scene.probabilities
    true = int(scene.images.labels[scene.view.image])
    st.markdown("**Class probabilities**", help=terms.PROBABILITIES)
    figure = probabilities_figure(classes, shares, target=target.index, true=true, minus=target.minus)
    show_chart(figure, key=key, alt=alt or probabilities_words(classes, shares, target.index))
    if shown_words(classes):
        st.caption(shown_words(classes))
