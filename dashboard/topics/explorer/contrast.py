"""Why this class and not that one: the signed maps of both, their contrast, what speaks against, and logit or probability."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.topics.explorer.contrast_words import BY_SCORE, Pair, maps_by_score, score_sentence, signed_maps, sum_sentence
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.captions import cells_caption, picture_words, plain
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_later
from dashboard.widgets.awaited import await_work
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.identity import identity_of
from explain_lib.base.maps import Map
from explain_lib.base.run_context import kept
from explain_lib.base.words import short
from explain_lib.cam.contrast import Contrast, contrast, contrasts, runner_up
from explain_lib.cam.drawing import Drawing
from explain_lib.cam.grad_cam import is_quick
from explain_lib.networks.task_words import score_word, value_words
from explain_lib.work.later import Work

SIDE = 224


def show_contrast(scene: Scene, layer: str, layers: tuple[str, ...]) -> None:
    """The section for the picked image at this layer: the view's contrast, or the one with the runner-up.

    layers: those on offer. Of a large network all of them are computed once, behind the page, so that another layer is there at
    once.
    """
    if len(scene.model.classes) < 2 or scene.model.task == "binary":  # no other class, or one that is the reverse
        return
    st.header("Why this class and not that one?", anchor=False, help=terms.CONTRAST)
    found = _found(scene, layer, layers)
    if found is None:
        st.caption("Computing the maps at all layers of the menu.")
        return
    pair = Pair(scene.model.classes[found.a], scene.model.classes[found.b], scene.target.minus is not None)
    _buttons(scene, found, pair)
    task = scene.model.task
    numbers = (float(found.probabilities[index]) for index in (found.a, found.b))
    said_a, said_b = (value_words(number, task, unit=scene.model.unit) for number in numbers)
    others = {"regression": "the largest other number", "segmentation": "the other class that covers most"}
    others["sigmoid-segmentation"] = "the other label that covers most"
    others["detection"] = "the other class with the best box"
    likeliest = others.get(task, f"the likeliest other {scene.task_words.a_class}")
    covered = "Parts covered · " if scene.is_covered else ""
    beside = covered if scene.view.beside == "nothing" else f"{scene.view.model} · {plain(scene.name)} · "
    st.caption(
        f"{beside}A: {pair.a}, {said_a} · B: {pair.b}, {said_b}"
        f"{'' if pair.chosen else f', {likeliest}'} · {score_word(found.score, task)} · layer {layer}, "
        f"{cells_caption(scene.model, layer)}"
    )
    if scene.model.sheet is None:
        _maps(scene, found, pair)
    else:
        from dashboard.topics.explorer.sheet_contrast import show_sheet_maps  # only few networks need it

        show_sheet_maps(scene, scene.model.sheet, found, pair)
    if np.isfinite(found.reach):  # else each map says so itself
        st.markdown(sum_sentence(found, pair))
        st.markdown(score_sentence(found, pair, task))


def _found(scene: Scene, layer: str, layers: tuple[str, ...]) -> Contrast | None:
    """The contrast; None while it is made behind the page."""
    model, picture, target, score = scene.model, scene.seen[None], scene.target, scene.view.score
    b = runner_up(scene.probabilities, target.index) if target.minus is None else target.minus
    if is_quick(model):
        return contrast(model, picture, layer, target.index, b, score, scene.places)
    asked = model, picture, layers, target.index, b, score, scene.places
    if kept(contrasts, *asked) is None:
        work = Work(("contrasts", *map(identity_of, asked)), partial(contrasts, *asked))
        found = server_later().look(work)
        if found is None:
            await_work(work)
            return None
    return contrasts(*asked)[layer]  # remembered, and noted to be taken home


def _buttons(scene: Scene, found: Contrast, pair: Pair) -> None:
    """Buttons that change what the maps above explain."""
    view, likeliest = scene.view, runner_up(scene.probabilities, found.a)
    with st.container(horizontal=True, gap="xsmall"):
        if not pair.chosen or found.b != likeliest:
            name = scene.model.classes[likeliest]
            words = "Makes all maps above show what speaks for the one rather than the other"
            st.button(f"Contrast with {name}", help=words, on_click=change_view, kwargs={"minus": likeliest})
        if pair.chosen:
            st.button(f"Explain {pair.a} alone", on_click=change_view, kwargs={"minus": None})
        other = "probability" if view.score == "logit" else "logit"
        if found.by_probability is not None:
            words = scene.task_words.scores
            st.button(f"Explain the {other}", help=words, on_click=change_view, kwargs={"score": other})
        evidence = "against" if view.evidence == "for" else "for"
        st.button(f"Evidence {evidence}", help=terms.EVIDENCE, on_click=change_view, kwargs={"evidence": evidence})


def _maps(scene: Scene, found: Contrast, pair: Pair) -> None:
    words = f"{picture_words(scene, scene.view.image)}, beside maps of A and B"
    original = replace(original_panel(scene, SIDE, "contrast-picture"), alt=words)
    end = short(found.reach)
    scale = (
        f"One scale for all four: −{end} blue, 0 white, {end} red, in units of the {score_word(found.score, scene.model.task)}."
    )
    if not np.isfinite(found.reach):
        show_stage(Stage((Row((original, *_signed(scene, found, pair))),), key="stage-contrast"))
        return
    rows = [Row((original, *_signed(scene, found, pair)), caption=scale)]
    if found.by_probability is not None:
        rows.append(Row(tuple(_by_score(scene, found, pair)), BY_SCORE))
    show_stage(Stage(tuple(rows), key="stage-contrast", line_after=len(rows)))


def _signed(scene: Scene, found: Contrast, pair: Pair) -> Iterator[Panel]:
    """The four maps on one scale."""
    centres = scene.centres(scene.layer)
    for name, one in signed_maps(found, pair, scene.model.task).items():
        values = one.values
        alt = f"{one.title}, {one.meaning}; {_range(values)}; {where_words(values)}"
        yield Panel(
            f"contrast-{name}", alt, SIDE, title=one.title, caption=one.meaning, values=values, drawing=Drawing(signed=True),
            reach=found.reach, place=place_of(scene), bar=True, centres=centres,
        )  # fmt: skip


def _range(values: Map) -> str:
    return f"from {short(values.min())} to {short(values.max())}"


def _by_score(scene: Scene, found: Contrast, pair: Pair) -> Iterator[Panel]:
    """The maps of A's logit and of its probability over the picture."""
    for score, values in maps_by_score(found).items():
        over = overlay_panel(
            scene, values, f"map of the {score} of {pair.a}", SIDE, name=f"contrast-{score}", centres=scene.centres(scene.layer)
        )
        caption = f"Up to {short(values.max())}"
        yield replace(over, title=f"{score} of {pair.a}", caption=caption, help="", drawing=replace(over.drawing, signed=False))
