"""The channels of a layer as tiles or as bars; one is chosen with a click or the keyboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime import get_instance

from dashboard.figures.colours import VARIABLES
from dashboard.figures.map_figure import Scale
from dashboard.topics.walk.channel_sprite import COLUMNS, Tiles, channel_tiles, side_for
from dashboard.topics.walk.walk import MOST, Walk
from dashboard.view.address import change_view, current_view
from dashboard.view.captions import grid_caption
from dashboard.view.record import note_picture
from dashboard.widgets.image_grid import grid_asset
from dashboard.widgets.pickers import choice
from explain_lib.base.words import proper_minus
from explain_lib.pictures.rendering import png

KEY = "channel_grid"
NAMED, VALUED = 40, 56
"""How wide a tile is at least that has its number, and its value, under it; a smaller one has them in its tooltip."""

FEW = 16
"""So many bars have room for their values under them."""

_GRID = st.components.v2.component(
    KEY,
    html='<div class="sprite-grid channel-grid"><div class="legend"></div><div class="channels" role="group"></div></div>',
    css=VARIABLES + grid_asset("channel_grid.css"),
    js=grid_asset("channel_grid.js"),
    isolate_styles=False,
)

THUMBNAIL = 40
ORDERS = {"number": "by number", "weight": "by weight"}
COMMON = "one range for all channels"


def order_picker(walk: Walk) -> None:
    """In which order the channels stand."""
    words = "By number: as the layer has them. By weight: the largest weight first."
    choice("channels", "Channels", ORDERS, walk.scene.view.channels, words)


def show_tiles(
    walk: Walk,
    title: str,
    values: NDArray[np.float32],
    scale: Scale,
    numbers: Sequence[str],
    *,
    by_weight: bool,
    what: str,
    switches: bool = False,
) -> None:
    """All channels as tiles, float32 (C, h, w), to look at with a click or, with `switches`, to switch off and on.

    numbers: one for each channel. what: its meaning, in a few words.
    """
    channels = walk.channels(by_weight=by_weight)
    tiles = channel_tiles(values[list(channels)], scale, side_for(len(channels)))
    shown = _Shown(
        title=title,
        channels=channels,
        values=[numbers[k] for k in channels],
        words=[f"{what} {numbers[k]}" for k in channels],
        picked=walk.channel,
        tiles=tiles,
        scale=scale,
        scale_words=f"{COMMON}{_reduced(walk, tiles)}" + (f"; under each its {what}" if tiles.width >= VALUED else ""),
        left_out=walk.left_out if switches else (),
        switches=switches,
    )
    _show(shown, _toggle if switches else _pick)
    _say_bounded(walk)


def show_bars(
    walk: Walk,
    title: str,
    values: NDArray[np.float32] | NDArray[np.float64],
    numbers: Sequence[str],
    pictures: NDArray[np.float32] | None = None,
    scale: Scale | None = None,
) -> None:
    """All channels as bars, float (C,), to look at with a click. numbers: what stands under each. pictures, scale: a tile under
    each bar, where there is room.
    """
    channels = walk.channels(by_weight=walk.scene.view.channels == "weight")
    tiles = None
    if pictures is not None and scale is not None and len(channels) <= FEW:
        tiles = channel_tiles(pictures[list(channels)], scale, THUMBNAIL)
    shown = _Shown(
        title=title,
        channels=channels,
        values=[numbers[k] for k in channels],
        words=[numbers[k] for k in channels],
        picked=walk.channel,
        bars=[float(values[k]) for k in channels],
        tiles=tiles,
        scale=scale if tiles else None,
        scale_words=f"gradients, under the bars; {COMMON}" if tiles else "",
    )
    _show(shown, _pick)
    _say_bounded(walk)


def _pick(channel: int) -> None:
    change_view(channel=channel)


def _toggle(channel: int) -> None:
    """Switch a channel, and look at it; counted from the newest view, so that clicks during a run add up."""
    off = set(current_view().without) ^ {channel}
    change_view(without=tuple(sorted(off)), channel=channel)


def _say_bounded(walk: Walk) -> None:
    if walk.count > MOST:
        st.caption(
            f"These {MOST} of {walk.count:,} channels have the largest shares of the map; look at any other by its number."
        )


def _reduced(walk: Walk, tiles: Tiles) -> str:
    if tiles.cells == walk.numbers.grid:
        return ""
    return f"; reduced from {grid_caption(walk.numbers.grid)} to {grid_caption(tiles.cells)} cells by averaging"


# Section: the component


@dataclass(frozen=True)
class _Shown:
    """Channels as they stand: their numbers, what is written under each, and what its tooltip says after its number.

    title: what they are, for those who hear it read. bars: the height of each, None for tiles alone. tiles: their pictures,
    None for bars alone. scale, scale_words: the colours of the tiles, and what is said of them. picked: the channel that is
    looked at. left_out: those that are switched off; switches: whether a click switches.
    """

    title: str
    channels: Sequence[int]
    values: Sequence[str]
    words: Sequence[str]
    picked: int
    bars: Sequence[float] | None = None
    tiles: Tiles | None = None
    scale: Scale | None = None
    scale_words: str = ""
    left_out: Sequence[int] = ()
    switches: bool = False


def _show(shown: _Shown, on_choose: Callable[[int], None]) -> None:
    """Show them; `on_choose` gets the number of the chosen channel."""

    def chosen() -> None:
        on_choose(int(st.session_state[KEY]["chosen"]))

    tiles, bars = shown.tiles, shown.bars
    high, low = (0.0, 0.0) if bars is None else (max(0.0, *bars), min(0.0, *bars))
    span, width = (high - low) or 1.0, 0 if tiles is None else tiles.width
    few_bars = bars is not None and len(shown.channels) <= FEW
    data = {
        "title": shown.title,
        "sprite": None if tiles is None else _address(shown.title, png(tiles.sprite)),
        "columns": COLUMNS,
        "width": width,
        "height": 0 if tiles is None else tiles.height,
        "channels": list(shown.channels),
        "words": list(shown.words),
        "numbers": width >= NAMED or bars is not None,
        "values": list(shown.values) if width >= VALUED or few_bars else None,
        "bars": None if bars is None else list(bars),
        "span": span,
        "zero": high / span * 100,
        "legend": _legend(shown),
        "switches": shown.switches,
    }
    marks = {"picked": shown.picked, "left_out": list(shown.left_out)}
    _GRID(data=data | marks | {"revision": f"{hash(repr(data))}"}, key=KEY, on_chosen_change=chosen)


def _address(title: str, sprite: bytes) -> str:
    """Where the browser finds the picture of all tiles, which can be taken home too."""
    note_picture(f"{title}, in rows of {COLUMNS}", title, lambda: sprite, len(sprite))
    return get_instance().media_file_mgr.add(sprite, "image/png", KEY)


def _legend(shown: _Shown) -> dict[str, object] | None:
    if shown.scale is None:
        return None
    scale = shown.scale
    low, high = (proper_minus(f"{value:+.3g}") if scale.low < 0 else f"{value:.3g}" for value in (scale.low, scale.high))
    return {"colours": [colour for _, colour in scale.colours], "low": low, "high": high, "words": shown.scale_words}
