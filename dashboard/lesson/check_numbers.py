"""The numbers of the checks of maps for a lesson's answer: the layer ladder, contours, and networks that have forgotten.

Nothing here takes seconds: ladders are those that were measured beforehand, the verdict on contours is told once its page has
it, and all else is about one picture.
"""

from collections.abc import Callable, Mapping

import numpy as np

import explain_lib as xl
from dashboard.lesson.picture_numbers import Number
from dashboard.topics.guesses.runs import kept_contour_guess
from dashboard.topics.ladder.measured import sample_request
from dashboard.topics.sanity.check import find_starts, make_check
from dashboard.topics.sanity.pairs import NAMES, untrained_place
from dashboard.topics.sanity.words import starts_sentence
from dashboard.view.scene import Scene
from explain_lib.base.words import correlation_words, mean_alone, mean_words, number, percent
from explain_lib.networks.randomisation import chosen_steps, randomisation_steps
from explain_lib.networks.task_words import value_words
from explain_lib.passes.tasks import predicted_of
from explain_lib.study.guesses import ContourGuess
from explain_lib.study.rows import ContourRequest, OutlineRequest, OutlineRows
from explain_lib.trust.ladder import CENTRE, RANDOM, LadderRows
from explain_lib.trust.ladder_summary import (
    LADDER_MAPS,
    Ranking,
    beside_centre,
    beside_centre_sentence,
    centre_sentence,
    rank_ladder,
    summarise_ladder,
)
from explain_lib.trust.measures import measure_words
from explain_lib.trust.sanity import RandomStarts
from explain_lib.work.ladder_files import bundled_ladder

# Section: the ladder over many pictures


def _ladder(scene: Scene) -> LadderRows:
    rows = bundled_ladder(sample_request(scene))
    if rows is None:
        raise xl.InputError(
            "ladder: there are no ready-made measurements for these layers, this class, set or number of pictures; the "
            "default view of the ladder page has them"
        )
    return rows


def _ranking(scene: Scene) -> Ranking:
    return rank_ladder(_ladder(scene), scene.view.measure, scene.view.fill)


def _best(scene: Scene) -> str:
    best = _ranking(scene).best
    if best is None:
        raise xl.InputError("ladder: no layer can rank pixels here; another model would be right")
    return best


def _rung(scene: Scene, name: str) -> str:
    summary = summarise_ladder(_ladder(scene))
    return mean_alone(next(one.value(scene.view.measure, scene.view.fill) for one in summary if one.rung.name == name))


def _verdict(scene: Scene) -> str:
    _best(scene)
    return centre_sentence(_ranking(scene), summarise_ladder(_ladder(scene)))


def _beside(scene: Scene) -> str:
    _best(scene)
    return beside_centre_sentence(beside_centre(_ladder(scene), scene.view.fill), scene.view.fill)


# Section: contours


def _edges(scene: Scene, own: bool) -> str:
    """The correlation of the picture's map with edges, those of the picture or of the next one."""
    pixels, image = scene.images.pixels, scene.view.image
    if len(pixels) < 2:
        raise xl.InputError("image: there is no other picture in this set; a set of two or more would be right")
    chosen = np.array([image, (image + 1) % len(pixels)])
    pair = np.ascontiguousarray(pixels[chosen])
    rows = ContourRequest(scene.model, pair, np.array([0]), np.array([1])).all_rows()
    found = rows.own if own else rows.other
    return correlation_words(float(found[0, rows.layers.index(rows.hooked)]))


def _split(words: Callable[[OutlineRows], str]) -> Callable[[Scene], str]:
    """A number of the picture split along its outline."""

    def of(scene: Scene) -> str:
        pixels, image = np.ascontiguousarray(scene.images.pixels[np.array([scene.view.image])]), np.array([0])
        rows = OutlineRequest(scene.model, pixels, image, image).all_rows()
        if np.isnan(rows.along[0, 0]) or np.isnan(rows.outline_shuffled[0, 0]):
            raise xl.InputError("split: this picture has no outline with an inside, or no map; another picture would be right")
        return words(rows)

    return of


