"""The study's guesses about where a network looks, judged: verdicts by the rules, and sentences.

A guess is "supported" if the 95 % bootstrap interval of a mean over pictures lies wholly above the rule's threshold, "not
supported" if it lies wholly below; otherwise, or with fewer than 30 pictures, one "can't tell".
"""

from collections.abc import Collection
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import LEAST_IMAGES, Estimate, bootstrap_mean, bootstrap_means
from explain_lib.base.words import counted, few_images, listed, mean_alone, mean_words, number, percent, points
from explain_lib.pictures.dataset import CLASSES
from explain_lib.study.grass_rows import GrassRows
from explain_lib.study.rows import AVERAGE, ContourRows, OutlineRows
from explain_lib.study.rules import CONTOUR, GRASS, GRASS_THRESHOLD, Verdict, common_verdict

FIRST_IMAGES = 1000
"""Test images 0 to 999 decide the guess on contours."""
CRAFT = tuple(CLASSES.index(name) for name in ("plane", "ship"))
"""The classes of planes and ships, of which the study speaks in particular."""


def judge(estimate: Estimate, threshold: float) -> Verdict:
    """The verdict on the guess that a mean is above the threshold; see the module."""
    if estimate.images >= LEAST_IMAGES and estimate.low > threshold:
        return "supported"
    if estimate.images >= LEAST_IMAGES and estimate.high < threshold:
        return "not supported"
    return "can't tell"


# Section: contours


@dataclass(frozen=True)
class LayerContour(Frozen):
    """How far the maps of one layer follow edges; Spearman correlations, means over images.

    own: with the edges of the picture itself. other: with those of another one. excess: own minus other, paired. ceiling: the
    correlation of the edges themselves on the grid of the layer, NaN without a single grid. left_out: images whose map or
    edges are constant or not finite; they do not count.
    """

    layer: str
    own: Estimate
    other: Estimate
    excess: Estimate
    ceiling: float
    left_out: int


@dataclass(frozen=True)
class OutlineGroup(Frozen):
    """Outline against object over the pictures of a group; means over pictures.

    where: how much denser maps are along the outline than inside, less the same with another picture's outline. along, inside:
    the densities themselves, 1 for an even map. use: how much more probability a shuffled outline costs than a shuffled inside,
    less the same with another picture's outline. whole, outline_shuffled, inside_shuffled: the probabilities of the predicted
    class themselves.
    """

    name: str
    where: Estimate
    along: Estimate
    inside: Estimate
    use: Estimate
    whole: Estimate
    outline_shuffled: Estimate
    inside_shuffled: Estimate

    @property
    def where_verdict(self) -> Verdict:
        """The verdict on the rule's first question."""
        return judge(self.where, CONTOUR.threshold)

    @property
    def use_verdict(self) -> Verdict:
        """The verdict on the rule's second question."""
        return judge(self.use, GRASS_THRESHOLD)

    @property
    def verdict(self) -> Verdict:
        """That of both questions."""
        return common_verdict((self.where_verdict, self.use_verdict))


@dataclass(frozen=True)
class ContourGuess(Frozen):
    """The guess on contours, by the rule of CONTOUR.

    decides: test images 0 to 999. craft: planes and ships. layer: whose maps are judged. edges: correlations with edges, for
    the layers in the order of the network, then the average of the study's five if there is one; they have no verdict. images,
    rejected: of decides, pictures with a usable outline, and those of them that a person rejected, which do not count.
    """

    decides: OutlineGroup
    craft: OutlineGroup
    layer: str
    edges: tuple[LayerContour, ...]
    images: int
    rejected: int

    @property
    def verdict(self) -> Verdict:
        """The verdict of the rule."""
        return self.decides.verdict

    @property
    def sentence(self) -> str:
        """The result in words."""
        group = self.decides
        if group.where.images == 0 or group.use.images == 0:
            return f"No picture has a map of {self.layer} and an outline with an inside."
        return (
            f"The map of {self.layer} has a density of {mean_alone(group.along)} along the outline and of "
            f"{mean_alone(group.inside)} inside; beyond another picture's outline the difference is {mean_words(group.where)}, "
            f"{beside_threshold(group.where, CONTOUR.threshold)}. The predicted class has a probability of "
            f"{percent(group.whole.mean)}; with the outline shuffled {percent(group.outline_shuffled.mean)} are left, with the "
            f"inside shuffled by as much {percent(group.inside_shuffled.mean)}: beyond another picture's outline, "
            f"{points(group.use)}, {beside_threshold(group.use, GRASS_THRESHOLD)}."
        )

    @property
    def short(self) -> str:
        """The number of the first question, in short."""
        return f"density {mean_words(self.decides.where)}, {beside_threshold(self.decides.where, CONTOUR.threshold)}"

    @property
    def craft_sentence(self) -> str:
        """What planes and ships alone say."""
        group = self.craft
        return f"Difference in density {mean_words(group.where)}, in probability {points(group.use)}."

    @property
    def judged(self) -> LayerContour:
        """Maps beside edges at the layer that is judged."""
        return next(one for one in self.edges if one.layer == self.layer)

    @property
    def edges_sentence(self) -> str:
        """The correlations with edges in words; which layers have contours where the judged one has not."""
        judged = self.judged
        if judged.excess.images == 0:
            return f"No map of {judged.layer} can be correlated with edges."
        words = (
            f"Correlation of {judged.layer}'s maps with their own edges {mean_alone(judged.own)}, with another picture's "
            f"{mean_alone(judged.other)}, a difference of {mean_words(judged.excess)}."
        )
        if not isnan(judged.ceiling):
            words += f" The most a map on this layer's grid could reach is {number(judged.ceiling, 2)}."
        average = next((one.own for one in self.edges if one.layer == AVERAGE), None)
        return words if average is None or average.images == 0 else f"{words} {self._average(judged, average)}"

    def _average(self, judged: LayerContour, average: Estimate) -> str:
        """The average of five layers; which of them has contours where the judged one has not, as far as intervals tell."""
        stronger = [f"{one.layer} ({mean_alone(one.own)})" for one in self.edges if one.own.low > average.high]
        if not stronger or average.low <= judged.own.high:
            return f"The average of five layers gets {mean_alone(average)}."
        return f"The contours seen in the average of five layers ({mean_alone(average)}) come from {listed(stronger)}."


