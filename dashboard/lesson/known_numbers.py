"""The numbers of known truth for a lesson's answer: what the planted mark does, and which map finds it.

Means are over the first pictures of the sample, one batch, which take a moment with a small network.
"""

from collections.abc import Callable, Mapping

import explain_lib as xl
from dashboard.lesson.picture_numbers import Number
from dashboard.topics.known_truth.chosen import KnownPicture, known_picture
from dashboard.topics.known_truth.many import is_measured_at_once, truth_request
from dashboard.view.scene import Scene
from explain_lib.base.words import mean_percent, percent
from explain_lib.truth.finders import TruthRows
from explain_lib.truth.summary import FinderRanking, TruthSummary, rank_finders, summarise_truth


def _of(words: Callable[[KnownPicture], str]) -> Callable[[Scene], str]:
    return lambda scene: words(known_picture(scene))


def _rows(scene: Scene) -> TruthRows:
    """The rows of the first pictures. Raises InputError for a network that would take long."""
    if not is_measured_at_once(scene):
        raise xl.InputError(f"known: {scene.view.model} is too large to measure here; a small network would be right")
    first = next(truth_request(scene).batches(), None)
    if first is None:
        raise xl.InputError("known: none of these pictures can be read; others would be right")
    return first.at_once()


def _summary(scene: Scene) -> TruthSummary:
    return summarise_truth(_rows(scene))


def _ranking(scene: Scene) -> FinderRanking:
    rows = _rows(scene)
    return rank_finders(rows, summarise_truth(rows), "energy", known_picture(scene).finder)


KNOWN: Mapping[str, Number] = {
    "known.before": Number("what the network says of the picture without the mark", _of(lambda known: known.before), unit=None),
    "known.says": Number("what it says with the mark, or of the mosaic", _of(lambda known: known.says), unit=None),
    "known.finder": Number("the chosen method and layer", _of(lambda known: known.finder.name), unit=None),
    "known.share": Number(
        "how much of its map of this picture lies in the known place",
        _of(lambda known: percent(known.value(known.finder, "energy"))),
        unit="%",
    ),
    "known.area": Number("how much of the picture that place covers", _of(lambda known: percent(known.area)), unit="%"),
    "known.images": Number(
        "how many pictures of other classes the mark is tried on", lambda scene: f"{_summary(scene).asked:,}"
    ),
    "known.turned": Number(
        "the share of them that the mark turns into its class", lambda scene: mean_percent(_summary(scene).counted), unit="%"
    ),
    "known.mean_share": Number(
        "the mean share of the chosen method's maps in the place, over those pictures",
        lambda scene: mean_percent(_ranking(scene).chosen_value),
        unit="%",
    ),
    "known.best": Number(
        "the method and layer with the largest mean share", lambda scene: _ranking(scene).best.name, unit=None
    ),
    "known.best_share": Number("that mean share", lambda scene: mean_percent(_ranking(scene).value), unit="%"),
}
