"""Drawing as a cause: the notebook's two overlays beside a fair one of the same map, with the reasons."""

import numpy as np
import streamlit as st

from dashboard.figures.map_words import where_words
from dashboard.topics.sides.side import Side
from dashboard.widgets.pictures import show_picture
from explain_lib.base.maps import Map
from explain_lib.pictures.palettes import colour
from explain_lib.pictures.rendering import (
    Picture,
    overlay,
    study_manual_cut,
    study_manual_overlay,
    study_package_brightness,
    study_package_overlay,
)

SIDE = 176


def show_drawing_causes(picture: Picture, a: Side) -> None:
    """Five pictures of side a's map, each with the effect of its way of drawing."""
    folded = st.expander("How the pictures are drawn is a cause, too", key="drawn", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        if a.values.shape != picture.shape[:2] or not 0 <= a.values.min() <= a.values.max() <= 1:
            st.caption(
                "The notebook's overlays take a map of the picture's size with values from 0 to 1, which side a's is not. "
                "Scaled over the image and resized, it would be."
            )
            return
        st.markdown(f"One map, that of **{a.title}**, drawn in three ways:")
        with st.container(horizontal=True, gap="medium"):
            for drawn, title, why in _ways(picture, a.values):
                with st.container(width=SIDE):
                    show_picture(drawn, title, f"{title}: {a.title}; {where_words(a.values)}", SIDE)
                    st.caption(why)


def _ways(picture: Picture, values: Map) -> list[tuple[Picture, str, str]]:
    """Each picture, its title, and its words."""
    cut = study_manual_cut(picture, values)
    brighter = study_package_brightness(picture, values)
    return [
        (overlay(picture, colour(values)), "Fair", "Half picture, half map in magma; both from 0 to 255, nothing is cut."),
        (
            study_manual_overlay(picture, values),
            "GradCAM1 of the notebook",
            "0.4 × jet in 0 … 255 plus the picture in 0 … 1, cut at 1; red and blue are swapped.",
        ),
        (
            cut.astype(np.uint8) * np.uint8(255),
            "What GradCAM1 cuts",
            f"Bright where red, green or blue is cut at 1: {cut.mean() * 100:.0f} % of the numbers, lost.",
        ),
        (
            study_package_overlay(picture, values),
            "GradCAM2 of the notebook",
            f"Half jet, half picture, divided by its own maximum, which makes all of it {brighter:.2f} times as bright.",
        ),
        (
            np.ascontiguousarray(picture[:, :, ::-1]),
            "The picture in GradCAM2",
            "OpenCV's order of colours, blue first, shown as if red came first: red and blue are swapped in the picture alone.",
        ),
    ]
