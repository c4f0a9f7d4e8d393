"""What each page shows of a view, for the file of a lesson: its main pictures, switches, and the numbers of its charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

import explain_lib as xl
from dashboard.figures.panel import Action, Panel
from dashboard.take_home.lesson_file.tables import Table, causes_table, contour_table, ladder_table
from dashboard.topics.browser.sections import picked_stage
from dashboard.topics.explorer.sections import stage_of
from dashboard.topics.gallery.sections import gallery_cards
from dashboard.topics.guesses.examples import contour_stage
from dashboard.topics.guesses.runs import contour_guess_of
from dashboard.topics.known_truth.chosen import known_picture
from dashboard.topics.known_truth.image import known_stage
from dashboard.topics.ladder.image import image_ladder, ladder_stage
from dashboard.topics.sanity.blind import blind_images, pairs_stage
from dashboard.topics.sanity.check import make_check, make_starts
from dashboard.topics.sanity.image import check_stage
from dashboard.topics.sides.comparison import apart_stage, difference_stage
from dashboard.topics.sides.pair import make_pair, why_not_comparable
from dashboard.topics.sides.side import decompose_sides, possible_scene
from dashboard.topics.sides.stepper import way_rows
from dashboard.topics.training.course import chosen_training, make_course
from dashboard.topics.training.sections import moments_stage
from dashboard.topics.walk.steps import NAMES, STEPS, step_title, walk_stage
from dashboard.topics.walk.walk import make_walk
from dashboard.view.captions import image_caption, image_words
from dashboard.view.field import Value
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import Scene
from dashboard.widgets.drawing_controls import PLACEMENTS
from dashboard.widgets.explained import common_reach
from dashboard.widgets.selection import selected_images
from dashboard.widgets.stage import Row, Stage
from explain_lib.cam.training_time import training_moments
from explain_lib.pictures.channels import shown
from explain_lib.pictures.dataset import CLASSES, SIDE
from explain_lib.receptive_fields.centres import locate_cells

MOST_PICTURES = 24
"""So many of the class browser's pictures are in the file."""
THUMBNAIL = 96


@dataclass(frozen=True)
class Switch:
    """A button below a stage: its words, and what it changes of the view."""

    words: str
    changes: Mapping[str, Value]


@dataclass(frozen=True)
class Shown:
    """What the file shows of a view: the stage, a label with its switches, tables, and a note on what only the page has."""

    stage: Stage
    label: str = ""
    switches: tuple[Switch, ...] = ()
    tables: tuple[Table, ...] = ()
    note: str = ""


def shown_of(page: str, scene: Scene) -> Shown:
    """What the file shows of a page's view. Raises ExplainError for one that cannot be shown."""
    return _PAGES.get(page, _picked)(scene)


def _explorer(scene: Scene) -> Shown:
    if locate_cells(scene.model, scene.layer) is None:
        return Shown(stage_of(scene))
    switches = tuple(Switch(words, {"placement": placement}) for placement, words in PLACEMENTS.items())
    return Shown(stage_of(scene), "Each cell is drawn", switches)


def _walk(scene: Scene) -> Shown:
    if scene.view.step == "network":  # a drawing to click, which is no picture of this stage
        scene = replace(scene, view=replace(scene.view, step="forward"))
    steps = tuple(Switch(f"{STEPS.index(step)} {NAMES[step]}", {"step": step}) for step in STEPS if step != "network")
    return Shown(walk_stage(make_walk(scene)), step_title(scene.view.step), steps)


def _disagreement(scene: Scene) -> Shown:
    pair = make_pair(possible_scene(scene))
    why_not = why_not_comparable(pair)
    if why_not is not None:
        return Shown(apart_stage(pair), note=why_not)
    try:
        found = decompose_sides(pair.scene, pair.a.configuration, pair.b.configuration)
    except xl.InputError:  # a map on the way from a to b is of another size
        return Shown(difference_stage(pair, None))
    stage = difference_stage(pair, found)
    return Shown(replace(stage, rows=(*stage.rows, *way_rows(pair, found))), tables=(causes_table(found),))


def _guesses(scene: Scene) -> Shown:
    if scene.model.classes != CLASSES or (scene.model.input_size, scene.model.channels) != ((SIDE, SIDE), 3):
        return _picked(scene)
    scene = scene.with_set(CifarImages(scene.cache))
    guess = contour_guess_of(scene)
    return Shown(contour_stage(scene), tables=(contour_table(guess),))


def _ladder(scene: Scene) -> Shown:
    table = ladder_table(scene)
    return Shown(ladder_stage(scene, image_ladder(scene), scene.layer), tables=() if table is None else (table,))


def _sanity(scene: Scene) -> Shown:
    pairs = blind_images(scene)
    if pairs:
        return Shown(pairs_stage(scene, pairs))
    check = make_check(scene)
    return Shown(check_stage(check, make_starts(check)))


def _browser(scene: Scene) -> Shown:
    """The picked image, and below it the first of those that the view selects, each a click away."""
    stage, chosen = picked_stage(scene), selected_images(scene)
    images = dict.fromkeys([*chosen[:MOST_PICTURES].tolist(), scene.view.image])
    panels = tuple(_thumbnail(scene, image) for image in (sorted(images) if scene.view.order == "number" else images))
    title = f"{len(panels)} of the {len(chosen):,} pictures" if len(chosen) > len(panels) else "The pictures"
    rows = replace(stage.rows[0], caption=image_caption(scene, scene.view.image)), Row(panels, title, strip=True)
    return Shown(replace(stage, rows=rows, hint=""), note=_BROWSED)


_BROWSED = "Here the map stands beside the picked picture; the dashboard opens each of them in its layer explorer."


def _thumbnail(scene: Scene, image: int) -> Panel:
    return Panel(
        f"image-{image}", image_words(scene, image), THUMBNAIL, label=f"image {image}",
        picture=shown(np.asarray(scene.images.pixels[image]), scene.bands), place=f"{scene.picture_set.address}-{image}",
        action=Action("shows this picture", {"image": image}), chosen=image == scene.view.image,
    )  # fmt: skip


def _training(scene: Scene) -> Shown:
    name = chosen_training(scene)
    if name is None:
        return _picked(scene)
    course = make_course(scene, training_moments(name))
    return Shown(moments_stage(course, common_reach(course.scene.view, course.every_map)))


def _gallery(scene: Scene) -> Shown:
    cards = tuple(gallery_cards(scene))
    return Shown(Stage(cards, line_after=len(cards), cards=True))


def _known(scene: Scene) -> Shown:
    return Shown(known_stage(known_picture(scene)))


def _picked(scene: Scene) -> Shown:
    return Shown(picked_stage(scene), note="This stop's page is in the dashboard only; the file shows its picture and its map.")


_PAGES: Mapping[str, Callable[[Scene], Shown]] = {
    "layer_explorer": _explorer,
    "class_browser": _browser,
    "how_it_works": _walk,
    "disagreement": _disagreement,
    "guesses": _guesses,
    "layer_ladder": _ladder,
    "sanity_checks": _sanity,
    "training_time": _training,
    "seed_gallery": _gallery,
    "known_truth": _known,
}
