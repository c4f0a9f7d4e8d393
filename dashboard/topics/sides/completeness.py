"""The completeness of a layer's map: HiResCAM's sum beside the logit, and the effect of averaging gradients on it."""

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_figure import diverging
from dashboard.view import terms
from dashboard.view.captions import grid_caption, plain
from dashboard.view.scene import Scene
from dashboard.widgets.map_card import MapCard, show_maps
from explain_lib.base.words import proper_minus
from explain_lib.cam.completeness import LOGITS_ONLY, averaging_sentence, score_words, signed, sum_sentence

CARD_WIDTH, NUMBER_WIDTH, LETTER_WIDTH = 280, 150, 7


def show_completeness(scene: Scene, layer: str) -> None:
    """The sentences, the numbers they are written from, and both signed maps on one scale; a probability is declined."""
    st.header("Do the cells add up to the logit?", anchor=False, help=terms.COMPLETENESS)
    if scene.target.score == "probability":
        st.info(LOGITS_ONLY)
        return
    if next(one for one in scene.model.layers if one.name == layer).handed_on:
        st.info(f"{plain(layer)} hands on what it was given, so it has no cells of its own: the layer before it has.")
        return
    found = xl.completeness(scene.model, scene.picture, layer, scene.target)
    grid = grid_caption(found.hirescam.shape)
    st.caption(f"Layer {plain(layer)}, {grid} cells; by hand, with signs, not scaled, in units of the logit.")
    st.markdown(f"{sum_sentence(found)} {averaging_sentence(found)}")
    _numbers(found)
    _maps(found)


def _numbers(found: xl.Completeness) -> None:
    """The parts of the sum in their order, then the sum of Grad-CAM's cells."""
    score = score_words(found).removeprefix("the ")
    parts = {"HiResCAM's cells": found.hirescam_sum, "+ biases after the layer": found.biases}
    if found.past:
        parts["+ past the layer"] = found.past
    if not found.holds:
        parts["+ not explained"] = found.residual
    parts |= {f"= {score}": found.score, "Grad-CAM's cells": found.grad_cam_sum}
    with st.container(horizontal=True, gap="xsmall"):
        for name, value in parts.items():
            with st.container(border=True, width=max(NUMBER_WIDTH, LETTER_WIDTH * len(name) + 48)):
                st.metric(name, signed(value, 3))
    if found.holds:
        st.caption(f"The parts and the {score} differ by {proper_minus(f'{abs(found.residual):.1e}')}: float32 rounding.")


def _maps(found: xl.Completeness) -> None:
    averaged, turned = found.grad_cam - found.hirescam, int(found.turned.sum())
    under_pointer = {"HiResCAM": found.hirescam, "Grad-CAM": found.grad_cam, "Grad-CAM − HiResCAM": averaged}
    scale = diverging(max(float(np.abs(values).max()) for values in under_pointer.values()) or 1.0)
    cards = {
        "sum-hirescam": MapCard(
            "HiResCAM, signed",
            "Each activation times its own gradient, summed over the channels. Red speaks for, blue against.",
            found.hirescam,
            scale,
        ),
        "sum-grad-cam": MapCard(
            "Grad-CAM, signed", "Each activation times its channel's mean gradient: equation 1, no ReLU.", found.grad_cam, scale
        ),
        "sum-averaged": MapCard(
            "Grad-CAM − HiResCAM",
            f"What averaging the gradients adds to each cell. Of {found.turned.size} cells, {turned or 'none'} turned "
            f"{'their' if turned > 1 else 'its'} sign.",
            averaged,
            scale,
            "Zero everywhere: the two maps are the same.",
        ),
    }
    show_maps(cards, under_pointer, CARD_WIDTH, CARD_WIDTH)
