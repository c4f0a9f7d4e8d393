"""From a to b, one setting at a time: the maps on the way to point at, and a and b in turn beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

import explain_lib as xl
from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Action, Panel
from dashboard.figures.scale import Scale
from dashboard.topics.sides.cause_words import causes_with_effect, differ, setting_words
from dashboard.topics.sides.pair import Pair
from dashboard.topics.sides.side import batch_and_place, common_scale
from dashboard.view import terms
from dashboard.view.address import bound, change_view
from dashboard.widgets.explained import place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map
from explain_lib.base.words import fine
from explain_lib.compare.comparison import mean_absolute_difference

SIDE, THUMBNAIL = 224, 96


@dataclass(frozen=True)
class _Way:
    """From a to b. effect: the settings that have one. stops: the settings taken from b so far, at each stop. maps: float32
    (stops, H, W). chosen: of the stops.
    """

    found: xl.Decomposition
    effect: frozenset[str]
    stops: tuple[tuple[str, ...], ...]
    maps: Map
    chosen: int

    def title(self, stop: int) -> str:
        """What the stop before lacks."""
        if stop == 0:
            return "a"
        new = self.stops[stop][len(self.stops[stop - 1]) :]
        counting = [name for name in new if name in self.effect] or new
        ends = " = b" if stop == len(self.stops) - 1 else ""
        return f"+ {', '.join(map(setting_words, counting))}{ends}"

    def far(self, stop: int) -> float:
        """The mean distance to b."""
        return mean_absolute_difference(self.maps[stop], self.found.b)


def show_way(pair: Pair, found: xl.Decomposition | None) -> None:
    """The maps from a to b, of which one is large, and a and b in turn. found: None where a map on the way has another size."""
    way = None if found is None or not differ(found) else _way(pair, found)
    st.markdown("**From a to b, one setting at a time**" if way else "**a and b in turn**", help=terms.STEPS if way else None)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="aside-steps"):
        st.toggle("Flicker between a and b", **bound("flicker", pair.scene.view.flicker), help=terms.FLICKER)
        if way:
            _other_order(way)
    rows = _rows(pair, way)
    if rows:
        show_stage(Stage(rows, key="stage-steps", line_after=None))


def way_rows(pair: Pair, found: xl.Decomposition | None) -> tuple[Row, ...]:
    """The rows of show_way: the chosen map, large, with a and b in turn if the view says so, and all maps from a to b."""
    return _rows(pair, None if found is None or not differ(found) else _way(pair, found))


def _rows(pair: Pair, way: _Way | None) -> tuple[Row, ...]:
    in_turn = (_in_turn(pair),) if pair.scene.view.flicker else ()
    if way is None:
        return (Row(in_turn),) if in_turn else ()
    large, strip = _way_rows(pair, way)
    return Row((*large.panels, *in_turn), caption=large.caption), strip


def _way(pair: Pair, found: xl.Decomposition) -> _Way:
    """First the settings that the view has taken, then the largest effect; settings without effect come with the last one."""
    taken = tuple(name for name in pair.scene.view.steps if name in found.settings)
    by_size = sorted(found.settings, key=lambda name: -abs(found.causes[name]))
    order = (*taken, *(name for name in by_size if name not in taken))
    effect = frozenset(name for name, _ in causes_with_effect(found))
    ends = [count for count, name in enumerate(order, 1) if name in effect]
    stops = tuple(order[:count] for count in sorted({0, *ends[:-1], len(taken), len(order)}))
    pixels, index = batch_and_place(pair.scene, pair.a.configuration, pair.b.configuration)
    settings = pair.a.configuration.settings, pair.b.configuration.settings
    maps = xl.decomposition_steps(pair.scene.model, pixels, index, order, *settings, pair.scene.target)
    return _Way(found, effect, stops, np.asarray(maps[[len(stop) for stop in stops]]), stops.index(taken))


def _way_rows(pair: Pair, way: _Way) -> tuple[Row, Row]:
    """The chosen map, large, and all of them as thumbnails."""
    scale = common_scale(way.maps, (pair.a, pair.b))
    panels = tuple(_panel(pair, way, scale, stop) for stop in range(len(way.stops)))
    caption = f"{fine(way.far(way.chosen), 4)} from b"
    large = replace(panels[way.chosen], name="step", width=SIDE, caption=caption, bar=True, previews=True)
    large = replace(large, action=None, chosen=False, shows="")
    hint = f"Point at a map to see it large; click to keep it. Below each: its mean distance to b. One scale: {scale.words}."
    return Row((large,)), Row(panels, caption=hint, strip=True)


def _panel(pair: Pair, way: _Way, scale: Scale, stop: int) -> Panel:
    words = way.title(stop)
    return Panel(
        f"step-{stop}", _alt(way, stop), THUMBNAIL, title=words, label=f"step {stop}", caption=fine(way.far(stop), 4),
        values=way.maps[stop], drawing=scale.drawing, reach=scale.high, place=place_of(pair.scene), shows=words,
        action=Action("shows this map", {"steps": way.stops[stop]}), chosen=stop == way.chosen,
    )  # fmt: skip


def _alt(way: _Way, stop: int) -> str:
    return f"Step {way.title(stop)}, mean distance to b {fine(way.far(stop), 4)}; {where_words(way.maps[stop])}"


def _in_turn(pair: Pair) -> Panel:
    return Panel(
        "flicker", f"{pair.a.title} and {pair.b.title} in turn", SIDE, title=pair.a.title, label="in turn",
        values=pair.a.values, turn=pair.b.values, turn_title=pair.b.title, drawing=pair.scale.drawing, reach=pair.scale.high,
        place=place_of(pair.scene), bar=True,
    )  # fmt: skip


def _other_order(way: _Way) -> None:
    """The settings that are left, to take one of them next."""
    taken, settings = way.stops[way.chosen], way.found.settings
    left: Sequence[str] = [name for name in settings if name not in taken]
    with st.popover("Another order", help="The order changes how much each setting seems to do."):
        if left:
            st.caption("Take next from b:")
        for name in left:
            st.button(setting_words(name), key=f"take-{name}", on_click=change_view, kwargs={"steps": (*taken, name)})
        if taken:
            st.button("Back to a", on_click=change_view, kwargs={"steps": ()})
