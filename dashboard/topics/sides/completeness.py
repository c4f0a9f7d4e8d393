"""The completeness of a layer's map: HiResCAM's sum beside the logit, and the effect of averaging gradients on it."""

from dataclasses import replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import map_words
from dashboard.figures.panel import NO_DIFFERENCE, NO_EVIDENCE, Panel
from dashboard.view import terms
from dashboard.view.captions import grid_caption, plain
from dashboard.view.scene import Scene
from dashboard.widgets.explained import original_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.words import fine, two
from explain_lib.cam.completeness import LOGITS_ONLY, averaging_sentence, score_words, sum_sentence

SIDE, NUMBER_WIDTH, LETTER_WIDTH = 224, 150, 7


def show_completeness(scene: Scene, layer: str) -> None:
    """The sentences, the numbers they are written from, and both signed maps on one scale; a probability is declined."""
    st.header("Do the cells add up to the logit?", anchor=False, help=terms.COMPLETENESS + terms.see("logit"))
    if scene.target.score == "probability":
        st.info(LOGITS_ONLY)
        return
    if next(one for one in scene.model.layers if one.name == layer).handed_on:
        st.info(f"{plain(layer)} only passes its input on, so it has no cells of its own; the layer before it has.")
        return
    found = xl.completeness(scene.model, scene.seen, layer, scene.target)
    grid = grid_caption(found.hirescam.shape)
    st.caption(f"Layer {plain(layer)}, {grid} cells; by hand, with signs, not scaled, in units of the logit.")
    st.markdown(f"{sum_sentence(found)} {averaging_sentence(found)}")
    _numbers(found)
    _maps(scene, found)


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
                st.metric(name, fine(value))
    if found.holds:
        st.caption(f"The parts and the {score} differ by {two(abs(found.residual))}: float32 rounding.")


def _maps(scene: Scene, found: xl.Completeness) -> None:
    averaged, turned = found.grad_cam - found.hirescam, int(found.turned.sum())
    reach = max(float(np.abs(values).max()) for values in (found.hirescam, found.grad_cam, averaged)) or 1.0
    maps = {
        "hirescam": ("HiResCAM, signed", found.hirescam, NO_EVIDENCE),
        "grad-cam": ("Grad-CAM, signed", found.grad_cam, NO_EVIDENCE),
        "averaged": ("Grad-CAM − HiResCAM", averaged, NO_DIFFERENCE),
    }
    captions = (
        "Each activation times its own gradient, summed over the channels. Red speaks for, blue against.",
        "Each activation times its channel's mean gradient: equation 1, no ReLU.",
        f"The change of each cell by averaging the gradients. Of {found.turned.size} cells, {turned or 'none'} turned "
        f"{'their' if turned > 1 else 'its'} sign.",
    )
    panels = tuple(
        Panel(
            f"sum-{name}", map_words(title, values), SIDE, title=title, caption=caption, values=values,
            drawing=xl.Drawing(signed=True), reach=reach, place=place_of(scene), when_zero=when_zero, bar=True,
        )
        for (name, (title, values, when_zero)), caption in zip(maps.items(), captions, strict=True)
    )  # fmt: skip
    show_stage(Stage((Row((replace(original_panel(scene, SIDE), name="sum-picture"), *panels)),), key="stage-sum"))
