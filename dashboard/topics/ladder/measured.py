"""The layer ladder of a view: what it asks for, on which pictures, and the ranking of what was measured."""

from dashboard.view.scene import Scene, sample_scene
from dashboard.view.view import usual_layer
from explain_lib.trust.ladder import LadderRows
from explain_lib.trust.ladder_summary import Ranking, RungSummary, rank_ladder, summarise_ladder
from explain_lib.trust.measures import Fill, Measure
from explain_lib.work.requests import LadderRequest


def opinions_layer(layer: str) -> str | None:
    """The layer itself, where the package can be asked for its other methods: None for one that is called several times."""
    return None if "#" in layer else layer


def sample_request(scene: Scene) -> LadderRequest:
    """The ladder that the view asks for: the layers on offer, on its sample of the set."""
    layers, view = scene.offered_layers, scene.view
    around, images = sample_scene(scene)
    where = opinions_layer(usual_layer(scene.model))
    return LadderRequest(scene.model, around.images.pixels, images, layers, view.target, where)


def sample_summary(scene: Scene, request: LadderRequest, rows: LadderRows) -> tuple[RungSummary, ...]:
    """Every row's means, kept, as is each ranking: the intervals take longest of all, and most clicks change none of them."""
    key = "ladder_summary", request.fingerprint, len(rows)
    return scene.cache.entries.get(key, lambda: summarise_ladder(rows))


def sample_ranking(scene: Scene, request: LadderRequest, rows: LadderRows, measure: Measure, fill: Fill) -> Ranking:
    """The ranking by one measure, kept."""
    key = "ladder_ranking", request.fingerprint, len(rows), measure, fill
    return scene.cache.entries.get(key, lambda: rank_ladder(rows, measure, fill))
