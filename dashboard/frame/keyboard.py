"""Keys: those of every page, for somebody without a mouse, and the list of all of them; where the focus is."""

from collections.abc import Sequence

import streamlit as st

from dashboard import ASSETS
from dashboard.scripts import script
from dashboard.view.this_view import CARRIED_VIEW
from dashboard.view.view import View
from dashboard.widgets.steps import answered

Key = tuple[str, str]
"""Keys, those that do the same behind commas, and what they do."""

EVERYWHERE: Sequence[Key] = (
    ("←, →", "previous image, next image"),
    ("↑, ↓", "previous layer, next layer"),
    ("P", "presentation on and off"),
    ("Space, Shift+Space, Home, End", "scroll"),
    ("Escape", "leaves a field, a slider, a picture or a grid, which have their own keys"),
    ("?", "this list"),
)
IN_A_LESSON: Sequence[Key] = (
    ("Page Down, Page Up", "answer of the stop, then the next stop; previous stop"),
    ("H, A, B, E", "hint, answer, back to the stop's own view, end of the lesson"),
    ("V", "starts a vote by phone, if the stop has one; then enlarges the code"),
)

_FOLDER = ASSETS / "keyboard"
_KEYS = st.components.v2.component(
    "keyboard",
    html='<button type="button" class="all-keys">All keys: ?</button><dialog class="key-list" aria-label="Keys"></dialog>',
    css=(_FOLDER / "keyboard.css").read_text(),
    js=script("keyboard"),
    isolate_styles=False,
)


def work_without_mouse(keys: Sequence[Key] = ()) -> None:
    """Let the keys work from now on, wherever in the browser's tab one goes, and list them behind a button.

    keys: those of this page alone. It is the last thing that a page draws.
    """
    view: View | None = st.session_state.get(CARRIED_VIEW)
    lesson = IN_A_LESSON if view is not None and view.lesson is not None else ()
    groups = [("On every page", EVERYWHERE), ("On this page", keys), ("In a lesson", lesson)]
    _KEYS(data={"groups": [group for group in groups if group[1]]}, key="keyboard", width="content", height="content")
    _DRAWN(data={"answered": answered()}, key="page-drawn", height=1)


# Section: that a page is drawn, which whoever counts presses waits for

_DRAWN = st.components.v2.component("drawn", js=(_FOLDER / "drawn.js").read_text())


# Section: the navigation's drawer on a phone

_DRAWER = st.components.v2.component("drawer", js=(ASSETS / "drawer.js").read_text(), isolate_styles=False)


def close_drawer(page: str) -> None:
    """Close the drawer, once for each page that opens."""
    _DRAWER(data={"page": page}, key="drawer", height=1)
