"""The sanity check of the picked image: its maps while layers forget one after the other, in numbers, words and as a slide.

At the level that is shown there are several maps, from as many random starts.
"""

from dataclasses import dataclass, replace
from functools import partial
from math import nan

import numpy as np
from numpy.typing import NDArray

from dashboard.topics.sanity.part import drawn_part, part_words, picture_part
from dashboard.topics.sanity.words import mean_title
from dashboard.view.captions import cells_caption
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_later
from dashboard.view.slide import caption_lines, picture_panel, points
from explain_lib.base.files import csv_text
from explain_lib.base.identity import identity_of
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.run_context import kept
from explain_lib.base.words import correlation_words, few_names
from explain_lib.networks.randomisation import chosen_steps, randomisation_steps
from explain_lib.networks.task_words import value_words
from explain_lib.passes.tasks import predicted_of
from explain_lib.take_home.slide import Panel, Slide, map_panel, overlay_panel
from explain_lib.trust.by_row import is_large
from explain_lib.trust.sanity import RandomStarts, SanityMaps, random_starts, sanity_maps
from explain_lib.trust.sanity_summary import SanitySummary, step_words
from explain_lib.work.later import Work

NAMED = 8
"""So many modules are named on a slide."""


@dataclass(frozen=True)
class Check:
    """The picked image's maps at the chosen layer, and how many layers, from the last one on, are looked at."""

    scene: Scene
    layer: str
    found: SanityMaps
    shown: int

    def values(self, depth: int) -> Map:
        """The map with so many layers randomised, 0 for the network as it is."""
        return np.asarray(self.found.maps[0, depth])

    def correlation(self, depth: int) -> float:
        """Of that map with the network's own; NaN where either is the same everywhere."""
        if depth == 0:
            return 1.0 if map_state(self.values(0)) is MapState.VARIED else nan
        return float(self.found.correlations[0, depth - 1])

    def says(self, depth: int) -> str:
        """The class that is predicted then, with its probability."""
        return said_words(self.scene, self.found.probabilities[0, depth])

    @property
    def explained(self) -> str:
        """The class that all maps explain."""
        return self.scene.model.classes[int(self.found.explained[0])]

    @property
    def randomised(self) -> list[str]:
        """The modules that have forgotten what they learnt at the depth that is shown."""
        steps = chosen_steps(randomisation_steps(self.scene.model), self.shown, self.scene.view.mode)
        return [name for step in steps for name in step.modules]


def make_check(scene: Scene) -> Check:
    """The maps of the picked image, at every depth."""
    view, layer = scene.view, scene.layer
    found = sanity_maps(scene.model, scene.seen[None], layer, scene.asked, view.mode)
    return Check(scene, layer, found, min(view.randomised, len(found.steps)))


@dataclass(frozen=True)
class Starts:
    """The random starts of the level that is shown.

    found: None for those that are still made. work: what makes them behind the page, None where the page does that itself.
    """

    found: RandomStarts | None
    work: Work[RandomStarts] | None = None


def find_starts(check: Check) -> Starts:
    """The maps of the picked image from eight random starts; those of a large network are made behind the page.

    None are made of a level at which nothing is randomised.
    """
    scene, view = check.scene, check.scene.view
    if check.shown == 0:
        return Starts(None)
    asked = scene.model, scene.seen[None], check.layer, scene.asked, check.shown, view.mode
    if not is_large(scene.model) or kept(random_starts, *asked) is not None:
        return Starts(random_starts(*asked))
    work = Work(("starts", *map(identity_of, asked)), partial(random_starts, *asked))
    made = server_later().look(work)
    return Starts(None, work) if made is None else Starts(random_starts(*asked))  # remembered, and noted to be taken home


def make_starts(check: Check) -> Starts:
    """The same, made at once also for a large network."""
    if check.shown == 0:
        return Starts(None)
    scene, view = check.scene, check.scene.view
    return Starts(random_starts(scene.model, scene.seen[None], check.layer, scene.asked, check.shown, view.mode))


# Section: words


def said_words(scene: Scene, values: NDArray[np.float32]) -> str:
    """The class that is predicted by these probabilities, float32 (classes,), with its own."""
    model = scene.model
    index = int(predicted_of(values, model.task))
    return f"{model.classes[index]} {value_words(float(values[index]), model.task, unit=model.unit)}"


