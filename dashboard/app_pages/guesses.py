"""The study's guesses, each with a verdict by a rule, the numbers behind it, and an example."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.frame.context_line import Line
from dashboard.frame.page import show_page
from dashboard.topics.guesses.examples import contour_example, example_steps, grass_example
from dashboard.topics.guesses.frogs import show_frogs
from dashboard.topics.guesses.runs import contour_guess_of, frogs, grass_guess_of, is_small, reason_rows, reason_verdict
from dashboard.topics.guesses.sections import (
    Card,
    Section,
    open_section,
    show_contour_guess,
    show_grass_guess,
    show_reason,
    verdict_cards,
)
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.view.picture_sets import CifarImages
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_later
from dashboard.widgets.awaited import await_work
from explain_lib.loading.bundled import DEFAULT_MODEL
from explain_lib.pictures.dataset import CLASSES, SIDE
from explain_lib.study.reasons.plan import Reason
from explain_lib.study.reasons.rules import CLASSES_RULE, DEPTH_RULE, RESOLUTION_RULE
from explain_lib.study.rows import STUDY_LAYERS, guess_layers
from explain_lib.study.rules import CONTOUR, GRASS
from explain_lib.work.later import Work

GUESSES = (CONTOUR, DEPTH_RULE, RESOLUTION_RULE, GRASS, CLASSES_RULE)
"""In the order in which the study makes them."""


def _draw(scene: Scene) -> None:
    if scene.model.classes != CLASSES or (scene.model.input_size, scene.model.channels) != ((SIDE, SIDE), 3):
        _say_unfit(scene)
        return
    tests = CifarImages(scene.cache)
    _show_guesses(scene.with_set(tests))
    if scene.picture_set != tests:
        st.info(f"The guesses are always tested on {tests.title}.")


def _say_unfit(scene: Scene) -> None:
    """The guesses are of CIFAR-10: another network has nothing to say of them."""
    st.info(
        f"The study's guesses are about a network for the ten classes of CIFAR-10 in colour pictures of 32 × 32 pixels. "
        f"{plain(scene.view.model)} is another kind, so there is nothing to test here."
    )
    st.button(f"Open {DEFAULT_MODEL}", on_click=change_view, kwargs={"model": DEFAULT_MODEL, "layer": None, "target": None})


def _show_guesses(scene: Scene) -> None:
    pictures, verdicts = st.columns([3, 2], gap="medium")
    with pictures:
        contour_example(scene)
    with verdicts:
        contours, depth, resolution, grass, classes = verdict_cards(GUESSES, scene.view.model)
    st.markdown(
        "The study ([jane-cz/GradCAM](https://github.com/jane-cz/GradCAM)) looked at the maps of eight pictures and made these "
        "guesses, quoted here from its README. A rule judges each on many pictures, and was written before its numbers were "
        f"known. {_layers_words(scene)}"
    )
    contour = open_section(contours)
    _show_reason(depth, "depth")
    _show_reason(resolution, "resolution")
    st.divider()
    chosen = frogs(scene)
    frog = scene.view.image if scene.view.image in chosen else int(chosen[0])
    background = open_section(grass, partial(grass_example, scene, frog))
    show_frogs(scene)
    _show_reason(classes, "classes")
    # What takes seconds comes last: the rest of the page waits for none of it.
    if _is_ready(scene, "contours", contour_guess_of, contour):
        show_contour_guess(contour_guess_of(scene, contour.bar.progress), contour)
    if _is_ready(scene, "grass", grass_guess_of, background):
        show_grass_guess(grass_guess_of(scene, background.bar.progress), background)


def _is_ready(scene: Scene, name: str, judge: Callable[[Scene], object], section: Section) -> bool:
    """Whether the page can have the guess in seconds; otherwise it is being judged meanwhile, and the page is drawn anew."""
    work = Work(("guess", name, scene.model.identity), partial(judge, scene))
    if is_small(scene.model) or server_later().look(work) is not None:
        return True
    section.bar.caption("This network takes a minute or two. The page can be used meanwhile.")
    await_work(work)
    return False


def _show_reason(card: Card, reason: Reason) -> None:
    st.divider()
    show_reason(reason_verdict(reason), reason_rows(reason), open_section(card))


def _layers_words(scene: Scene) -> str:
    if guess_layers(scene.model) == STUDY_LAYERS:
        return ""
    return (
        f"{scene.view.model} lacks the five layers that the study hooked: guesses 1 and 4 use its conv layers instead, with "
        f"verdicts at the last one, and there is no average of five."
    )


show_page(
    "guesses", _draw, layers=example_steps, line=Line(target=False, score=False, drawing=False, modules=False), over_set=True
)
