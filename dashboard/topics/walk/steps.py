"""The network, and the six steps of Grad-CAM, each with its formula, its picture and its numbers."""

from collections.abc import Callable, Mapping
from typing import get_args

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.topics.walk.channel_grid import order_picker, show_bars, show_tiles
from dashboard.topics.walk.channel_panel import show_channel
from dashboard.topics.walk.network_map import show_network
from dashboard.topics.walk.panels import step_rows
from dashboard.topics.walk.walk import Walk
from dashboard.topics.walk.walk_words import (
    activation_words,
    gradient_words,
    network_words,
    signed,
    sum_words,
    thrown_away_words,
    weight_words,
)
from dashboard.view import terms
from dashboard.view.address import change_view, current_view
from dashboard.view.captions import grid_caption, image_caption
from dashboard.view.scene import Scene
from dashboard.view.view import Step
from dashboard.widgets.drawing_controls import drawing_words, placement_words
from dashboard.widgets.stage import Stage, show_stage
from explain_lib.base.words import percent, short

STEPS: tuple[Step, ...] = get_args(Step)
NAMES = {
    "network": "Network",
    "forward": "Forward",
    "gradient": "Gradient",
    "weights": "Weights",
    "sum": "Sum",
    "relu": "ReLU",
    "enlarge": "Enlarge",
}
TITLES = {
    "network": "Where in the network?",
    "forward": "What does the layer find, and where?",
    "gradient": "How much does the score care?",
    "weights": "One weight for each channel",
    "sum": "All channels, weighted and added up",
    "relu": "Only what speaks for the answer",
    "enlarge": "From the grid to the picture",
}
STEP_KEYS = (("0 to 6", "the step of that number"), ("Shift+→, Shift+←", "the next step, the one before"))


def step_title(step: Step) -> str:
    """The number of a step, and the question that it answers."""
    return f"{STEPS.index(step)} of {len(STEPS) - 1} · {TITLES[step]}"


def step_buttons(scene: Scene) -> None:
    """A button for each step."""
    with st.container(horizontal=True, gap="xsmall", key="walk-steps"):
        for place, step in enumerate(STEPS):
            st.button(
                NAMES[step],
                key=f"step-{step}",
                shortcut=str(place),
                type="primary" if step == scene.view.step else "secondary",
                on_click=change_view,
                kwargs={"step": step},
            )


def turn_buttons(scene: Scene) -> None:
    """A step back, and one on."""
    shown = STEPS.index(scene.view.step)
    with st.container(horizontal=True, gap="xsmall", key="walk-steps-turn"):
        st.button("Step back", shortcut="Shift+Left", disabled=shown == 0, on_click=_move, args=(-1,))
        st.button("Next step", shortcut="Shift+Right", disabled=shown == len(STEPS) - 1, on_click=_move, args=(1,))


def _move(by: int) -> None:
    """Counted from the newest view, so that presses during a run add up."""
    place = STEPS.index(current_view().step) + by
    change_view(step=STEPS[min(max(place, 0), len(STEPS) - 1)])


def show_step(walk: Walk) -> None:
    """The pictures of the step that the view names, with all channels under them; beside them what it means, and the channel
    that is looked at. The first step and the last are about none of them.
    """
    scene, step = walk.scene, walk.scene.view.step
    words, below = _STEPS[step]
    left, right = st.columns([5, 2] if step == "network" else [3, 2] if scene.view.present else [2, 1], gap="medium")
    with left:
        if step == "network":
            _network_map(walk)
        else:
            with st.container(key="walk-stage"):
                show_stage(walk_stage(walk))
        step_buttons(scene)
        below(walk)
    with right:
        st.header(step_title(step), anchor=False)
        turn_buttons(scene)
        st.caption(_where(walk))
        words(walk)
        if step not in ("network", "enlarge"):
            show_channel(walk)


def walk_stage(walk: Walk) -> Stage:
    """The pictures of a step other than the network."""
    return Stage(step_rows(walk), line_after=2, slider="nearest-over", fits=2)


def _where(walk: Walk) -> str:
    numbers = walk.numbers
    picked = image_caption(walk.scene, walk.scene.view.image)
    return f"{picked} · layer {numbers.layer}, {walk.count:,} channels of {grid_caption(numbers.grid)}"


# Section: 0, network


def _network(walk: Walk) -> None:
    if walk.graph is None:
        st.warning("This network cannot be drawn: it does not run while its operations are recorded. The other steps work.")
        return
    st.markdown(network_words(walk.graph, walk.numbers.layer, walk.numbers.grid, walk.count))


