"""The check-up of the model on screen: a warning where something stands in the way of a map, and a folded list of all.

It takes several passes of the network: that of a large one is made once the picture stands, and its findings come by a run of
the page of their own.
"""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_later
from dashboard.widgets.awaited import await_work
from explain_lib.cam.grad_cam import is_quick
from explain_lib.work.later import Work

_LOOKED_AT = (
    "Two pictures of noise are run through the network and back. Checked: its output, NaN, gradients, frozen weights, "
    "normalisation, grids, in-place operations, modules used twice, wrappers."
)


def warn_of_problems(scene: Scene) -> Callable[[], None]:
    """Each problem of the model as a warning, before any map; the call that has them looked for once the page stands."""
    place = st.container()
    known = scene.cache.check_up(scene.model) if is_quick(scene.model) else server_later().known(_work(scene))
    if known is None:
        return lambda: _fill(place, scene)
    _warn(place, scene, known)
    return lambda: None


def _fill(place: DeltaGenerator, scene: Scene) -> None:
    if not isinstance(_look(scene), str):
        with place:
            await_work(_work(scene))


def show_check_up(scene: Scene) -> None:
    """Everything that was found of the model, folded, problems first."""
    found = _look(scene)
    if not isinstance(found, xl.CheckUp):
        with st.expander("Model check-up: running" if found is None else "Model check-up: failed"):
            st.markdown(found or "The network runs several times; the findings appear here, and problems above the picture.")
        return
    with st.expander(f"Model check-up: {found.counts}"):
        st.markdown(found.summary)
        for finding in found.findings:
            st.markdown(f"**{'Problem' if finding.severity == 'problem' else 'Note'}, {finding.kind}.** {_words(finding)}")
        st.caption(_LOOKED_AT)


def _work(scene: Scene) -> Work[xl.CheckUp]:
    model, cache = scene.model, scene.cache
    return Work(("check_up", model.identity, model.task, model.classes), lambda: cache.check_up(model))


def _look(scene: Scene) -> xl.CheckUp | str | None:
    """The findings; None while they are looked for, or the sentence on why there are none."""
    try:
        return scene.cache.check_up(scene.model) if is_quick(scene.model) else server_later().look(_work(scene))
    except xl.ExplainError as error:
        return f"The check-up failed: {plain(str(error))}."


def _warn(place: DeltaGenerator, scene: Scene, found: xl.CheckUp) -> None:
    for problem in found.problems:
        place.warning(f"A problem with {plain(scene.view.model)}: {_words(problem)}")


def _words(finding: xl.Finding) -> str:
    return f"{plain(finding.sentence)}  \n*What to do:* {plain(finding.remedy)}"
