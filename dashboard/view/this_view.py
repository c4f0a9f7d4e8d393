"""The query of the view on screen. Needs no PyTorch, so that the log has it of a page that could not even be imported."""

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from dashboard.view.view import View

CARRIED_VIEW = "_carried_view"
"""The key in the session's state of the view that the navigation carries to the next page."""
WRITING = "writing-open"
"""The key in the session's state that says whether the view is being made a stop of a lesson, with the form open."""


def this_query() -> dict[str, str]:
    """The browser's query, or, where it has none, as after a step of the navigation, that of the view carried along."""
    carried: View | None = st.session_state.get(CARRIED_VIEW)
    return st.query_params.to_dict() or ({} if carried is None else carried.to_query())
