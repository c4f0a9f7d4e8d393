"""Every layer measured beside baselines that never look at the network: on the picked image, and over many."""

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.ladder.advice import show_advice
from dashboard.topics.ladder.image import show_image_ladder
from dashboard.topics.ladder.sample import show_sample_ladder
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    show_numbers_of_image = show_image_ladder(scene)
    show_advice(scene)
    show_sample_ladder(scene)
    show_numbers_of_image()


show_page(
    "layer_ladder",
    _draw,
    line=Line(score=False),
    of_pictures="removes pixels of pictures, and fills them from their neighbours",
)
