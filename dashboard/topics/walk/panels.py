"""The pictures of each step: the picked image, and the maps that the step has come to, in the same cells."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

import explain_lib as xl
from dashboard.figures.map_words import map_words
from dashboard.figures.panel import Panel
from dashboard.figures.scale import Scale, diverging
from dashboard.topics.walk.walk import Walk, reach
from dashboard.topics.walk.walk_words import signed
from dashboard.view.captions import grid_caption
from dashboard.view.view import Step
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Row
from explain_lib.base.maps import Map
from explain_lib.base.words import short
from explain_lib.cam.drawing import Drawing
from explain_lib.cam.postprocess import place_maps, resize_maps
from explain_lib.cam.settings import Resize

SIDE, SMALL, LARGE = 224, 160, 192
"""Of two or three panels in a row, of four, and of the last step."""
METHODS: Mapping[Resize, tuple[str, str]] = {
    "nearest": ("nearest", "each cell is repeated"),
    xl.CamSettings().resize: ("bilinear", f"{xl.CamSettings().resize}, the library's default"),
}
"""The ways from the grid to the picture that are shown, and what they are called."""
NOTHING_ABOVE_ZERO = "Zero everywhere: the sum is nowhere above zero, so nothing is left to show."
ALL_OFF = "Zero everywhere: no channel that is on adds anything."


def step_rows(walk: Walk) -> tuple[Row, ...]:
    """The panels of the step that the view names: those of the channel that is looked at, or of the sum."""
    step = walk.scene.view.step
    if step == "enlarge":
        return _enlarged(walk)
    panels = original_panel(walk.scene, SIDE), *_PANELS[step](walk)
    side = SIDE if len(panels) < 4 else SMALL
    return (Row(tuple(replace(panel, width=side) for panel in panels)),)


def _forward(walk: Walk) -> Iterable[Panel]:
    k, numbers = walk.channel, walk.numbers
    yield _map(walk, "activation", f"Channel {k}: activation", numbers.activation[k], walk.activation_scale, _OF_CHANNEL)


def _gradient(walk: Walk) -> Iterable[Panel]:
    k, numbers = walk.channel, walk.numbers
    yield from _forward(walk)
    yield _map(walk, "gradient", f"Channel {k}: gradient", numbers.gradient[k], walk.gradient_scale, _OF_CHANNEL)


def _weights(walk: Walk) -> Iterable[Panel]:
    yield from _gradient(walk)
    yield _product(walk)


def _sum(walk: Walk) -> Iterable[Panel]:
    yield _product(walk)
    top = max(reach(walk.numbers.signed), reach(walk.signed) if walk.signed.any() else 0.0)
    yield replace(
        _map(walk, "sum", "The sum", walk.signed, diverging(top), f"S: {_range(walk.signed)}"),
        when_zero=ALL_OFF,
        flat_too=False,
    )


def _relu(walk: Walk) -> Iterable[Panel]:
    scale = diverging(reach(walk.signed))
    before = _map(walk, "before", "Before the ReLU", walk.signed, scale, f"S: {_range(walk.signed)}")
    after = _map(walk, "after", "After the ReLU", walk.map, scale, f"L: {_range(walk.map)}")
    yield replace(before, when_zero=ALL_OFF, flat_too=False)
    yield replace(after, when_zero=NOTHING_ABOVE_ZERO, flat_too=False)


_PANELS: Mapping[Step, Callable[[Walk], Iterable[Panel]]] = {
    "forward": _forward,
    "gradient": _gradient,
    "weights": _weights,
    "sum": _sum,
    "relu": _relu,
}
_OF_CHANNEL = "one range for all channels"


def _product(walk: Walk) -> Panel:
    k, numbers = walk.channel, walk.numbers
    return _map(walk, "product", f"Channel {k}: α × A", numbers.contributions[k], walk.contribution_scale, _OF_CHANNEL)


def _range(values: Map) -> str:
    return f"from {signed(values.min())} to {signed(values.max())}"


def _map(walk: Walk, name: str, title: str, values: Map, scale: Scale, caption: str) -> Panel:
    """A map in its cells, on a scale that begins at 0 or is symmetric; one that is flat has its colour too."""
    return Panel(
        name, map_words(title, values), SIDE, title=title, caption=caption, values=values,
        drawing=Drawing(signed=scale.low < 0), reach=scale.high, place=place_of(walk.scene), bar=True, flat_too=True,
        when_zero="Zero everywhere.", centres=walk.centres,
    )  # fmt: skip


# Section: from the grid to the picture


def _enlarged(walk: Walk) -> tuple[Row, ...]:
    """The map in its own grid and enlarged in each way, above; below, each over the picture."""
    scene, values = walk.scene, walk.map
    drawing = replace(scene.drawing, signed=False, smooth=False)
    own = Panel(
        "grid", map_words("The map over its own grid", values), LARGE, title="The map", values=values, drawing=drawing,
        caption=f"{grid_caption(walk.numbers.grid)} cells, as computed", place=place_of(scene), bar=True,
        when_zero=NOTHING_ABOVE_ZERO, centres=walk.centres,
    )  # fmt: skip
    picture = original_panel(scene, LARGE)
    if xl.map_state(values) is not xl.MapState.VARIED:
        return (Row((picture, own)),)
    above, below = [own], [picture]
    for method, (called, meaning) in METHODS.items():
        large = _at_full_size(walk, method)
        alone, over = _both(walk, called, meaning, large, drawing)
        above.append(alone)
        below.append(over)
    return Row(tuple(above)), Row(tuple(below))


def _at_full_size(walk: Walk, method: Resize) -> Map:
    size, centres, maps = walk.scene.model.input_size, walk.centres, walk.map[None]
    return np.asarray((resize_maps(maps, size, method) if centres is None else place_maps(maps, size, method, centres))[0])


def _both(walk: Walk, called: str, meaning: str, large: Map, drawing: Drawing) -> tuple[Panel, Panel]:
    """The enlarged map alone, and over the picture, both on the scale of the map in its own grid."""
    scene, top, (height, width) = walk.scene, float(walk.map.max()), walk.scene.model.input_size
    what, largest = f"map enlarged to {width} by {height} pixels, {called} ({meaning})", f"largest {short(large.max())}"
    alone = Panel(
        called, f"{map_words(f'The {what}', large)}; {largest}", LARGE, title=f"Enlarged, {called}", values=large,
        caption=f"{meaning}; {largest}", drawing=drawing, reach=top, place=place_of(scene), bar=True,
    )  # fmt: skip
    over = overlay_panel(scene, large, f"the {what}", LARGE, top, f"{called}-over")
    return alone, replace(over, title=f"{called.capitalize()} over it", drawing=drawing, help="")
