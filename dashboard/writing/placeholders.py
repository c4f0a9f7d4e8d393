"""The numbers that an answer can have: searched by name or meaning, with their values now, and inserted by a press."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

import explain_lib as xl
from dashboard.lesson.picture_numbers import PICTURES, Number
from dashboard.lesson.vocabulary import MISSING, VOCABULARY
from dashboard.view.captions import plain
from dashboard.view.scene import Scene
from dashboard.view.view import View

_SEARCH, _ALL, _VALUES = "placeholder-search", "placeholder-values", "_placeholder_values"


def show_placeholders(scene: Scene, insert: Callable[[str], None]) -> None:
    """The list. insert: called with the name of one that is pressed."""
    sought = st.text_input(
        "Search the numbers",
        key=_SEARCH,
        placeholder="brightest, class, layer, share …",
        help="A press puts one into the answer.",
    )
    found = {name: number for name, number in VOCABULARY.items() if _matches(sought, name, number)}
    everything = st.toggle("Show the value of each", key=_ALL, help="Some take a moment to compute.")
    with st.container(height=217, key="placeholders", gap="xxsmall"):
        if not found:
            st.caption(f"No number is called {plain(sought)}. A word such as “map” would find some.")
        for name, number in found.items():
            value = _value(name, number, scene) if everything or name in PICTURES else ""
            st.button(_label(name, number, value), key=f"insert-{name}", type="tertiary", on_click=insert, args=(name,))


def _matches(sought: str, name: str, number: Number) -> bool:
    text = f"{name} {number.meaning}".lower()
    return all(word in text for word in sought.lower().strip("{} ").split())


def _label(name: str, number: Number, value: str) -> str:
    unit = ", in %" if number.unit == "%" else ""
    now = f" · **{plain(value)}**" if value else ""
    return f"`{{{name}}}`{now} · {plain(number.meaning)}{unit}"


@dataclass(frozen=True)
class _Values:
    """Values that were computed, of one view."""

    view: View
    found: dict[str, str]


def _value(name: str, number: Number, scene: Scene) -> str:
    """The value for what is on screen, computed once for each view; a dash where there is none."""
    kept: _Values | None = st.session_state.get(_VALUES)
    if kept is None or kept.view != scene.view:
        kept = st.session_state[_VALUES] = _Values(scene.view, {})
    if name not in kept.found:
        try:
            kept.found[name] = number.of(scene)
        except xl.ExplainError:
            return MISSING  # a page may compute it yet
    return kept.found[name]
