"""A map over its picture, or the picture and a badge where there is nothing to paint."""

import explain_lib as xl
from dashboard.components.map_card import NO_EVIDENCE, state_badge
from dashboard.components.pictures import show_exact
from dashboard.figures.map_words import where_words
from explain_lib.maps import Map
from explain_lib.rendering import Picture, enlarge


def show_overlay(
    picture: Picture, values: Map, drawing: xl.Drawing, reach: float | None, words: str, side: int, caption: str = ""
) -> None:
    """The overlay, `side` pixels wide; a zero, constant or not finite map is named and not painted."""
    state, drawn = xl.map_state(values), overlay_or_picture(picture, values, drawing, reach, side)
    if state is xl.MapState.VARIED:
        show_exact(drawn, caption, f"Overlay: {words}; {where_words(values)}")
        return
    show_exact(drawn, "", f"The picture alone, the map is {state.value}: {words}")
    state_badge(state, NO_EVIDENCE, short=side < 200)


def overlay_or_picture(picture: Picture, values: Map, drawing: xl.Drawing, reach: float | None, side: int) -> Picture:
    """The overlay uint8 (side, side, 3), or the picture alone where the map has nothing to paint."""
    if xl.map_state(values) is not xl.MapState.VARIED:
        return enlarge(picture, side, side)
    return xl.draw_overlay(picture, values, drawing, side, reach)
