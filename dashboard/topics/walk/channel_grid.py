"""The channels of a layer as tiles or as bars; one is chosen with a click or the keyboard."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime import get_instance

from dashboard.figures.colours import VARIABLES
from dashboard.figures.scale import Scale
from dashboard.topics.walk.channel_sprite import COLUMNS, Tiles, channel_tiles, side_for
from dashboard.topics.walk.walk import MOST, Walk
from dashboard.view.address import change_view, current_view
from dashboard.view.captions import grid_caption
from dashboard.view.field import Value
from dashboard.view.record import note_picture
from dashboard.widgets.image_grid import grid_asset
from dashboard.widgets.pickers import choice
from explain_lib.base.words import short
from explain_lib.pictures.rendering import png

KEY = "channel_grid"
NAMED, VALUED = 40, 56
"""The least widths of a tile with its number, and with its value, under it; a smaller one has them in its tooltip."""

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
ORDERS = {"weight": "largest |α| first", "number": "by number"}
COMMON = "one range for all channels"


def order_picker(walk: Walk) -> None:
    """In which order the channels stand."""
    words = "Largest |α| first: by the size of the weight, positive or negative. By number: in the layer's own order."
    choice("channels", "Channels", ORDERS, walk.scene.view.channels, words)


def show_tiles(
    walk: Walk,
    title: str,
    values: NDArray[np.float32],
    scale: Scale,
    numbers: Sequence[str],
    *,
    what: str,
    switches: bool = False,
) -> None:
    """All channels as tiles, float32 (C, h, w), to look at with a click or, with `switches`, to switch off and on.

    numbers: one for each channel. what: its meaning, in a few words.
    """
    channels = walk.channels
    tiles = channel_tiles(values[list(channels)], scale, side_for(len(channels)))
    scale_words = f"{COMMON}{_reduced(walk, tiles)}" + (f"; under each its {what}" if tiles.width >= VALUED else "")
    shown = [numbers[k] for k in channels]
    words = [f"{what} {number}" for number in shown]
    _show(walk, title, channels, shown, words, tiles=tiles, scale=scale, scale_words=scale_words, switches=switches)


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
    channels = walk.channels
    shown, bars = [numbers[k] for k in channels], [float(values[k]) for k in channels]
    if pictures is None or scale is None or len(channels) > FEW:
        _show(walk, title, channels, shown, shown, bars=bars)
        return
    tiles = channel_tiles(pictures[list(channels)], scale, THUMBNAIL)
    scale_words = f"gradients, under the bars; {COMMON}"
    _show(walk, title, channels, shown, shown, bars=bars, tiles=tiles, scale=scale, scale_words=scale_words)


def _reduced(walk: Walk, tiles: Tiles) -> str:
    if tiles.cells == walk.numbers.grid:
        return ""
    return f"; reduced from {grid_caption(walk.numbers.grid)} to {grid_caption(tiles.cells)} cells by averaging"


# Section: the component


def _show(
    walk: Walk,
    title: str,
    channels: Sequence[int],
    values: Sequence[str],
    words: Sequence[str],
    *,
    bars: Sequence[float] | None = None,
    tiles: Tiles | None = None,
    scale: Scale | None = None,
    scale_words: str = "",
    switches: bool = False,
) -> None:
    """Channels by their numbers, the value under each, and the words of its tooltip; a click looks at one, or switches it too.

    title: their name, for those who hear it read. bars: the height of each, None for tiles alone. tiles: their pictures, None
    for bars alone. scale, scale_words: the colours of the tiles, and their meaning.
    """

    def chosen() -> None:
        channel = int(st.session_state[KEY]["chosen"])
        # counted from the newest view, so that clicks during a run add up
        changes: dict[str, Value] = {"without": tuple(sorted({*current_view().without} ^ {channel}))} if switches else {}
        change_view(**changes, channel=channel)

    high, low = (0.0, 0.0) if bars is None else (max(0.0, *bars), min(0.0, *bars))
    span, width = (high - low) or 1.0, 0 if tiles is None else tiles.width
    few_bars = bars is not None and len(channels) <= FEW
    data = {
        "title": title,
        "sprite": None if tiles is None else _address(title, png(tiles.sprite)),
        "columns": COLUMNS,
        "width": width,
        "height": 0 if tiles is None else tiles.height,
        "channels": list(channels),
        "words": list(words),
        "numbers": width >= NAMED or bars is not None,
        "values": list(values) if width >= VALUED or few_bars else None,
        "bars": None if bars is None else list(bars),
        "span": span,
        "zero": high / span * 100,
        "legend": None if scale is None else _legend(scale, scale_words),
        "switches": switches,
    }
    marks = {"picked": walk.channel, "left_out": list(walk.left_out if switches else ())}
    _GRID(data=data | marks | {"revision": f"{hash(repr(data))}"}, key=KEY, on_chosen_change=chosen)
    if walk.count > MOST:
        st.caption(
            f"These {MOST} of {walk.count:,} channels have the largest shares of the map; choose any other by its number."
        )


def _address(title: str, sprite: bytes) -> str:
    """The address of the picture of all tiles, which can be taken home too."""
    note_picture(f"{title}, in rows of {COLUMNS}", title, lambda: sprite, len(sprite))
    return get_instance().media_file_mgr.add(sprite, "image/png", KEY)


def _legend(scale: Scale, words: str) -> dict[str, object]:
    low, high = (short(value, sign=scale.low < 0) for value in (scale.low, scale.high))
    return {"colours": [colour for _, colour in scale.colours], "low": low, "high": high, "words": words}
