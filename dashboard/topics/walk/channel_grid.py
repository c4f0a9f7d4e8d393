"""The channels of a layer as tiles or as bars; one is chosen with a click or the keyboard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime import get_instance

from dashboard import ASSETS
from dashboard.figures.colours import VARIABLES
from dashboard.figures.map_figure import Scale
from dashboard.topics.walk.channel_sprite import COLUMNS, Tiles
from dashboard.view.record import note_picture
from dashboard.widgets.image_grid import grid_script
from explain_lib.base.words import proper_minus
from explain_lib.pictures.rendering import png

KEY = "channel_grid"
NAMED, VALUED = 40, 56
"""How wide a tile is at least that has its number, and its value, under it; a smaller one has them in its tooltip."""

FEW = 16
"""So many bars have room for their values under them."""

_GRID = st.components.v2.component(
    KEY,
    html='<div class="channel-grid"><div class="legend"></div><div class="channels" role="group"></div></div>',
    css=VARIABLES + (ASSETS / "channel_grid.css").read_text(),
    js=grid_script("channel_grid"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Shown:
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


def show_channels(shown: Shown, on_choose: Callable[[int], None]) -> None:
    """Show them; `on_choose` gets the number of the chosen channel."""

    def chosen() -> None:
        on_choose(int(st.session_state[KEY]["chosen"]))

    tiles, bars = shown.tiles, shown.bars
    sprite = None if tiles is None else _address(shown.title, png(tiles.sprite))
    high, low = (0.0, 0.0) if bars is None else (max(0.0, *bars), min(0.0, *bars))
    span = (high - low) or 1.0
    width, few_bars = 0 if tiles is None else tiles.width, bars is not None and len(shown.channels) <= FEW
    data = {
        "title": shown.title,
        "sprite": sprite,
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


def _legend(shown: Shown) -> dict[str, object] | None:
    if shown.scale is None:
        return None
    scale = shown.scale
    low, high = (proper_minus(f"{value:+.3g}") if scale.low < 0 else f"{value:.3g}" for value in (scale.low, scale.high))
    return {"colours": [colour for _, colour in scale.colours], "low": low, "high": high, "words": shown.scale_words}
