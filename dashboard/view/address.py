"""The view and the browser's address, kept in step: the address is the truth, widgets follow it."""

from urllib.parse import urlencode

import streamlit as st

from dashboard import ASSETS
from dashboard.view.this_view import CARRIED_VIEW
from dashboard.view.view import Value, View, change, read_query

_PAGE = "_current_page"
_ADDRESS = st.components.v2.component(
    "address",
    html='<button type="button"></button>',
    css=(ASSETS / "address.css").read_text(),
    js=(ASSETS / "address.js").read_text(),
)


def read_address(page: str, start: View) -> tuple[View, tuple[str, ...]]:
    """The view of the address, and what in it was ignored; a page reached by the navigation takes the last page's view.

    start: what the dashboard opens with.
    """
    arrived = st.session_state.get(_PAGE) not in (None, page)
    st.session_state[_PAGE] = page
    if arrived and not st.query_params and CARRIED_VIEW in st.session_state:
        return current_view(), ()
    return read_query(st.query_params.to_dict(), start)


def copy_button(view: View) -> None:
    """A button that copies the address. It completes a bare address in place, which makes no entry in the history."""
    _ADDRESS(data={"query": urlencode(view.to_query())}, key="address", width="content", height="content")


def remember_view(view: View) -> None:
    """Carry this view to the page that the navigation opens next."""
    st.session_state[CARRIED_VIEW] = view


def current_view() -> View:
    """The newest view, also while the page is still drawing an older one."""
    view: View = st.session_state[CARRIED_VIEW]
    return view


def change_view(**values: Value) -> None:
    """Write a changed view into the address; for a widget's callback, so that the run after it shows the change.

    The channels of another layer, or another model, are others: those of this one are let go.
    """
    if values.keys() & {"layer", "model"}:
        values = {"channel": None, "without": (), **values}
    open_view(change(current_view(), values))


def open_view(view: View) -> None:
    """Write a whole view into the address; for a widget's callback."""
    remember_view(view)
    st.query_params.from_dict(view.to_query())


def follow(key: str, value: object) -> None:
    """Let a widget show what the address says."""
    st.session_state[key] = value
