"""The picture painted over: bars and maps of what is painted, sent while the pointer moves, before the address has it."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.figures.array_message import ArrayMessage
from dashboard.scripts import script
from dashboard.view.address import follow_changes
from dashboard.view.scene import Scene
from dashboard.view.server_options import server_cache
from dashboard.view.view import change
from dashboard.widgets.stage import Stage, packed, painted
from explain_lib.work.jobs import foreground

KEY = "cover"

_COVER = st.components.v2.component(KEY, html="<div></div>", js=script("cover"), isolate_styles=False)
_ASKED = "_painted"


def answer_painting(scene: Scene, stage_of: Callable[[Scene], Stage]) -> None:
    """Answer the browser while it paints over the picture. stage_of: the page's stage for a scene with other parts covered."""

    # a fragment: it alone is drawn anew when the browser asks, and the page around it stays as it is
    @st.fragment
    def look() -> None:
        follow_changes()
        place = st.empty()  # a fragment that is overtaken ends at a call of its own
        asked: Mapping[str, object] = st.session_state.pop(_ASKED, None) or {}
        with foreground(), server_cache().running(lambda: _pause(place)):
            data = _message(scene, stage_of, asked)
        _COVER(data=data, key=KEY, height=1, on_asked_change=_note_asked)

    look()


def _pause(place: DeltaGenerator) -> None:
    place.empty()


def _note_asked() -> None:
    st.session_state[_ASKED] = st.session_state[KEY]["asked"]


def _message(scene: Scene, stage_of: Callable[[Scene], Stage], asked: Mapping[str, object]) -> bytes:
    match asked:
        case {"number": int(number), "cover": str(code), "fill": str(fill)}:
            view = change(scene.view, painted(scene.view, code, fill))
            try:
                return packed(stage_of(replace(scene, view=view)), number)
            except xl.ExplainError as error:
                return ArrayMessage().packed({"answers": number, "refused": f"{error}."})
        case _:
            return ArrayMessage().packed({"answers": 0})
