"""Why this class and not that one: the signed maps of both, their contrast, what speaks against, and logit or probability."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isnan

import numpy as np
import streamlit as st

from dashboard.figures.map_words import where_words
from dashboard.figures.panel import Panel
from dashboard.view import terms
from dashboard.view.address import change_view
from dashboard.view.captions import grid_caption, picture_words, plain
from dashboard.view.scene import Scene
from dashboard.widgets.explained import original_panel, overlay_panel, place_of
from dashboard.widgets.stage import Row, Stage, show_stage
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.words import correlation_words, percent, precise_percent
from explain_lib.cam.contrast import Contrast, contrast, runner_up
from explain_lib.cam.drawing import Drawing

SIDE = 224


@dataclass(frozen=True)
class _Pair:
    """The class that is explained and the one beside it, by name; chosen: whether the view names the latter."""

    a: str
    b: str
    chosen: bool


def show_contrast(scene: Scene, layer: str) -> None:
    """The section for the picked image at this layer: the view's contrast, or the one with the runner-up."""
    if len(scene.model.classes) < 2:  # there is no other class
        return
    found, pair = _found(scene, layer)
    st.header("Why this class and not that one?", anchor=False, help=terms.CONTRAST)
    _buttons(scene, found, pair)
    shares = found.probabilities
    beside = "" if scene.view.beside == "nothing" else f"{scene.view.model} · {plain(scene.name)} · "
    st.caption(
        f"{beside}A: {pair.a}, {percent(float(shares[found.a]))} · B: {pair.b}, {percent(float(shares[found.b]))}"
        f"{'' if pair.chosen else ', the likeliest other class'} · {found.score} · layer {layer}, "
        f"{grid_caption((found.signed_a.shape[0], found.signed_a.shape[1]))}"
    )
    _maps(scene, found, pair)
    if np.isfinite(found.reach):  # else each map says so itself
        st.markdown(_sum_sentence(found, pair))
        st.markdown(_score_sentence(found, pair))


def _found(scene: Scene, layer: str) -> tuple[Contrast, _Pair]:
    target, classes = scene.target, scene.model.classes
    b = runner_up(scene.probabilities, target.index) if target.minus is None else target.minus
    found = contrast(scene.model, scene.picture[None], layer, target.index, b, scene.view.score)
    return found, _Pair(classes[target.index], classes[b], target.minus is not None)


def _buttons(scene: Scene, found: Contrast, pair: _Pair) -> None:
    """Buttons that change what the maps above explain."""
    view, likeliest = scene.view, runner_up(scene.probabilities, found.a)
    with st.container(horizontal=True, gap="xsmall"):
        if not pair.chosen or found.b != likeliest:
            name = scene.model.classes[likeliest]
            words = "Explains, in all maps above, what speaks for the one rather than for the other"
            st.button(f"Contrast with {name}", help=words, on_click=change_view, kwargs={"minus": likeliest})
        if pair.chosen:
            st.button(f"Explain {pair.a} alone", on_click=change_view, kwargs={"minus": None})
        other = "probability" if view.score == "logit" else "logit"
        st.button(f"Explain the {other}", help=terms.SCORE, on_click=change_view, kwargs={"score": other})
        evidence = "against" if view.evidence == "for" else "for"
        st.button(f"Evidence {evidence}", help=terms.EVIDENCE, on_click=change_view, kwargs={"evidence": evidence})


def _maps(scene: Scene, found: Contrast, pair: _Pair) -> None:
    words = f"{picture_words(scene, scene.view.image)}, beside maps of A and B"
    original = replace(original_panel(scene, SIDE, "contrast-picture"), alt=words)
    end = f"{found.reach:.3g}"
    scale = f"One scale for all four: −{end} blue, 0 white, {end} red, in units of the {found.score}."
    if not np.isfinite(found.reach):
        show_stage(Stage((Row((original, *_signed(scene, found, pair))),), key="stage-contrast"))
        return
    rows = (
        Row((original, *_signed(scene, found, pair)), caption=scale),
        Row(tuple(_by_score(scene, found, pair)), "The map of the logit and that of the probability, each on its own scale"),
    )
    show_stage(Stage(rows, key="stage-contrast", line_after=len(rows)))


