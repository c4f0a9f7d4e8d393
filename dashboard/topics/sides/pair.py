"""Both sides for one picture, their difference, its slide and its files."""

from dataclasses import dataclass
from functools import cached_property
from math import isnan

import numpy as np

import explain_lib as xl
from dashboard.figures.scale import Scale
from dashboard.topics.sides.side import Side, batch_of, common_scale, make_sides
from dashboard.view.captions import grid_caption, target_name
from dashboard.view.page_files import PageFiles, explained_code
from dashboard.view.scene import Scene
from dashboard.view.slide import caption_lines, picture_panel
from explain_lib.base.words import few_names, fine
from explain_lib.cam.drawing import draw_map
from explain_lib.compare.comparison import METRICS
from explain_lib.pictures.rendering import Picture, png
from explain_lib.take_home.slide import Slide, map_panel
from explain_lib.take_home.snippet import comparison_snippet

TAKEN_SIDE = 256
"""Of each map in the picture that is taken home, in pixels."""


@dataclass(frozen=True)
class Pair:
    """The two sides of the view, for its picked image."""

    scene: Scene
    a: Side
    b: Side

    @cached_property
    def comparison(self) -> xl.Comparison:
        """Of their maps, which are comparable."""
        return xl.compare(self.a.values, self.b.values)

    @cached_property
    def scale(self) -> Scale:
        """One scale for both maps."""
        return common_scale((self.a.values, self.b.values), (self.a, self.b))


def make_pair(scene: Scene) -> Pair:
    """Both sides of the view."""
    return Pair(scene, *make_sides(scene))


def why_not_comparable(pair: Pair) -> str | None:
    """Why the two maps cannot be subtracted, as sentences; None where they can."""
    a, b = pair.a, pair.b
    if a.values.shape != b.values.shape:
        sizes = f"a has {grid_caption(a.values.shape)} cells and b {grid_caption(b.values.shape)}"
        return f"{sizes}, so they cannot be subtracted. Choose the same “resize” on both sides."
    broken = [side.title for side in (a, b) if not np.isfinite(side.values).all()]
    if broken:
        return f"{' and '.join(broken)}: the map contains NaN or infinity, so there is nothing to compare."
    return None


# Section: to take home


def pair_slide(pair: Pair) -> Slide:
    """Original, the maps of both sides on one scale, and b − a on a symmetric one of its own."""
    scene, a, b = pair.scene, pair.a, pair.b
    drawing, reach = pair.scale.drawing, pair.scale.high
    difference = np.asarray(b.values - a.values)
    signed = xl.Drawing(drawing.palette, signed=True)
    panels = (
        picture_panel(scene),
        map_panel(a.title, a.values, drawing, reach),
        map_panel(b.title, b.values, drawing, reach),
        map_panel("b − a", difference, signed, None, "red: b is above a"),
    )
    mean = float(np.abs(difference).mean())
    title = f"Two maps of one picture, {fine(mean)} apart on average"
    layers = "; ".join(
        f"{name} at {few_names(side.configuration.settings.layers or ())}" for name, side in (("a", a), ("b", b))
    )
    grid = grid_caption((difference.shape[0], difference.shape[1]))
    caption = (*caption_lines(scene), f"{layers}; {grid} cells · model {scene.view.model}")
    return Slide(title, panels, caption, f"{title}. {' '.join(caption)}")


def pair_files(pair: Pair, found: xl.Decomposition | None) -> PageFiles:
    """The files of both sides. found: the causes of their difference, if it can be traced to causes."""
    scene, a, b = pair.scene, pair.a, pair.b
    causes = {} if found is None else {f"cause_{name}": values for name, values in found.cause_maps.items()}
    batch = batch_of(scene, a.configuration, b.configuration)
    batch_words = "the image alone" if batch.stop - batch.start == 1 else "the notebook's batch of four"
    return PageFiles(
        scene,
        name=f"image{scene.view.image}-{scene.view.model}-a-b-{target_name(scene)}",
        picture=lambda: png(np.concatenate([_drawn(pair, side) for side in (a, b)], axis=1)),
        arrays={"a": a.values, "b": b.values, "difference": pair.comparison.difference, "picture": scene.picture, **causes},
        details=_details(pair, found),
        snippet=lambda: comparison_snippet(
            explained_code(scene), a.configuration, b.configuration, batch, batch_words, causes=found is not None
        ),
    )


def _drawn(pair: Pair, side: Side) -> Picture:
    return draw_map(side.values, pair.scale.drawing, TAKEN_SIDE, pair.scale.high)


def _details(pair: Pair, found: xl.Decomposition | None) -> dict[str, object]:
    sides: dict[str, object] = {
        letter: {"program": side.configuration.program, **side.configuration.settings.as_dict()}
        for letter, side in (("a", pair.a), ("b", pair.b))
    }
    numbers = {metric.name: float(getattr(pair.comparison, metric.name)) for metric in METRICS}
    comparison = {name: None if isnan(value) else value for name, value in numbers.items()}
    return sides | {"comparison": comparison, "causes": None if found is None else dict(found.causes)}
