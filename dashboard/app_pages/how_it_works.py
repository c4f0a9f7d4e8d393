"""Grad-CAM as a walk of six steps, one on screen at a time, for the picked image, model, layer and target."""

from typing import get_args

import streamlit as st

from dashboard.frame.page import show_page
from dashboard.topics.walk.steps import show_step
from dashboard.topics.walk.walk import make_walk, walk_slide
from dashboard.view.address import change_view, current_view
from dashboard.view.captions import grid_caption, image_caption, target_caption
from dashboard.view.record import offer
from dashboard.view.scene import Scene
from dashboard.view.view import Step
from dashboard.widgets.pickers import layer_picker, modules_picker, score_controls, target_picker

STEPS: tuple[Step, ...] = get_args(Step)
NAMES = {
    "forward": "Forward",
    "gradient": "Gradient",
    "weights": "Weights",
    "sum": "Sum",
    "relu": "ReLU",
    "enlarge": "Enlarge",
}
TITLES = {
    "forward": "What does the layer find, and where?",
    "gradient": "How much does the score care?",
    "weights": "One weight for each channel",
    "sum": "All channels, weighed and added up",
    "relu": "Only what speaks for the answer",
    "enlarge": "From the grid to the picture",
}


def _draw(scene: Scene) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        layer_picker(scene, scene.offered_layers)
        modules_picker(scene.view)
        target_picker(scene)
    score_controls(scene)
    _steps(scene)
    walk = make_walk(scene)
    offer(slide=lambda: walk_slide(walk))
    numbers = walk.numbers
    place = STEPS.index(scene.view.step) + 1
    st.header(f"{place} of {len(STEPS)} · {TITLES[scene.view.step]}", anchor=False)
    st.caption(
        f"{scene.view.model} · {image_caption(scene, scene.view.image)} · explained: {target_caption(scene)} · "
        f"layer {numbers.layer}, {walk.count:,} channels of {grid_caption(numbers.grid)}"
    )
    if not walk.has_numbers:
        st.error("Not finite: this layer's activations or gradients hold NaN or infinity, so there is nothing to walk through.")
        return
    show_step(walk)


def _steps(scene: Scene) -> None:
    """A button for each step, and one back and one on."""
    shown = STEPS.index(scene.view.step)
    with st.container(horizontal=True, gap="xsmall", key="walk-steps"):
        st.button("Step back", shortcut="Shift+Left", disabled=shown == 0, on_click=_move, args=(-1,))
        for place, step in enumerate(STEPS):
            st.button(
                NAMES[step],
                key=f"step-{step}",
                shortcut=str(place + 1),
                type="primary" if place == shown else "secondary",
                on_click=change_view,
                kwargs={"step": step},
            )
        st.button("Next step", shortcut="Shift+Right", disabled=shown == len(STEPS) - 1, on_click=_move, args=(1,))


def _move(by: int) -> None:
    """Counted from the newest view, so that presses during a run add up."""
    place = STEPS.index(current_view().step) + by
    change_view(step=STEPS[min(max(place, 0), len(STEPS) - 1)])


show_page("how_it_works", _draw)