def _contour(words: Callable[[ContourGuess], str]) -> Callable[[Scene], str]:
    def of(scene: Scene) -> str:
        guess = kept_contour_guess(scene)
        if guess is None:
            raise xl.InputError(
                "contour: the first guess has no verdict for this network yet; open the page “The study's guesses”, then this "
                "answer again"
            )
        return words(guess)

    return of


# Section: networks that have forgotten


def _says(scene: Scene, depth: int | None) -> int:
    check = make_check(scene)
    return int(predicted_of(check.found.probabilities[0, check.shown if depth is None else depth], scene.model.task))


def _then(scene: Scene) -> str:
    check = make_check(scene)
    value = float(check.found.probabilities[0, check.shown, _says(scene, None)])
    return value_words(value, scene.model.task, unit=scene.model.unit)


def _forgotten(scene: Scene) -> str:
    check = make_check(scene)
    return str(len(chosen_steps(randomisation_steps(scene.model), check.shown, scene.view.mode)))


def _after(scene: Scene, end: bool) -> str:
    check = make_check(scene)
    return correlation_words(check.correlation(len(check.found.steps) if end else check.shown))


def _told(scene: Scene) -> str:
    """The prediction of the randomised network and the correlation of its map with the original one, in sentences."""
    count, correlation = _forgotten(scene), _after(scene, end=False)
    if count == "0":
        says = f"{scene.model.classes[_says(scene, 0)]} with {_then(scene)}"
        return f"No layer is randomised now: both maps are from the trained network, which says {says}."
    total, classes = len(randomisation_steps(scene.model)), scene.model.classes
    now, before = f"{classes[_says(scene, None)]} with {_then(scene)}", classes[_says(scene, 0)]
    return (
        f"With {count} of {total} layers randomised the network says {now}; before, it said {before}. "
        f"The rank correlation of its map with the original one is {correlation}."
    )


def _starts(scene: Scene) -> RandomStarts:
    """The random starts at the chosen depth. Raises InputError where there are none, or not yet."""
    check = make_check(scene)
    if check.shown == 0:
        raise xl.InputError("randomised: no layer is randomised now; a level from 1 would be right")
    found = find_starts(check).found
    if found is None:
        raise xl.InputError("starts: still being computed; open the answer again in a few seconds")
    return found


def _starts_told(scene: Scene) -> str:
    """The mean correlation over random starts, and what the networks say, in sentences."""
    if _forgotten(scene) == "0":
        return _told(scene)
    check, classes = make_check(scene), scene.model.classes
    says = f"The trained network says {check.says(0)}, the first random one {classes[_says(scene, None)]} with {_then(scene)}."
    return f"{starts_sentence(_starts(scene))} {says}"


