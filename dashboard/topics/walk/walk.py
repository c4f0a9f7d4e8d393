"""The walk through Grad-CAM: its numbers for the picked image, the order of its channels, and its slide."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

import explain_lib as xl
from dashboard.figures.scale import Scale, diverging, sequential
from dashboard.view.captions import grid_caption, plain
from dashboard.view.scene import Scene
from dashboard.view.slide import map_slide, view_slide, view_title
from explain_lib.base.errors import NetworkError
from explain_lib.base.maps import Map
from explain_lib.base.words import listed
from explain_lib.networks.task_words import score_word
from explain_lib.passes.graph import NetworkGraph
from explain_lib.receptive_fields.centres import CellCentres
from explain_lib.take_home.slide import Slide

MOST = 512
"""Of more channels than so many, those with the largest shares of the map are shown."""
NAMED = 8
"""So many channels are named on a slide; of more, how many there are."""


@dataclass(frozen=True)
class Walk:
    """Grad-CAM of the picked image at the chosen layer, step by step."""

    scene: Scene
    numbers: xl.Walkthrough

    @property
    def count(self) -> int:
        """The number of channels of the layer."""
        return len(self.numbers.weights)

    @property
    def channel(self) -> int:
        """The channel that is looked at: the view's, or the one with the largest share of the map."""
        chosen = self.scene.view.channel
        return self.numbers.leading if chosen is None else chosen

    @property
    def left_out(self) -> tuple[int, ...]:
        """The channels that are switched off."""
        return self.scene.view.without

    @cached_property
    def graph(self) -> NetworkGraph | None:
        """The network itself; None where it does not run while its operations are watched, as a compiled one."""
        try:
            return self.scene.model.graph
        except NetworkError:
            return None

    @cached_property
    def centres(self) -> CellCentres | None:
        """Where the cells of the layer are drawn; None where they are stretched."""
        return self.scene.centres(self.scene.layer)

    @cached_property
    def signed(self) -> Map:
        """The sum over the channels that are on, float32 (h, w)."""
        return self.numbers.signed_without(self.left_out)

    @cached_property
    def map(self) -> Map:
        """ReLU of that sum, float32 (h, w)."""
        return self.numbers.map_without(self.left_out)

    @cached_property
    def channels(self) -> tuple[int, ...]:
        """The channels that are shown, in the order of their numbers, or those of the largest |alpha| first."""
        numbers = self.numbers
        size = np.abs(numbers.shares if numbers.map.any() else numbers.promised)
        shown = np.sort(np.argsort(-size, kind="stable")[:MOST])
        if self.scene.view.channels == "weight":
            shown = shown[np.argsort(-np.abs(numbers.weights[shown]), kind="stable")]
        return tuple(shown.tolist())

    @cached_property
    def activation_scale(self) -> Scale:
        """One range of colours for all channels' activations; with two sides if some are below zero."""
        values = self.numbers.activation
        return diverging(reach(values)) if (values < 0).any() else sequential(0, reach(values))

    @cached_property
    def gradient_scale(self) -> Scale:
        """One symmetric range for all channels' gradients."""
        return diverging(reach(self.numbers.gradient))

    @cached_property
    def contribution_scale(self) -> Scale:
        """One symmetric range for what all channels add."""
        return diverging(reach(self.numbers.contributions))

    @property
    def score_words(self) -> str:
        """The score y in words: "the logit of ship", "the probability of ship less that of plane"."""
        target, classes = self.scene.target, self.scene.model.classes
        named = listed([plain(classes[index]) for index in target.raised])
        word = score_word(target.score, self.scene.model.task)
        words = f"the {word} of {named}" if len(target.raised) == 1 else f"the {word}s of {named}, added up"
        if target.minus is not None:
            words += f" less that of {plain(classes[target.minus])}"
        return f"{words}, with its sign turned" if target.sign == -1 else words

    @property
    def has_numbers(self) -> bool:
        """Whether all of it is finite."""
        numbers = self.numbers
        return all(bool(np.isfinite(part).all()) for part in (numbers.activation, numbers.gradient, numbers.signed))


def make_walk(scene: Scene) -> Walk:
    """The walk for the picked image, model, layer and target."""
    return Walk(scene, xl.walkthrough(scene.model, scene.seen, scene.layer, scene.target))


def reach(values: Map) -> float:
    """The largest magnitude, 1 where all is zero, so that there is a range to draw on."""
    return float(np.abs(values).max()) or 1.0


# Section: the slide


def walk_slide(walk: Walk) -> Slide:
    """The usual slide, or while channels are switched off that of the sum over the others, which says so."""
    scene, off = walk.scene, walk.left_out
    if not off or not walk.has_numbers:
        return view_slide(scene)
    values = walk.signed if scene.view.sign == "signed" else walk.map
    title = f"{view_title(scene)}, {len(off):,} of {walk.count:,} channels off"
    where = f"layer {walk.numbers.layer}, {grid_caption(walk.numbers.grid)} cells"
    how = f"{_off_words(off, walk.count)}, not Grad-CAM's map · {where}"
    return map_slide(scene, values, title, how)


def _off_words(off: tuple[int, ...], count: int) -> str:
    """The channels that are off, or those that are on where these are fewer."""
    on = [channel for channel in range(count) if channel not in set(off)]
    if not on:
        return "Every channel is switched off"
    if len(on) < len(off) and len(on) <= NAMED:
        return f"The sum of {_channels(on)} alone"
    return f"The sum without {_channels(list(off))}"


def _channels(numbers: list[int]) -> str:
    if len(numbers) > NAMED:
        return f"{len(numbers):,} channels"
    return f"channel{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