def _signed(scene: Scene, found: Contrast, pair: _Pair) -> Iterator[Panel]:
    """The four maps on one scale; that of what speaks against A with its sign turned back, so that blue means the same."""
    maps = {
        "a": ("map(A)", found.signed_a, f"red: for {pair.a}, blue: against it"),
        "b": ("map(B)", found.signed_b, f"red: for {pair.b}, blue: against it"),
        "between": ("map(A − B)", found.signed_contrast, f"red: for {pair.a} rather than {pair.b}, blue: the reverse"),
        "against": ("Against A", -found.against, f"blue: lowers the {found.score} of {pair.a} (the map of −A, cut at zero)"),
    }
    centres = scene.centres(scene.layer)
    for name, (title, values, meaning) in maps.items():
        alt = f"{title}, {meaning}; from {values.min():.3g} to {values.max():.3g}; {where_words(values)}"
        yield Panel(
            f"contrast-{name}", alt, SIDE, title=title, caption=meaning, values=values, drawing=Drawing(signed=True),
            reach=found.reach, place=place_of(scene), bar=True, centres=centres,
        )  # fmt: skip


def _by_score(scene: Scene, found: Contrast, pair: _Pair) -> Iterator[Panel]:
    """The maps of A's logit and of its probability over the picture."""
    for score, values in _maps_by_score(found).items():
        over = overlay_panel(
            scene, values, f"map of the {score} of {pair.a}", SIDE, name=f"contrast-{score}", centres=scene.centres(scene.layer)
        )
        caption = f"Up to {values.max():.3g}"
        yield replace(over, title=f"{score} of {pair.a}", caption=caption, help="", drawing=replace(over.drawing, signed=False))


def _maps_by_score(found: Contrast) -> dict[str, Map]:
    return {"logit": found.by_logit, "probability": found.by_probability}


# Section: words


def _sum_sentence(found: Contrast, pair: _Pair) -> str:
    deviation, reach = found.deviation, found.reach
    share = deviation / reach if reach > 0 else 0.0
    return (
        f"**map(A − B) is map(A) − map(B)** to {_power(deviation)} ({_power(share)} of the scale), although it was computed "
        "as a target of its own: the gradient of a difference is the difference of the gradients. Only before the cut at "
        f"zero, though. {_alike(found, pair)}"
    )


def _alike(found: Contrast, pair: _Pair) -> str:
    """The lesson of the contrast: the evidence for both is gone from it."""
    alike = found.alike
    if isnan(alike):
        return "One of the two maps is the same everywhere."
    words = f"map(A) and map(B) have a rank correlation of {correlation_words(alike)}: "
    if alike > 0.3:
        return words + f"much of what {pair.a} has in its map {pair.b} has in its own, and that is gone from the contrast."
    if alike < -0.3:
        return words + "where the one is high the other is low, and that stands out more in the contrast."
    return words + "they look at different things, and the contrast shows both."


def _score_sentence(found: Contrast, pair: _Pair) -> str:
    """The difference between the maps of A's probability and of its logit, and its reason."""
    difference, share = found.by_score, precise_percent(float(found.probabilities[found.a]))
    derivative = (
        f"The derivative of the probability p of {pair.a} is p times (that of its logit less the mean of those of all logits, "
        "weighed by their probabilities)"
    )
    why = f"{derivative}. With p = {share}"
    zero = [score for score, values in _maps_by_score(found).items() if map_state(values) is MapState.ZERO]
    if len(zero) == 2:
        return f"**Logit or probability?** The maps of both are zero everywhere: at {found.layer} nothing speaks for {pair.a}."
    if zero:
        nothing = f"that of the {zero[0]} of {pair.a} is zero everywhere"
        return f"**Logit or probability? The two maps differ**: {nothing}. {derivative}; here p = {share}."
    far = f"up to {difference.largest * 100:.0f} % of the colours apart"
    numbers = (
        f"rank correlation {correlation_words(difference.spearman)}, Pearson {correlation_words(difference.pearson)}, {far}"
    )
    size = f"the map of the probability is {difference.ratio:.2g} times as large"
    if difference.visible:
        return (
            f"**Logit or probability? The two maps differ** ({numbers}, each drawn on its own scale). {why}, it is a contrast "
            f"with every class at once; {size}, and vanishes as p goes to 1."
        )
    return f"**Logit or probability? The two maps look the same** ({numbers}, each on its own scale). {why}, {size}."


def _power(number: float) -> str:
    """3.2e-08 as "3e-8"."""
    if number == 0:
        return "0"
    digits, exponent = f"{number:.0e}".split("e")
    return f"{digits}e{int(exponent)}"
