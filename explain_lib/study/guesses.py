"""The three guesses of the study: their rules, written down with what was known at the time, verdicts, and sentences.

A rule names one number per picture, and a threshold for its mean. The guess is "supported" if the 95 % bootstrap interval of
the mean lies wholly above the threshold, "not supported" if it lies wholly below; otherwise, or with fewer than 30 pictures,
one "can't tell". If a change in either direction counts, the negative of the threshold counts too.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.base.statistics import (
    LEAST_IMAGES,
    Estimate,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_means,
    image_shares,
)
from explain_lib.base.words import direction, few_images, listed, mean_alone, mean_words, number, percent, points
from explain_lib.study.rows import AVERAGE, ContourRows, GrassRows

Verdict = Literal["supported", "not supported", "can't tell"]

CONTOUR_THRESHOLD = 0.1
"""A correlation of 0.1 is a small effect (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988)."""
GRASS_THRESHOLD = 0.05
"""Five percentage points, of the map's sum or of probability."""


@dataclass(frozen=True)
class Guess:
    """A guess of the study: a title for it, its own words, and the rule that it is judged by, with the rule's history."""

    title: str
    quote: str
    rule: str


CONTOUR = Guess(
    "Contours",
    "instead of focusing on the object itself, the model is mostly focusing on the contour/outline of the object (especially "
    "for the plane and the ship).",
    "For each picture: the Spearman correlation of its map with its own edges (Sobel) minus the correlation of the same map "
    "with the edges of the next picture. The map explains the predicted class at the layer that the study hooked (relu2; in "
    "other networks the last conv layer). Supported if the whole 95 % interval of the mean is above 0.1, a small effect by "
    "Cohen; not supported if all of it is below; otherwise, or with fewer than 30 pictures: can't tell. When the rule was "
    "written, captum-tutorial's correlations with own edges were known; those with other edges were not.",
)
DEPTH = Guess(
    "Small pictures, or too few layers",
    "Maybe this is due to the low resolution of the images or that the network is not deep enough.",
    "If depth mattered, the maps of a deeper network would follow contours more, or less. For each picture: the number of the "
    "first guess for the shallow network minus the number for the deep one, both trained here on the same pictures. Supported "
    "if the whole 95 % interval of the mean is beyond 0.1 in either direction; not supported if all of it is within −0.1 to "
    "0.1; otherwise, or with fewer than 30 pictures: can't tell. Accuracy is shown as well but does not count. "
    "Larger pictures cannot be tried: all are 32 × 32.\n\n"
    "This rule was changed twice, and its present words were written after the deeper network's numbers were known. At first "
    "a change in either direction counted. Once the numbers were known, only a decrease counted, which gives “not supported”; "
    "then either direction again, which gives “can't tell”.",
)
GRASS = Guess(
    "Grass",
    "From the sample result of frog1, it seems like the model is learning to recognize the grass in the background to predict "
    '"frog", instead of looking at the frog itself.',
    "Two questions, for every frog with an outline. Where is the map? The background's share of the map's sum (class frog, at "
    "the layer of the first guess) minus its share of the area. What does the network need? The probability of frog with the "
    "frog greyed out (128 of 255) minus the probability with the background greyed out. Each question is supported if the "
    "whole 95 % interval of the mean is above five percentage points, not supported if all of it is below. If both have the "
    "same verdict, the guess has it, too; if they differ, or with fewer than 30 frogs: can't tell.\n\n"
    "The questions and thresholds were fixed before any of the numbers were known. The sentence that combines the two was "
    "changed once: at first the guess was supported if both questions were, and not supported if neither was. Whether the "
    "numbers were known by then is not on record; on captum-tutorial both sentences give the same verdict.",
)


def judge(estimate: Estimate, threshold: float) -> Verdict:
    """The verdict on the guess that a mean is above the threshold; see the module."""
    if estimate.images >= LEAST_IMAGES and estimate.low > threshold:
        return "supported"
    if estimate.images >= LEAST_IMAGES and estimate.high < threshold:
        return "not supported"
    return "can't tell"


def judge_change(estimate: Estimate, threshold: float) -> Verdict:
    """The verdict on the guess that a mean is beyond the threshold in either direction."""
    if estimate.images < LEAST_IMAGES:
        return "can't tell"
    if estimate.low > threshold or estimate.high < -threshold:
        return "supported"
    return "not supported" if -threshold < estimate.low and estimate.high < threshold else "can't tell"