def beside_threshold(change: Estimate, threshold: float) -> str:
    """Where a mean lies beside a rule's threshold, as far as its interval tells."""
    limit = f"{threshold:g}" if threshold == CONTOUR.threshold else f"{number(100 * threshold, 0)} points"
    match judge(change, threshold):
        case "supported":
            return f"above {limit}"
        case "not supported":
            return f"below {limit}"
        case _:
            return f"too near to {limit} to tell" if change.images >= LEAST_IMAGES else few_images(change.images)


@remembered()
def judge_contour(
    edges: ContourRows, outlines: OutlineRows, labels: NDArray[np.int64], rejected: Collection[int] = ()
) -> ContourGuess:
    """The guess on contours judged by these rows.

    labels: int64 (N,), of the whole set. rejected: positions of images whose outline does not count.
    """
    thrown = np.isin(outlines.images, np.array(sorted(rejected), dtype=np.int64))
    first = outlines.images < FIRST_IMAGES
    craft = np.isin(labels[outlines.images], CRAFT)
    groups = [
        _outline_group(name, outlines, part & ~thrown) for name, part in (("all classes", first), ("planes and ships", craft))
    ]
    counted = int((first & ~thrown).sum()), int((first & thrown).sum())
    return ContourGuess(groups[0], groups[1], outlines.layer, _layer_contours(edges), *counted)


def _outline_group(name: str, rows: OutlineRows, counts: NDArray[np.bool_]) -> OutlineGroup:
    mapped, left = ~np.isnan(rows.where), ~np.isnan(rows.use)
    columns = (
        (rows.where, mapped), (rows.along[:, 0], mapped), (rows.inside[:, 0], mapped), (rows.use, left), (rows.whole, left),
        (rows.outline_shuffled[:, 0], left), (rows.inside_shuffled[:, 0], left),
    )  # fmt: skip
    return OutlineGroup(
        name, *bootstrap_means(np.stack([np.where(some, one, np.nan)[counts] for one, some in columns], axis=1))
    )


def _layer_contours(rows: ContourRows) -> tuple[LayerContour, ...]:
    paired = ~(np.isnan(rows.own) | np.isnan(rows.other))
    own, other = np.where(paired, rows.own, np.nan), np.where(paired, rows.other, np.nan)
    ceilings = np.where(paired, rows.ceiling, np.nan)
    every = zip(
        rows.layers, bootstrap_means(own), bootstrap_means(other), bootstrap_means(own - other), ceilings.T, strict=True
    )
    return tuple(
        LayerContour(name, mean, control, excess, _plain_mean(ceiling), len(rows) - excess.images)
        for name, mean, control, excess, ceiling in every
    )


def _plain_mean(values: NDArray[np.float64]) -> float:
    """The mean of the values that are not NaN; NaN without any."""
    some = values[~np.isnan(values)]
    return float(some.mean()) if len(some) else float("nan")


# Section: grass


@dataclass(frozen=True)
class LayerShare(Frozen):
    """The maps of one layer: the background's share of their sum beyond its area, less the same with another frog's outline.

    left_out: frogs that count whose map is zero everywhere or not finite.
    """

    layer: str
    beyond: Estimate
    left_out: int


@dataclass(frozen=True)
class FrogGroup(Frozen):
    """Frogs before one kind of background: the judged layer's maps, and the preference for each of COVERS."""

    name: str
    where: Estimate
    preference: tuple[Estimate, ...]


