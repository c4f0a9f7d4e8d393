"""The study's table, live: eight test pictures, two Grad-CAMs."""

from dashboard.frame.page import show_page
from dashboard.topics.gallery.rows import study_scene
from dashboard.topics.gallery.sections import gallery_steps, introduce, say_other_model, show_rows
from dashboard.view.scene import Scene


def _draw(scene: Scene) -> None:
    study = study_scene(scene)
    say_other_model(scene, study)
    show_rows(scene, study)
    introduce(study)


show_page("seed_gallery", _draw, layers=gallery_steps)