def _network_map(walk: Walk) -> None:
    if walk.graph is not None:
        show_network(walk.scene, walk.graph)


# Section: 1, forward


def _forward(walk: Walk) -> None:
    numbers, (height, width) = walk.numbers, walk.scene.model.input_size
    _say(
        f"The picture has run through the network up to layer {numbers.layer}. What came out there is no longer one picture of "
        f"{width} × {height} pixels but **{walk.count:,} small grids of {grid_caption(numbers.grid)} cells**, one for each "
        "channel: its activations. A channel responds to one kind of pattern; a cell far above zero means that there is much "
        "of it, a cell far below zero that there is much of its opposite.",
        rf"A_0, \ldots, A_{{{walk.count - 1}}} \in \mathbb{{R}}^{{{numbers.grid[0]} \times {numbers.grid[1]}}}",
    )
    st.markdown(activation_words(numbers.activation))


def _activations(walk: Walk) -> None:
    numbers = walk.numbers
    values = [short(peak) for peak in numbers.activation.max((1, 2))]
    _early_order(walk)
    show_tiles(walk, "Activations", numbers.activation, walk.activation_scale, values, what="largest cell")


# Section: 2, gradient


def _gradient(walk: Walk) -> None:
    numbers = walk.numbers
    _say(
        f"**y = {short(numbers.score)}** is {walk.score_words}: the number to explain. Now the question goes backwards, for "
        f"every cell of every channel: if this activation were a little higher, by how much would y change? "
        "**Red: y would rise. Blue: y would fall. White: y would not change.**",
        r"\frac{\partial y}{\partial A_k}\quad\text{for each cell},\qquad y = " + short(numbers.score).replace("−", "-"),
    )
    st.markdown(gradient_words(numbers.gradient))


def _gradients(walk: Walk) -> None:
    numbers = walk.numbers
    values = [signed(one.flat[np.abs(one).argmax()]) for one in numbers.gradient]
    _early_order(walk)
    show_tiles(walk, "Gradients", numbers.gradient, walk.gradient_scale, values, what="strongest cell")


# Section: 3, weights


def _weights(walk: Walk) -> None:
    numbers, k = walk.numbers, walk.channel
    cells, weights = numbers.grid[0] * numbers.grid[1], numbers.weights
    _say(
        "Each channel's gradients are averaged over the grid into **one number, its weight α**. Above zero (red): the more "
        "the channel finds, the higher y. Below zero (blue): the lower y. The places where the gradient was strong are lost "
        "here.",
        rf"\begin{{gathered}}\alpha_k = \frac{{1}}{{h\,w}} \sum_{{i,j}} \frac{{\partial y}}{{\partial A_{{k,ij}}}}\\[1.2ex]"
        rf"\alpha_{{{k}}} = \frac{{{_tex(float(numbers.gradient[k].sum(dtype=np.float64)))}}}{{{cells}}} = "
        rf"{_tex(float(numbers.weights[k]))}\end{{gathered}}",
    )
    st.markdown(weight_words(weights))


def _weight_bars(walk: Walk) -> None:
    numbers, weights = walk.numbers, walk.numbers.weights
    order_picker(walk)
    show_bars(walk, "Weights", weights, [signed(one) for one in weights], numbers.gradient, walk.gradient_scale)


# Section: 4, sum


def _sum(walk: Walk) -> None:
    _say(
        "Each channel's activations are multiplied by its weight, and all channels are laid on top of each other: red and blue "
        "add up or cancel, cell by cell. **Click a channel below to switch it off or on**, and watch the sum.",
        r"S = \sum_k \alpha_k A_k" if not walk.left_out else r"S = \sum_{k\ \text{switched on}} \alpha_k A_k",
    )
    st.markdown(sum_words(walk.numbers, walk.left_out))
    st.caption(f"The maps are {_TWO_SIDES}.")


def _added(walk: Walk) -> None:
    numbers = walk.numbers
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _switches(walk)
        order_picker(walk)
    values = [signed(one) for one in numbers.promised]
    show_tiles(
        walk, "What each channel adds", numbers.contributions, walk.contribution_scale, values,
        what="part of the sum of all cells", switches=True,
    )  # fmt: skip


