"""The layer ladder of a view: what it asks for, and on which pictures."""

from dashboard.view.scene import Scene, sample_scene
from dashboard.view.view import usual_layer
from explain_lib.trust.ladder import LadderRequest


def opinions_layer(layer: str) -> str | None:
    """The layer itself, where the package can be asked for its other methods: None for one that is called several times."""
    return None if "#" in layer else layer


def sample_request(scene: Scene) -> LadderRequest:
    """The ladder that the view asks for: the layers on offer, on its sample of the set."""
    layers, view = scene.offered_layers, scene.view
    around, images = sample_scene(scene)
    where = opinions_layer(usual_layer(scene.model))
    return LadderRequest(scene.model, around.images.pixels, images, layers, view.target, where)
