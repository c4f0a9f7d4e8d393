"""The check-up of the model on screen: a warning where something stands in the way of a map, and a folded list of all."""

import streamlit as st

import explain_lib as xl
from dashboard.view.captions import plain
from dashboard.view.scene import Scene

_LOOKED_AT = (
    "Looked at, with two pictures of noise run through the network and back: what it returns, NaN, gradients, frozen weights, "
    "normalisation, grids, in-place operations, modules used twice, wrappers."
)


def warn_of_problems(scene: Scene) -> None:
    """Each problem of the model as a warning, before any map; nothing where there is none."""
    for problem in scene.cache.check_up(scene.model).problems:
        st.warning(f"A problem of {plain(scene.view.model)}: {_words(problem)}")


def show_check_up(scene: Scene) -> None:
    """Everything that was found of the model, folded, problems first."""
    found = scene.cache.check_up(scene.model)
    with st.expander(f"Model check-up: {found.counts}"):
        st.markdown(found.summary)
        for finding in found.findings:
            st.markdown(f"**{'Problem' if finding.severity == 'problem' else 'Note'}, {finding.kind}.** {_words(finding)}")
        st.caption(_LOOKED_AT)


def _words(finding: xl.Finding) -> str:
    return f"{plain(finding.sentence)}  \n*What to do:* {plain(finding.remedy)}"
