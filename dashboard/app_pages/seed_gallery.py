"""The study's table, live: eight test pictures, two Grad-CAMs."""

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.gallery.rows import drawn_scene
from dashboard.topics.gallery.sections import gallery_steps, introduce, say_whose, show_rows
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    drawn = drawn_scene(scene)
    say_whose(drawn)
    show_rows(drawn)
    introduce(drawn)


show_page(
    "seed_gallery",
    _draw,
    layers=gallery_steps,
    line=Line(target=False, score=False, drawing=False, modules=False),
    of_pictures="shows the study's eight pictures",
)
