"""The three guesses of the study: their rules, written down with what was known at the time, verdicts, and sentences.

A rule names one number per picture, and a threshold for its mean. The guess is "supported" if the 95 % bootstrap interval of
the mean lies wholly above the threshold, "not supported" if it lies wholly below; otherwise, or with fewer than 30 pictures,
one "can't tell". If a change in either direction counts, the negative of the threshold counts too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run import remembered
from explain_lib.base.statistics import Estimate, bootstrap_difference, bootstrap_mean, bootstrap_means
from explain_lib.base.words import interval, listed, number, percent, points
from explain_lib.networks.model import Model
from explain_lib.networks.requests import Progress
from explain_lib.study.rows import AVERAGE, ContourRows, GrassRows, contour_rows, grass_rows

Verdict = Literal["supported", "not supported", "can't tell"]
Positions = Sequence[int] | NDArray[np.int64]

LEAST_IMAGES = 30
CONTOUR_THRESHOLD = 0.1
"""A correlation of 0.1 is a small effect (Cohen, Statistical Power Analysis for the Behavioral Sciences, 1988)."""
GRASS_THRESHOLD = 0.05
"""Five percentage points, of the map's sum or of probability."""

CONTOUR_RULE = (
    "For each picture: the Spearman correlation of its map with its own edges (Sobel), less that of the same map with the "
    "edges of another picture, the next one. The map is that of the predicted class at the layer that the study hooked (relu2; "
    "of other networks the last conv layer). Supported if the 95 % interval of the mean lies wholly above 0.1, a small effect "
    "by Cohen; not supported if wholly below; else, or with fewer than 30 pictures, one can't tell. When the rule was written, "
    "captum-tutorial's correlations with own edges were known; those with other edges were not."
)
DEPTH_RULE = (
    "If depth mattered for what the maps follow, those of a deeper network would follow contours more, or less. For each "
    "picture: the number of the first guess for the shallow network less that for the deep one, both trained here on the same "
    "pictures. Supported if the 95 % interval of the mean lies wholly beyond 0.1 in either direction; not supported if wholly "
    "within −0.1 to 0.1; else, or with fewer than 30 pictures, one can't tell. Accuracy is shown beside and does not count. "
    "Larger pictures cannot be tried: all are 32 × 32. That either direction "
    "counts was planned before the deeper network's numbers were known; the wording is from afterwards."
)
GRASS_RULE = (
    "Two questions, for every frog with an outline. Where is the map? The share of its sum (map of the class frog, at the "
    "layer of the first guess) that lies on the background, less the background's share of the area. What does the network "
    "need? The probability of the class frog with the frog greyed out (128 of 255), less that with the background greyed out. "
    "Each is supported if the 95 % interval of the mean lies wholly above five percentage points, not supported if wholly "
    "below. The guess has the verdict that both have; where they differ, or with fewer than 30 frogs, one can't tell. "
    "The rule was written before any of its numbers were known."
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
    """The first guess, "the network looks at contours", by CONTOUR_RULE.

    layers: the layers in the order of the network, then the average of the study's five if there is one. judged: the layer of
    the verdict. images: how many there are. sentence: the result in words.
    """

    layers: tuple[LayerContour, ...]
    judged: LayerContour
    images: int
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class NetworkContour(Frozen):
    """One network in the second guess: its name, its number of conv layers, its accuracy, and the contours of its layer."""

    name: str
    conv_layers: int
    accuracy: Estimate
    contour: LayerContour


@dataclass(frozen=True)
class DepthGuess(Frozen):
    """The second guess, "perhaps the pictures are too small or the network not deep enough", by DEPTH_RULE.

    networks: in the given order, the deep one last, after the shallow one. decrease: how much
    less the deep one follows contours, paired over images. accuracy_gain: of the deep over the shallow one, paired. images:
    how many there are. sentence: the result in words.
    """

    networks: tuple[NetworkContour, ...]
    decrease: Estimate
    accuracy_gain: Estimate
    images: int
    verdict: Verdict
    sentence: str


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
    """The third guess, "for a frog it looks at the grass", by GRASS_RULE; means over the frogs that count.

    layers: the tested layers. judged: the layer of the verdict. area: the background's share of the
    picture. whole, frog_only, background_only: probability of the class frog, as it is, with the background greyed, with the
    frog greyed. need: background_only minus frog_only, paired. where_verdict, need_verdict: of the rule's two questions.
    images: frogs that count. rejected: frogs whose outline a person rejected. without_outline: others whose outline is
    degenerate. sentence: the result in words.
    """

    layers: tuple[LayerShare, ...]
    judged: LayerShare
    area: Estimate
    whole: Estimate
    frog_only: Estimate
    background_only: Estimate
    need: Estimate
    where_verdict: Verdict
    need_verdict: Verdict
    images: int
    rejected: int
    without_outline: int
    verdict: Verdict
    sentence: str


@remembered()
def judge_contour(rows: ContourRows) -> ContourGuess:
    """The verdict of CONTOUR_RULE on these rows."""
    layers = _layer_contours(rows)
    judged = layers[rows.layers.index(rows.hooked)]
    verdict = judge(judged.excess, CONTOUR_THRESHOLD)
    average = layers[rows.layers.index(AVERAGE)] if AVERAGE in rows.layers else None
    strongest = [layer for layer in layers if average is not None and layer.own.mean > average.own.mean]
    sentence = contour_sentence(
        judged.layer,
        (judged.own, judged.other, judged.excess),
        judged.ceiling,
        CONTOUR_THRESHOLD,
        None if average is None else average.own.mean,
        {layer.layer: layer.own.mean for layer in strongest},
    )
    return ContourGuess(layers, judged, len(rows), verdict, sentence)


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
    """The verdict of DEPTH_RULE on rows of the same images, by the networks' names; the last two are compared.

    labels: int64 (N,), of the whole set. Raises InputError for fewer than two networks, and for different images.
    """
    if len(rows) < 2:
        raise InputError("rows: at least two networks, a shallow one and last a deep one, would be right")
    names, parts = tuple(rows), tuple(rows.values())
    if any(not np.array_equal(part.images, parts[0].images) for part in parts):
        raise InputError("rows: the networks were shown unlike images; the same for all would be right")
    networks = tuple(_network_contour(name, part, labels) for name, part in rows.items())
    shallow, deep = (_hooked_excess(part) for part in parts[-2:])
    right = [(part.predicted == labels[part.images]).astype(np.float64) for part in parts[-2:]]
    decrease, gain = bootstrap_difference(deep, shallow), bootstrap_difference(*right)
    verdict = judge_change(decrease, CONTOUR_THRESHOLD)
    described = [
        (name, network.conv_layers, network.contour.layer, network.accuracy.mean, network.contour.excess.mean)
        for name, network in zip(names[-2:], networks[-2:], strict=True)
    ]
    sentence = depth_sentence(described[0], described[1], decrease, gain, CONTOUR_THRESHOLD)
    return DepthGuess(networks, decrease, gain, len(parts[0]), verdict, sentence)


def _hooked_excess(rows: ContourRows) -> NDArray[np.float64]:
    place = rows.layers.index(rows.hooked)
    return np.asarray(rows.own[:, place] - rows.other[:, place])


def _network_contour(name: str, rows: ContourRows, labels: NDArray[np.int64]) -> NetworkContour:
    right = (rows.predicted == labels[rows.images]).astype(np.float64)
    contour = _layer_contours(rows)[rows.layers.index(rows.hooked)]
    return NetworkContour(name, rows.conv_layers, bootstrap_mean(right), contour)


@remembered()
def judge_grass(rows: GrassRows, rejected: Collection[int] = ()) -> GrassGuess:
    """The verdict of GRASS_RULE on these rows.

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
    where_verdict, need_verdict = judge(judged.excess, GRASS_THRESHOLD), judge(need, GRASS_THRESHOLD)
    background = bootstrap_mean(area)
    return GrassGuess(
        layers,
        judged,
        background,
        whole,
        frog_only,
        background_only,
        need,
        where_verdict,
        need_verdict,
        int(counts.sum()),
        int(thrown.sum()),
        int((~rows.outlined & ~thrown).sum()),
        where_verdict if where_verdict == need_verdict else "can't tell",
        grass_sentence(judged.layer, (judged.share, judged.excess), background, (whole, frog_only, background_only)),
    )


def contour_guess(model: Model, pixels: NDArray[np.uint8], images: Positions, *, progress: Progress = None) -> ContourGuess:
    """Test the first guess on images of a set. Arguments and errors are those of contour_rows."""
    return judge_contour(contour_rows(model, pixels, images, progress=progress))


def depth_guess(
    models: Mapping[str, Model],
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Positions,
    *,
    progress: Progress = None,
) -> DepthGuess:
    """Test the second guess on images of a set. models: by name, the deep one last, the shallow one before it.

    labels: int64 (N,). progress: called with images done and in all, over all networks. Other arguments and errors are
    those of contour_rows and judge_depth.
    """
    rows: dict[str, ContourRows] = {}
    for place, (name, model) in enumerate(models.items()):
        rows[name] = contour_rows(model, pixels, images, progress=part_of_progress(progress, place, len(models)))
    return judge_depth(rows, labels)


def part_of_progress(progress: Progress, place: int, parts: int) -> Progress:
    """The progress of one of several equal parts, counted from 0, as progress of the whole."""
    if progress is None:
        return None
    return lambda done, total: progress(place * total + done, parts * total)


def grass_guess(
    model: Model,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    images: Positions,
    rejected: Collection[int] = (),
    *,
    progress: Progress = None,
) -> GrassGuess:
    """Test the third guess on those images of a set that are frogs. Arguments: those of grass_rows and judge_grass."""
    return judge_grass(grass_rows(model, pixels, labels, images, progress=progress), rejected)


# Section: sentences

Network = tuple[str, int, str, float, float]
"""Name, conv layers, tested layer, accuracy, and correlation with own edges beyond the control."""


def contour_sentence(
    layer: str,
    correlations: tuple[Estimate, Estimate, Estimate],
    ceiling: float,
    threshold: float,
    average: float | None,
    stronger: Mapping[str, float],
) -> str:
    """correlations: with own edges, with those of another picture, the difference. stronger: layers above the average."""
    own, other, excess = correlations
    if excess.images == 0:
        return f"No map of {layer} has anything to correlate."
    words = (
        f"The maps of {layer} follow the picture's own contours {_much(excess, threshold)} than another picture's: correlation "
        f"{number(own.mean)} against {number(other.mean)}, a difference of {number(excess.mean)} {interval(excess)}."
    )
    if not isnan(ceiling):
        words += f" A map on the layer's grid could reach {number(ceiling, 2)}."
    if average is None:
        return words
    if average <= own.mean or not stronger:
        return f"{words} The average of five layers gets {number(average)}."
    sources = listed([f"{name} ({number(mean)})" for name, mean in stronger.items()])
    return f"{words} The contours seen in the average of five layers ({number(average)}) come from {sources}."


def depth_sentence(shallow: Network, deep: Network, decrease: Estimate, gain: Estimate, threshold: float) -> str:
    """decrease: how much less the deep network follows contours. gain: how much higher its accuracy is."""
    (name, convs, layer, right, excess), (other, layers, deeper, better, beyond) = shallow, deep
    accuracy = (
        f"{other}, with {layers} conv layers, gets {percent(better)} of the same small pictures right, {name}, with {convs}, "
        f"{percent(right)} ({points(gain)})"
    )
    if decrease.images == 0:
        return f"{accuracy}. There are no maps to compare."
    compared = (
        f"Its map at {deeper} follows the picture's own contours by {number(beyond)} more than another picture's, {name}'s at "
        f"{layer} by {number(excess)}"
    )
    less = decrease.mean > 0
    change = decrease if less else Estimate(-decrease.mean, -decrease.high, -decrease.low, decrease.images)
    by = f"{number(change.mean)} {interval(change)}, {_place(change, threshold)}"
    return f"{accuracy}. {compared}: the deeper network follows contours {'less' if less else 'more'}, by {by}."


def grass_sentence(
    layer: str, where: tuple[Estimate, Estimate], area: Estimate, probabilities: tuple[Estimate, Estimate, Estimate]
) -> str:
    """where: the background's share of the map, and that beyond its share of the area. probabilities: whole, frog only,
    background only.
    """
    share, excess = where
    if area.images == 0:
        return "No frog is left that counts."
    whole, frog_only, background_only = (percent(one.mean) for one in probabilities)
    map_words = f"No map of {layer} has anything to share out."
    if excess.images:
        map_words = (
            f"Of the map of {layer}, {percent(share.mean)} lies on the background, which is {percent(area.mean)} of the area: "
            f"{points(excess)}."
        )
    return (
        f"{map_words} The probability of frog, {whole} in the whole picture, is {frog_only} with the background greyed out and "
        f"{background_only} with the frog greyed out."
    )


def _much(excess: Estimate, threshold: float) -> str:
    if excess.low > threshold:
        return "clearly more"
    if excess.high >= threshold:
        return f"more, though perhaps by less than {threshold:g},"
    return "a little more" if excess.low > 0 else "no more"


def _place(estimate: Estimate, threshold: float) -> str:
    if estimate.low > threshold:
        return f"above {threshold:g}"
    return f"below {threshold:g}" if estimate.high < threshold else f"too near to {threshold:g} to tell"
