"""The maps of all classes of a small network, sent to the stage once the page is idle, so that a class can be previewed."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.figures.array_message import ArrayMessage
from dashboard.scripts import script
from dashboard.view.address import follow_changes
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_cache
from dashboard.widgets.pickers import PLAIN
from explain_lib.cam.grad_cam import FEW_NUMBERS, passed_numbers

KEY = "class_previews"
MOST_BYTES = 2 * 2**20
"""The most that is sent of one picture."""

_PREVIEWS = st.components.v2.component(KEY, html="<div></div>", js=script("class_previews"), isolate_styles=False)
_ASKED = "_class_previews_of"


def send_class_previews(scene: Scene, layers: tuple[str, ...], view: str) -> None:
    """Let the browser ask for the maps of all classes at these layers when nothing happens. view: what they belong to.

    Nothing for a large network, for one class alone, and where something else than a class's own score is explained.
    """
    if not _is_small(scene, layers):
        return

    # a fragment: it alone is drawn anew when the browser asks, and the page around it stays as it is
    @st.fragment
    def look() -> None:
        follow_changes()
        place = st.empty()  # a fragment that is overtaken ends at a call of its own
        asked = st.session_state.pop(_ASKED, None) == view  # once: the browser keeps it
        with server_cache().running(lambda: _pause(place)):
            data = _message(scene, layers, view) if asked else _question(view)
        _PREVIEWS(data=data, key=KEY, height=1, on_idle_change=_note_asked)

    look()


def _pause(place: DeltaGenerator) -> None:
    place.empty()


def _note_asked() -> None:
    sent = st.session_state.get(KEY)  # gone where the page has been drawn without it since
    if sent is not None:
        st.session_state[_ASKED] = str(sent["idle"])


def _is_small(scene: Scene, layers: tuple[str, ...]) -> bool:
    view, model = scene.view, scene.model
    if len(model.classes) < 2 or (view.minus, view.evidence) != PLAIN[:2] or passed_numbers(model) > FEW_NUMBERS:
        return False
    cells = sum(layer.grid[0] * layer.grid[1] for layer in model.layers if layer.name in layers)
    return 4 * cells * len(model.classes) <= MOST_BYTES


def _question(view: str) -> bytes:
    return ArrayMessage().packed({"key": view, "maps": {}})


def _message(scene: Scene, layers: tuple[str, ...], view: str) -> bytes:
    arrays = ArrayMessage()
    found = xl.class_maps(scene.model, scene.seen, layers, scene.view.score, scene.places)
    return arrays.packed({"key": view, "maps": {name: arrays.add(found[name].signed) for name in found}})