def depth_words(check: Check, depth: int) -> str:
    """The layers that have forgotten at that depth: "down to conv2"."""
    name = check.found.steps[depth - 1]
    return f"down to {name}" if check.scene.view.mode == "cascading" else f"at {name} alone"


def randomised_modules(check: Check) -> str:
    """The modules that have forgotten, in words."""
    modules = check.randomised
    if not modules:
        return "nothing"
    return ", ".join(modules) if len(modules) <= 6 else f"{', '.join(modules[:3])} … {modules[-1]}, {len(modules)} modules"


def check_command(check: Check, images: int) -> str | None:
    """The command that checks so many images from a terminal; None where it does not have the model."""
    view = check.scene.view
    target = () if view.target is None else ("--target", str(view.target))
    drawn = ("--draws", str(view.draws), "--seed", str(view.seed))
    return check.scene.command("sanity", images, "--layer", check.layer, *target, "--mode", view.mode, *drawn)


def summary_csv(summary: SanitySummary) -> str:
    """A line a step: means and the ends of their intervals, and the verdict."""
    names = ("correlation", "by_chance", "difference", "same_prediction", "flat")
    head = ["randomised", "images", "draws", "verdict", *(f"{name}{end}" for name in names for end in ("", "_low", "_high"))]
    rows: list[list[object]] = []
    for step in summary.steps:
        estimates = (step.correlation, step.beside, step.gap, step.kept, step.flat)
        numbers = [value for one in estimates for value in (one.mean, one.low, one.high)]
        said = [step.name, step.correlation.images, summary.draws, step_words(summary.verdict(step))]
        rows.append([*said, *numbers])
    return csv_text(head, rows)


# Section: the slide


def check_slide(check: Check, starts: RandomStarts | None) -> Slide:
    """The picture, the map of the network as it is over it, and the map with layers randomised, from the first start.

    starts: the title has their mean, if they are there.
    """
    scene, shown = check.scene, check.shown
    grid = cells_caption(scene.model, check.layer)
    how = f"Explained: {check.explained} · Grad-CAM at layer {check.layer}, {grid} cells · model {scene.view.model}"
    if shown == 0:
        title, says = "The map before any layer is randomised", f"The network says {check.says(0)}"
        part = drawn_part(scene, check.layer, check.values(0))
        second = map_panel("Map", part.values, scene.drawing, part.reach, f"{grid} cells")
        third = _check_panel(check, 0, "Overlay")
    else:
        if scene.view.mode == "independent":
            after = f"{check.found.steps[shown - 1]} alone randomised"
        else:
            after = "1 layer randomised" if shown == 1 else f"{shown} layers randomised"
        own = f"rank correlation of the maps {correlation_words(check.correlation(shown))}"
        title = f"{after}: {own if starts is None else mean_title(starts)}"
        modules = few_names(check.randomised, NAMED)
        says = f"Randomised: {modules}. The network then says {check.says(shown)}, before {check.says(0)}"
        second, third = _check_panel(check, 0, "Network as it is"), _check_panel(check, shown, f"{after}, first start")
    caption = (caption_lines(scene)[0], says, how)
    return Slide(title, (_picture_panel(scene), second, third), caption, f"{title}. {' '.join(caption)}")


def _picture_panel(scene: Scene) -> Panel:
    sheet = scene.model.sheet
    if sheet is None:
        return picture_panel(scene)
    name = "Slice" if sheet.is_volume else "Signal"
    return Panel(name, picture_part(scene, sheet), below=f"{scene.name}, {part_words(scene)}")


def _check_panel(check: Check, depth: int, name: str) -> Panel:
    scene, centres = check.scene, points(check.scene, check.layer)
    part = drawn_part(scene, check.layer, check.values(depth))
    state = map_state(part.values)
    panel = overlay_panel(name, part.picture, part.values, scene.drawing, part.reach, centres)
    if state is not MapState.VARIED:
        here = f" at {part.words}" if part.words else ""
        return replace(panel, below=f"the picture alone: the map{here} is {state.value}")
    return replace(panel, below=f"{panel.below}, up to its own maximum")
