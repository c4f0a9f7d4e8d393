"""What a stop asks a room: its question for phones, with the photograph where that is to be tapped."""

from dataclasses import replace

from dashboard.lesson.ballots import Poll
from dashboard.lesson.file import Stop
from dashboard.topics.sanity.pairs import NAMES, untrained_place
from dashboard.view.scene import Scene
from explain_lib.pictures.rendering import png


def poll_of(number: int, stop: Stop, scene: Scene) -> Poll | None:
    """What the stop of that number asks a room about the picture on screen; None where it asks nothing, or a number."""
    if stop.ask is None or stop.ask.kind == "number":
        return None
    ask = stop.ask
    if scene.view.blind and ask.kind == "choice" and len(ask.choices) == len(NAMES):
        ask = replace(ask, right=(untrained_place(scene.view.image),))
    picture = png(scene.picture) if stop.ask.kind == "place" else b""
    return Poll(number, scene.view.image, stop.question, ask, picture)