@dataclass(frozen=True)
class LayerContour(Frozen):
    """How far the maps of one layer follow contours; Spearman correlations, means over images.

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
class ContourGuess(Frozen):
    """The first guess, by the rule of CONTOUR.

    layers: the layers in the order of the network, then the average of the study's five if there is one. judged: the layer of
    the verdict. images: how many there are.
    """

    layers: tuple[LayerContour, ...]
    judged: LayerContour
    images: int

    @property
    def verdict(self) -> Verdict:
        """The verdict of the rule."""
        return judge(self.judged.excess, CONTOUR_THRESHOLD)

    @property
    def sentence(self) -> str:
        """The result in words."""
        judged = self.judged
        if judged.excess.images == 0:
            return f"No map of {judged.layer} can be correlated."
        numbers = (
            f"correlation {mean_alone(judged.own)} against {mean_alone(judged.other)}, a difference of "
            f"{mean_words(judged.excess)}{_place(judged.excess)}."
        )
        words = f"{_follow(judged)}: {numbers}"
        if not isnan(judged.ceiling):
            words += f" The most a map on this layer's grid could reach is {number(judged.ceiling, 2)}."
        average = next((one.own for one in self.layers if one.layer == AVERAGE), None)
        return words if average is None or average.images == 0 else f"{words} {self._average(average)}"

    def _average(self, average: Estimate) -> str:
        """The average of five layers; which of them has contours where the judged one has not, as far as intervals tell."""
        stronger = [f"{one.layer} ({mean_alone(one.own)})" for one in self.layers if one.own.low > average.high]
        if not stronger or average.low <= self.judged.own.high:
            return f"The average of five layers gets {mean_alone(average)}."
        return f"The contours seen in the average of five layers ({mean_alone(average)}) come from {listed(stronger)}."


def _follow(judged: LayerContour) -> str:
    """Whether maps follow their own picture's contours, as far as the interval tells."""
    excess, maps = judged.excess, f"The maps of {judged.layer} follow the picture's own contours"
    if excess.images < LEAST_IMAGES:
        few = few_images(excess.images)
        return f"{few[0].upper()}{few[1:]} to tell which contours the maps of {judged.layer} follow"
    match direction(excess):
        case 0:
            return f"The picture's own contours and another picture's cannot be told apart by the maps of {judged.layer}"
        case -1:
            return f"{maps} less than another picture's"
    if excess.low > CONTOUR_THRESHOLD:
        return f"{maps} clearly more than another picture's"
    return f"{maps} {'more' if excess.high >= CONTOUR_THRESHOLD else 'a little more'} than another picture's"


def _place(change: Estimate) -> str:
    """Where a difference lies beside the threshold, as the end of a sentence's part; empty for few images."""
    if change.images < LEAST_IMAGES:
        return ""
    limit = f"{CONTOUR_THRESHOLD:g}"
    if change.low > CONTOUR_THRESHOLD:
        return f", above {limit}"
    return f", below {limit}" if change.high < CONTOUR_THRESHOLD else f", too near to {limit} to tell"


@dataclass(frozen=True)
class NetworkContour(Frozen):
    """One network in the second guess: its name, its number of conv layers, its accuracy, and the contours of its layer."""

    name: str
    conv_layers: int
    accuracy: Estimate
    contour: LayerContour


@dataclass(frozen=True)
class DepthGuess(Frozen):
    """The second guess, by the rule of DEPTH.

    networks: in the given order, the deep one last, after the shallow one. decrease: how much less the deep one follows
    contours, paired over images. accuracy_gain: of the deep over the shallow one, paired. images: how many there are.
    """

    networks: tuple[NetworkContour, ...]
    decrease: Estimate
    accuracy_gain: Estimate
    images: int

    @property
    def verdict(self) -> Verdict:
        """The verdict of the rule."""
        return judge_change(self.decrease, CONTOUR_THRESHOLD)

    @property
    def sentence(self) -> str:
        """The result in words."""
        shallow, deep = self.networks[-2:]
        accuracy = (
            f"{deep.name}, with {deep.conv_layers} conv layers, gets {percent(deep.accuracy.mean)} of the same small pictures "
            f"right; {shallow.name}, with {shallow.conv_layers}, gets {percent(shallow.accuracy.mean)} "
            f"({points(self.accuracy_gain)})"
        )
        if self.decrease.images == 0:
            return f"{accuracy}. There are no maps to compare."
        compared = (
            f"The correlation with own edges minus that with other edges is {mean_alone(deep.contour.excess)} for its maps at "
            f"{deep.contour.layer}, "
            f"{mean_alone(shallow.contour.excess)} for {shallow.name}'s at {shallow.contour.layer}"
        )
        return f"{accuracy}. {compared}: {_deeper(self.decrease)}."


def _deeper(decrease: Estimate) -> str:
    """Which of the two networks follows contours more, as far as the interval tells."""
    way, change = direction(decrease), decrease if decrease.mean > 0 else decrease.negated
    if decrease.images < LEAST_IMAGES:
        return f"{few_images(decrease.images)} to compare the two"
    if way == 0:
        near = max(abs(decrease.low), abs(decrease.high)) < CONTOUR_THRESHOLD
        within = f", within −{CONTOUR_THRESHOLD:g} to {CONTOUR_THRESHOLD:g}" if near else ""
        return f"these cannot be told apart, the difference is {mean_words(change)}{within}"
    return f"the deeper network follows contours {'less' if way > 0 else 'more'}, by {mean_words(change)}{_place(change)}"


@dataclass(frozen=True)
class LayerShare(Frozen):
    """The maps of one layer: the background's share of their sum, and that share minus its share of the area, paired.

    left_out: frogs that count whose map is zero everywhere or not finite.
    """

    layer: str
    share: Estimate
    excess: Estimate
    left_out: int