def _switches(walk: Walk) -> None:
    """Buttons that switch many channels at once."""
    weights, every = walk.numbers.weights, range(walk.count)
    groups: Mapping[str, tuple[int, ...]] = {
        "All on": (),
        "Only α above 0": tuple(np.flatnonzero(weights <= 0).tolist()),
        "Only α below 0": tuple(np.flatnonzero(weights >= 0).tolist()),
        f"Only channel {walk.channel}": tuple(k for k in every if k != walk.channel),
        "All off": tuple(every),
    }
    with st.container(horizontal=True, gap="xsmall", width="content"):
        for name, off in groups.items():
            changes, is_so = {"without": off}, off == walk.left_out
            st.button(name, key=f"switch-{name}", on_click=change_view, kwargs=changes, disabled=is_so)


# Section: 5, ReLU


def _relu(walk: Walk) -> None:
    before = walk.signed
    _say(
        "A cell below zero (blue) lowers y: it speaks against the answer. Grad-CAM keeps only what speaks **for** it, and "
        "sets all these cells to zero. What is left is the map.",
        r"L = \operatorname{ReLU}(S) = \max(S,\, 0)\quad\text{in each cell}",
    )
    _note_left_out(walk)
    st.markdown(thrown_away_words(before))
    st.caption(f"Both maps are in the same colours: {_TWO_SIDES}.")


def _shares(walk: Walk) -> None:
    if not walk.numbers.map.any():
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order_picker(walk)
        st.markdown(
            "**Which channels made the map?** Each one's share:",
            help=terms.CHANNEL_SHARE + terms.see("weight"),
            width="content",
        )
    shares = walk.numbers.shares
    show_bars(walk, "Shares of the map", shares, [percent(one, sign=True) for one in shares])


# Section: 6, enlarge


def _enlarge(walk: Walk) -> None:
    height, width = walk.scene.model.input_size
    rows, columns = walk.numbers.grid
    _say(
        f"The map has {grid_caption((rows, columns))} cells, the picture {width} × {height} pixels: {_spacing(walk)}. To "
        f"cover the picture, the map is enlarged, so that each pixel gets a number. Repeating each cell shows what was "
        f"computed; "
        "**a smooth map looks more exact than it is.**",
        rf"{columns} \times {rows}\ \longrightarrow\ {width} \times {height}",
    )
    _note_left_out(walk)
    if xl.map_state(walk.map) is not xl.MapState.VARIED:
        return
    st.markdown(
        "Bilinear: between the centres of two cells the number changes evenly, so the strongest cell keeps its number only if "
        "a pixel is exactly at its centre. Point at a picture to see which pixels belong to a cell."
    )
    placed = placement_words(walk.scene, walk.scene.layer, border=False)
    st.caption(f"{placed} All are on the scale of the map, from 0 to {short(walk.map.max())}. {drawing_words(walk.scene.view)}")


def _spacing(walk: Walk) -> str:
    """How many pixels of the picture go to a cell."""
    (rows, columns), (height, width), centres = walk.numbers.grid, walk.scene.model.input_size, walk.centres
    if centres is None or min(rows, columns) < 2:
        return f"one cell stands for {short(width / columns)} × {short(height / rows)} pixels"
    down, across = centres.spacing
    return f"two cells look at places {short(across)} pixels apart across, and {short(down)} down"


def _nothing(_: Walk) -> None:
    """Some steps are about no channel."""


# Section: what the steps share


def _say(words: str, formula: str) -> None:
    st.latex(formula)
    st.markdown(words)


def _early_order(walk: Walk) -> None:
    """The order of the channels in the steps that come before their weights."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        order_picker(walk)
        if walk.scene.view.channels == "weight":
            st.caption("By the weights of step 3.", width="content")


def _tex(value: float) -> str:
    """A number in a formula, a power of ten written as one."""
    digits, _, power = short(value).replace("−", "-").partition("e")
    return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits


_TWO_SIDES = "red above zero, white 0, blue below"


def _note_left_out(walk: Walk) -> None:
    if len(walk.left_out) == walk.count:
        st.warning("All channels are switched off in step 4, so there is no map. Switch some on again there.")
    elif walk.left_out:
        st.warning(
            f"{len(walk.left_out):,} of {walk.count:,} channels are switched off in step 4: this is the map of the others, not "
            "Grad-CAM's. Switch all on again there."
        )


Part = Callable[[Walk], None]
_STEPS: Mapping[Step, tuple[Part, Part]] = {
    "network": (_network, _nothing),
    "forward": (_forward, _activations),
    "gradient": (_gradient, _gradients),
    "weights": (_weights, _weight_bars),
    "sum": (_sum, _added),
    "relu": (_relu, _shares),
    "enlarge": (_enlarge, _nothing),
}
"""What is said of each step, and what stands under its pictures."""
