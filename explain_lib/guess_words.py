"""What was found of each guess, in a plain sentence that is written from the numbers."""

from collections.abc import Mapping
from math import isnan

from explain_lib.bootstrap import Estimate
from explain_lib.number_words import interval, listed, number, percent, points

Network = tuple[str, int, str, float, float]
"""Name, conv layers, layer that stands for it, share of the images right, correlation with own edges beyond the control."""


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
    """decrease: how much less the deep network follows contours. gain: how many more images, as a share, it gets right."""
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