CHECKS: Mapping[str, Number] = {
    "ladder.images": Number("on how many pictures the ladder was measured", lambda scene: f"{_ranking(scene).images:,}"),
    "ladder.measure": Number(
        "the measure that ranks on the ladder page: deletion with mid grey",
        lambda scene: measure_words(scene.view.measure, scene.view.fill),
        unit=None,
    ),
    "ladder.layers": Number(
        "how many layers were measured", lambda scene: str(sum(rung.kind == "layer" for rung in _ladder(scene).rungs))
    ),
    "ladder.best_layer": Number("the one with the best mean", _best, unit=None),
    "ladder.best": Number("that mean", lambda scene: _rung(scene, _best(scene))),
    "ladder.centre": Number("the number of “centre first”, from the middle outwards", lambda scene: _rung(scene, CENTRE)),
    "ladder.random": Number("the number of a random order of pixels", lambda scene: _rung(scene, RANDOM)),
    "ladder.verdict": Number("whether the best layer beats “centre first”, a sentence", _verdict, unit=None),
    "ladder.maps": Number("the method and the placement of the layers' maps", lambda _: LADDER_MAPS, unit=None),
    "ladder.beside": Number(
        "which rows, of any method and placement, beat “centre first” by which measure, a sentence", _beside, unit=None
    ),
    "edges.own": Number(
        "the Spearman correlation of the picture's map with its own edges, at the layer that the first guess judges",
        lambda scene: _edges(scene, own=True),
    ),
    "edges.other": Number("that of the same map with the edges of the next picture", lambda scene: _edges(scene, own=False)),
    "split.along": Number(
        "the density of the picture's map along its outline, at the layer that the first guess judges; 1 is an even map",
        _split(lambda rows: number(rows.along[0, 0], 2)),
    ),
    "split.inside": Number("that of the same map inside the outline", _split(lambda rows: number(rows.inside[0, 0], 2))),
    "split.outline_shuffled": Number(
        "the probability of the predicted class with the pixels along the outline shuffled",
        _split(lambda rows: percent(float(rows.outline_shuffled[0, 0]))),
        unit="%",
    ),
    "split.inside_shuffled": Number(
        "that with the pixels inside shuffled, changed by as much",
        _split(lambda rows: percent(float(rows.inside_shuffled[0, 0]))),
        unit="%",
    ),
    "contour.images": Number("on how many pictures the first guess is judged", _contour(lambda guess: f"{guess.images:,}")),
    "contour.layer": Number("the layer that it judges", _contour(lambda guess: guess.layer), unit=None),
    "contour.along": Number(
        "the mean density of maps along outlines; 1 is an even map", _contour(lambda guess: mean_alone(guess.decides.along))
    ),
    "contour.inside": Number("that inside outlines", _contour(lambda guess: mean_alone(guess.decides.inside))),
    "contour.where": Number(
        "the difference of the two, beyond that with another picture's outline",
        _contour(lambda guess: mean_alone(guess.decides.where)),
    ),
    "contour.use": Number(
        "how many points more a shuffled outline costs than a shuffled inside, beyond that with another picture's outline",
        _contour(lambda guess: number(100 * guess.decides.use.mean, 1)),
    ),
    "contour.own": Number(
        "the mean correlation of maps with their own picture's edges", _contour(lambda guess: mean_alone(guess.judged.own))
    ),
    "contour.other": Number("that with the edges of another picture", _contour(lambda guess: mean_alone(guess.judged.other))),
    "contour.excess": Number("the difference of these two", _contour(lambda guess: mean_alone(guess.judged.excess))),
    "contour.verdict": Number("supported, not supported, can't tell", _contour(lambda guess: guess.verdict), unit=None),
    "sanity.count": Number("how many layers have forgotten what they learnt, at the chosen depth", _forgotten),
    "sanity.total": Number("how many there are", lambda scene: str(len(randomisation_steps(scene.model)))),
    "sanity.correlation": Number(
        "the Spearman correlation of the map after that with the original one", lambda scene: _after(scene, end=False)
    ),
    "sanity.class": Number("the likeliest class then", lambda scene: scene.model.classes[_says(scene, None)], unit=None),
    "sanity.probability": Number("its probability", _then, unit="%"),
    "sanity.original_class": Number(
        "the likeliest class before", lambda scene: scene.model.classes[_says(scene, 0)], unit=None
    ),
    "sanity.told": Number("all of that in two sentences; in one where no layer has forgotten anything", _told, unit=None),
    "sanity.starts": Number("how many random starts are shown", lambda scene: str(len(_starts(scene).seeds))),
    "sanity.mean": Number(
        "the mean correlation over these starts with the original map, with its 95 % interval",
        lambda scene: mean_words(_starts(scene).mean),
        unit=None,
    ),
    "sanity.starts_told": Number("the same in sentences, with what the networks say", _starts_told, unit=None),
    "pair.untrained": Number(
        "which of a blind pair was never trained: A", lambda scene: NAMES[untrained_place(scene.view.image)], unit=None
    ),
    "sanity.end_correlation": Number(
        "the correlation at the last depth, the first layer randomised too", lambda scene: _after(scene, end=True)
    ),
}
