"""A map over its picture, or the picture and a badge where there is nothing to paint."""

import explain_lib as xl
from dashboard.components.map_card import NO_EVIDENCE, state_badge
from dashboard.components.pictures import show_exact, show_picture
from explain_lib.maps import Map
from explain_lib.rendering import Picture


def show_overlay(
    picture: Picture, values: Map, drawing: xl.Drawing, reach: float | None, words: str, side: int, caption: str = ""
) -> None:
    """The overlay, `side` pixels wide; a zero, constant or not finite map is named and not painted."""
    state = xl.map_state(values)
    if state is xl.MapState.VARIED:
        show_exact(xl.draw_overlay(picture, values, drawing, side, reach), caption, f"Overlay: {words}")
        return
    show_picture(picture, "", f"The picture alone, the map is {state.value}: {words}", side)
    state_badge(state, NO_EVIDENCE, short=side < 200)
