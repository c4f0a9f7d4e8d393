"""Two classes contrasted, in words: the sum of their maps, what they share, and the difference of logit and probability."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import correlation_words, percent, precise_percent, two
from explain_lib.cam.contrast import Contrast, ScoreDifference
from explain_lib.networks.task_words import score_word
from explain_lib.passes.tasks import Task, is_by_place

_OWN_SOFTMAX: Mapping[Task, str] = {
    "segmentation": "Each place of the region has its own softmax, and places where the network is sure of {a} hardly count in "
    "the sum of probabilities.",
    "sigmoid-segmentation": "Each place of the region has its own sigmoid, and places where the network is sure of {a} hardly "
    "count in the sum of probabilities.",
    "detection": "The score is the softmax or the sigmoid of the logits of this box alone; where it is near 100 %, it hardly "
    "changes.",
}

BY_SCORE = "The map of the logit and that of the probability, each on its own scale"


@dataclass(frozen=True)
class Pair:
    """The class that is explained and the one beside it, by name; chosen: whether the view names the latter."""

    a: str
    b: str
    chosen: bool


def maps_by_score(found: Contrast) -> Mapping[str, Map]:
    """The ReLU map of each score of A."""
    return {"logit": found.by_logit} | ({} if found.by_probability is None else {"probability": found.by_probability})


@dataclass(frozen=True)
class SignedMap:
    """A map of a contrast with its sign, and the meaning of its colours, in words. values: float32 (h, w), as found."""

    title: str
    values: Map
    meaning: str


def signed_maps(found: Contrast, pair: Pair, task: Task) -> Mapping[str, SignedMap]:
    """The four maps that have one scale; that of what speaks against A with its sign turned back: blue means the same."""
    score = score_word(found.score, task)
    lowers = f"blue: lowers the {score} of {pair.a} (the map of −A, cut at zero)"
    return {
        "a": SignedMap("map(A)", found.signed_a, f"red: for {pair.a}, blue: against it"),
        "b": SignedMap("map(B)", found.signed_b, f"red: for {pair.b}, blue: against it"),
        "between": SignedMap("map(A − B)", found.signed_contrast, f"red: for {pair.a} rather than {pair.b}, blue: the reverse"),
        "against": SignedMap("Against A", -found.against, lowers),
    }


def sum_sentence(found: Contrast, pair: Pair) -> str:
    """How far the map of the contrast is from the difference of the two maps, and how alike these are."""
    deviation, reach = found.deviation, found.reach
    share = deviation / reach if reach > 0 else 0.0
    return (
        f"**map(A − B) is map(A) − map(B)** to {two(deviation)} ({two(share)} of the scale), although it was computed as a "
        f"separate target: the gradient of a difference is the difference of the gradients. This holds only before the cut at "
        f"zero. {_alike(found, pair)}"
    )


def _alike(found: Contrast, pair: Pair) -> str:
    """The lesson of the contrast: the evidence for both is gone from it."""
    alike = found.alike
    if isnan(alike):
        return "One of the two maps is the same everywhere."
    words = f"map(A) and map(B) have a rank correlation of {correlation_words(alike)}: "
    if alike > 0.3:
        return words + f"much of the map of {pair.a} is in the map of {pair.b}, too, and vanishes from the contrast."
    if alike < -0.3:
        return words + "where one is high the other is low, and that stands out more in the contrast."
    return words + "they show different things, and the contrast shows both."


def score_sentence(found: Contrast, pair: Pair, task: Task) -> str:
    """The difference between the maps of A's probability and of its logit, and its reason; empty without probabilities."""
    difference, share = found.by_score, precise_percent(float(found.probabilities[found.a]))
    if difference is None:
        return ""
    if is_by_place(task):
        return _places_sentence(found, difference, pair, _OWN_SOFTMAX[task])
    return (_softmax_sentence if task == "softmax" else _sigmoid_sentence)(found, difference, pair, share)


def _softmax_sentence(found: Contrast, difference: ScoreDifference, pair: Pair, share: str) -> str:
    """A probability that depends on all logits."""
    derivative = (
        f"The derivative of the probability p of {pair.a} is p times (the derivative of its logit minus the mean derivative "
        f"of all logits, weighted by their probabilities)"
    )
    why = f"{derivative}. With p = {share}"
    zero = [score for score, values in maps_by_score(found).items() if map_state(values) is MapState.ZERO]
    if len(zero) == 2:
        return f"**Logit or probability?** The maps of both are zero everywhere: at {found.layer} nothing speaks for {pair.a}."
    if zero:
        nothing = f"that of the {zero[0]} of {pair.a} is zero everywhere"
        return f"**Logit or probability? The two maps differ**: {nothing}. {derivative}; here p = {share}."
    far = f"up to {percent(difference.largest, 0)} of the colour scale apart"
    numbers = (
        f"rank correlation {correlation_words(difference.spearman)}, Pearson {correlation_words(difference.pearson)}, {far}"
    )
    size = f"the map of the probability is {two(difference.ratio)} times as large"
    if difference.visible:
        return (
            f"**Logit or probability? The two maps differ** ({numbers}, each drawn on its own scale). {why}, it is a contrast "
            f"with every class at once; {size}, and vanishes as p goes to 1."
        )
    return f"**Logit or probability? The two maps look the same** ({numbers}, each on its own scale). {why}, {size}."


def _places_sentence(found: Contrast, difference: ScoreDifference, pair: Pair, why: str) -> str:
    """Of places or a box, with a softmax of their own. why: in words."""
    zero = [score for score, values in maps_by_score(found).items() if map_state(values) is MapState.ZERO]
    if zero:
        return f"**Logit or probability?** The map of the {' and that of the '.join(zero)} of {pair.a} is zero everywhere."
    differ = "differ" if difference.visible else "look the same"
    return (
        f"**Logit or probability? The two maps {differ}** (rank correlation {correlation_words(difference.spearman)}, up to "
        f"{percent(difference.largest, 0)} of the colour scale apart, each on its own scale). {why.format(a=pair.a)}"
    )


def _sigmoid_sentence(found: Contrast, difference: ScoreDifference, pair: Pair, share: str) -> str:
    """A label's probability depends on its own logit alone: both maps are one, times a factor."""
    derivative = f"The derivative of the probability p of {pair.a} is p (1 − p) times that of its logit; p = {share}"
    zero = [score for score, values in maps_by_score(found).items() if map_state(values) is MapState.ZERO]
    if len(zero) == 2:
        return f"**Logit or probability?** The maps of both are zero everywhere: at {found.layer} nothing speaks for {pair.a}."
    if zero:
        nothing = f"that of the {zero[0]} of {pair.a} is zero everywhere"
        return f"**Logit or probability? The two maps differ**: {nothing}. {derivative}."
    size = f"the map of the probability is {two(difference.ratio)} times as large"
    return f"**Logit or probability? The two maps are the same but for their scale**: {size}. {derivative}."