@dataclass(frozen=True)
class GrassGuess(Frozen):
    """The guess on grass, by the rule of GRASS; means over the frogs that count.

    layers: the tested layers. judged: the layer of the verdict. whole: the probability of the class frog. frog_covered,
    background_covered, preference, own_background, other_background, use: for each of COVERS; see GrassRows. on_green: what
    green backgrounds add, for each of COVERS, to pasted frogs, then to pasted other animals. groups: frogs before mainly green
    backgrounds, and before others. images: frogs that count. rejected: frogs whose outline a person rejected. without_outline:
    others, without a usable one.
    """

    layers: tuple[LayerShare, ...]
    judged: LayerShare
    whole: Estimate
    frog_covered: tuple[Estimate, ...]
    background_covered: tuple[Estimate, ...]
    preference: tuple[Estimate, ...]
    own_background: tuple[Estimate, ...]
    other_background: tuple[Estimate, ...]
    use: tuple[Estimate, ...]
    on_green: tuple[tuple[Estimate, ...], ...]
    groups: tuple[FrogGroup, ...]
    images: int
    rejected: int
    without_outline: int

    @property
    def where_verdict(self) -> Verdict:
        """Whether the map lies on the background."""
        return judge(self.judged.beyond, GRASS.threshold)

    @property
    def preference_verdict(self) -> Verdict:
        """Whether the network prefers the background to the frog, whatever covers them."""
        return common_verdict(judge(one, GRASS.threshold) for one in self.preference)

    @property
    def use_verdict(self) -> Verdict:
        """Whether the network uses the background at all, whatever covers the objects."""
        return common_verdict(judge(one, GRASS.threshold) for one in self.use)

    @property
    def green_verdict(self) -> Verdict:
        """Whether grass behind a pasted animal makes a frog of it, and more of a frog."""
        return common_verdict(judge(one, GRASS.threshold) for every in self.on_green for one in every)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the rule."""
        return common_verdict((self.where_verdict, self.preference_verdict))

    @property
    def sentence(self) -> str:
        """The result in words, with mid grey as the cover."""
        if self.images == 0:
            return "No frog is left to count."
        map_words = f"Every map of {self.judged.layer} is empty or not finite."
        if self.judged.beyond.images:
            map_words = (
                f"Beyond area and another frog's outline, {points(self.judged.beyond)} of the map of {self.judged.layer} lie "
                "on the background."
            )
        return (
            f"{map_words} Of a probability of frog of {percent(self.whole.mean)}, {percent(self.frog_covered[0].mean)} are "
            f"left with the frog greyed, {percent(self.background_covered[0].mean)} with as much of the background greyed."
        )

    @property
    def green_sentence(self) -> str:
        """What grass adds behind pasted animals, with mid grey as the cover."""
        if self.images == 0:
            return ""
        frogs, animals = (every[0] for every in self.on_green)
        return (
            "Pasted onto mainly green backgrounds of other animals' pictures instead of others: "
            f"{points(frogs)} of probability of frog for frogs, {points(animals)} for other animals."
        )

    @property
    def groups_sentence(self) -> str:
        """Frogs before green and before other backgrounds, with mid grey as the cover."""
        if self.images == 0:
            return ""
        return " ".join(
            f"{group.name[0].upper()}{group.name[1:]} ({counted(group.preference[0].images, 'frog')}): map on the background "
            f"{points(group.where)}, preference {points(group.preference[0])}."
            for group in self.groups
        )

    @property
    def short(self) -> str:
        """The number of the question of preference, with mid grey as the cover."""
        return f"preference {points(self.preference[0])}"

    @property
    def use_sentence(self) -> str:
        """Whether the background is used, with mid grey as the cover."""
        if self.images == 0:
            return ""
        return (
            f"With the animals of both greyed, a frog's background gets {percent(self.own_background[0].mean)} for frog, "
            f"another animal's {percent(self.other_background[0].mean)}."
        )


@remembered()
def judge_grass(rows: GrassRows, frogs: int, rejected: Collection[int] = ()) -> GrassGuess:
    """The guess on grass judged by these rows.

    frogs: how many there are, with and without a usable outline. rejected: positions of images whose outline does not count;
    others than frogs of the rows have no effect.
    """
    thrown = np.isin(rows.images, np.array(sorted(rejected), dtype=np.int64))
    counts = ~thrown
    beyond = bootstrap_means(rows.where[counts])
    layers = tuple(LayerShare(name, one, int(counts.sum()) - one.images) for name, one in zip(rows.layers, beyond, strict=True))
    place = rows.layers.index(rows.hooked)
    groups = (("before green", rows.green & counts), ("before other backgrounds", ~rows.green & counts))
    names = ("frog_covered", "background_covered", "preference", "own_background", "other_background", "use")
    by_cover = {name: bootstrap_means(getattr(rows, name)[counts]) for name in names}
    return GrassGuess(
        layers,
        layers[place],
        bootstrap_mean(rows.whole[counts]),
        on_green=tuple(bootstrap_means(values[counts]) for values in rows.on_green),
        groups=tuple(
            FrogGroup(name, bootstrap_mean(rows.where[part, place]), bootstrap_means(rows.preference[part]))
            for name, part in groups
        ),
        images=int(counts.sum()),
        rejected=int(thrown.sum()),
        without_outline=frogs - len(rows),
        **by_cover,
    )
