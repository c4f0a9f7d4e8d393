"""The view and the browser's address, kept in step: the address is the truth, widgets follow it."""

import streamlit as st

from dashboard.view_state import View, change, read_query

_VIEW, _PAGE = "_carried_view", "_current_page"


def read_address(page: str) -> tuple[View, tuple[str, ...]]:
    """The view of the address, and what in it was ignored; a page reached by the navigation takes the last page's view."""
    arrived = st.session_state.get(_PAGE) not in (None, page)
    if arrived and not st.query_params and _VIEW in st.session_state:
        view: View = st.session_state[_VIEW]
        st.query_params.from_dict(view.to_query())
        ignored: tuple[str, ...] = ()
    else:
        view, ignored = read_query(st.query_params.to_dict())
    st.session_state[_PAGE] = page
    return view, ignored


def remember_view(view: View) -> None:
    """Carry this view to the page that the navigation opens next."""
    st.session_state[_VIEW] = view


def current_view() -> View:
    """The newest view, also while the page is still drawing an older one."""
    view: View = st.session_state[_VIEW]
    return view


def change_view(**values: str | int | None) -> None:
    """Write a changed view into the address; for a widget's callback, so that the run after it shows the change."""
    view = change(current_view(), values)
    remember_view(view)
    st.query_params.from_dict(view.to_query())


def follow(key: str, value: object) -> None:
    """Let a widget show what the address says."""
    st.session_state[key] = value
