"""From one side to the other, one setting at a time, in the order that a person picks."""

import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.figures.scale import Scale
from dashboard.topics.sides.cause_words import setting_words
from dashboard.topics.sides.side import Side, batch_and_place, common_scale
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.scene import Scene
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.words import fine
from explain_lib.compare.comparison import mean_absolute_difference

SIDE = 160


def show_steps(scene: Scene, a: Side, b: Side, found: xl.Decomposition) -> None:
    """The maps on the way, each under the setting that it takes from b, and buttons for the settings that are left."""
    if not found.settings:
        return
    st.markdown("**From a to b, one setting at a time**", help=terms.STEPS)
    taken = tuple(name for name in scene.view.steps if name in found.settings)
    by_size = sorted(found.settings, key=lambda name: -abs(found.causes[name]))
    _buttons(taken, tuple(name for name in by_size if name not in taken))
    maps = _maps(scene, a, b, taken) if taken else found.a[None]
    scale = common_scale(maps, (a, b))
    panels = tuple(_panel(scene, found, scale, maps, taken, count) for count in range(len(maps)))
    caption = f"One colour scale for all steps: {scale.words}. Below each: the mean absolute differences."
    show_stage(Stage((Row(panels, caption=caption),), key="stage-steps"))


def _maps(scene: Scene, a: Side, b: Side, taken: tuple[str, ...]) -> Map:
    """The map under a, then after each setting taken from b: float32 (steps + 1, H, W)."""
    pixels, index = batch_and_place(scene, a.configuration, b.configuration)
    return xl.decomposition_steps(
        scene.model, pixels, index, taken, a.configuration.settings, b.configuration.settings, scene.target
    )


def _panel(scene: Scene, found: xl.Decomposition, scale: Scale, maps: Map, taken: tuple[str, ...], count: int) -> Panel:
    """The map after so many steps; maps: float32 (steps + 1, H, W)."""
    words = "a" if count == 0 else f"{count} · {setting_words(taken[count - 1])}"
    if count == len(found.settings):
        words += " = b"
    values, far = maps[count], mean_absolute_difference(maps[count], found.b)
    step = f"{fine(mean_absolute_difference(maps[count - 1], values), 4)} from the last, " if count else ""
    return Panel(
        f"step-{count}", f"Step {words}, mean distance to b {fine(far, 4)}; {where_words(values)}", SIDE, title=words,
        label=f"step {count}", caption=f"{step}{fine(far, 4)} from b", values=values, drawing=scale.drawing, reach=scale.high,
        place=place_of(scene),
    )  # fmt: skip


def _buttons(taken: tuple[str, ...], left: tuple[str, ...]) -> None:
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="aside-steps"):
        if left:
            st.caption("Take from b:", width="content")
        for name in left:
            st.button(setting_words(name), key=f"take-{name}", on_click=change_view, kwargs={"steps": (*taken, name)})
        if len(left) > 1:
            st.button("All that are left", on_click=change_view, kwargs={"steps": (*taken, *left)})
        if taken:
            st.button("One step back", on_click=change_view, kwargs={"steps": taken[:-1]})
            st.button("Back to a", on_click=change_view, kwargs={"steps": ()})