@dataclass(frozen=True)
class GrassGuess(Frozen):
    """The third guess, by the rule of GRASS; means over the frogs that count.

    layers: the tested layers. judged: the layer of the verdict. area: the background's share of the picture. whole,
    frog_only, background_only: probability of the class frog, as it is, with the background greyed, with the frog greyed.
    need: background_only minus frog_only, paired. images: frogs that count. rejected: frogs whose outline a person rejected.
    without_outline: others whose outline is degenerate.
    """

    layers: tuple[LayerShare, ...]
    judged: LayerShare
    area: Estimate
    whole: Estimate
    frog_only: Estimate
    background_only: Estimate
    need: Estimate
    images: int
    rejected: int
    without_outline: int

    @property
    def where_verdict(self) -> Verdict:
        """The verdict on the rule's first question."""
        return judge(self.judged.excess, GRASS_THRESHOLD)

    @property
    def need_verdict(self) -> Verdict:
        """The verdict on the rule's second question."""
        return judge(self.need, GRASS_THRESHOLD)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the rule."""
        return self.where_verdict if self.where_verdict == self.need_verdict else "can't tell"

    @property
    def sentence(self) -> str:
        """The result in words."""
        if self.area.images == 0:
            return "No frog is left to count."
        map_words = f"Every map of {self.judged.layer} is empty or not finite."
        if self.judged.excess.images:
            map_words = (
                f"Of the map of {self.judged.layer}, {percent(self.judged.share.mean)} lies on the background, which is "
                f"{percent(self.area.mean)} of the area: {points(self.judged.excess)}."
            )
        return (
            f"{map_words} The probability of frog, {percent(self.whole.mean)} in the whole picture, is "
            f"{percent(self.frog_only.mean)} with the background greyed out and {percent(self.background_only.mean)} with the "
            "frog greyed out."
        )


@remembered()
def judge_contour(rows: ContourRows) -> ContourGuess:
    """The first guess judged by these rows."""
    layers = _layer_contours(rows)
    return ContourGuess(layers, layers[rows.layers.index(rows.hooked)], len(rows))


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


@remembered()
def judge_depth(rows: Mapping[str, ContourRows], labels: NDArray[np.int64]) -> DepthGuess:
    """The second guess judged by rows of the same images, by the networks' names; the last two are compared.

    labels: int64 (N,), of the whole set. Raises InputError for fewer than two networks, and for different images.
    """
    if len(rows) < 2:
        raise InputError("rows: at least two networks, a shallow one and last a deep one, would be right")
    parts = tuple(rows.values())
    if any(not np.array_equal(part.images, parts[0].images) for part in parts):
        raise InputError("rows: the networks were shown unlike images; the same for all would be right")
    networks = tuple(_network_contour(name, part, labels) for name, part in rows.items())
    excess, deep_excess = map(_hooked_excess, parts[-2:])
    right, deep_right = (_right(part, labels).astype(np.float64) for part in parts[-2:])
    decrease, gain = bootstrap_difference(deep_excess, excess), bootstrap_difference(right, deep_right)
    return DepthGuess(networks, decrease, gain, len(parts[0]))


def _hooked_excess(rows: ContourRows) -> NDArray[np.float64]:
    place = rows.layers.index(rows.hooked)
    return np.asarray(rows.own[:, place] - rows.other[:, place])


def _network_contour(name: str, rows: ContourRows, labels: NDArray[np.int64]) -> NetworkContour:
    contour = _layer_contours(rows)[rows.layers.index(rows.hooked)]
    (accuracy,) = image_shares(_right(rows, labels)[:, None])
    return NetworkContour(name, rows.conv_layers, accuracy, contour)


def _right(rows: ContourRows, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(rows.predicted == labels[rows.images])


@remembered()
def judge_grass(rows: GrassRows, rejected: Collection[int] = ()) -> GrassGuess:
    """The third guess judged by these rows.

    rejected: positions of images whose outline does not count; others than frogs of the rows have no effect.
    """
    thrown = np.isin(rows.images, np.array(sorted(rejected), dtype=np.int64))
    counts = rows.outlined & ~thrown
    shares, area = rows.share[counts], rows.area[counts]
    every = zip(rows.layers, bootstrap_means(shares), bootstrap_means(shares - area[:, None]), strict=True)
    layers = tuple(LayerShare(name, share, excess, int(counts.sum()) - excess.images) for name, share, excess in every)
    judged = layers[rows.layers.index(rows.hooked)]
    probabilities = np.stack([rows.whole, rows.frog_only, rows.background_only], axis=1)[counts]
    whole, frog_only, background_only = bootstrap_means(probabilities)
    need = bootstrap_difference(rows.frog_only[counts], rows.background_only[counts])
    return GrassGuess(
        layers,
        judged,
        bootstrap_mean(area),
        whole,
        frog_only,
        background_only,
        need,
        int(counts.sum()),
        int(thrown.sum()),
        int((~rows.outlined & ~thrown).sum()),
    )
