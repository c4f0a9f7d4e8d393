"""The words of a page on which the program itself is at fault."""

import streamlit as st

from dashboard.server.log import note_fault


def show_fault(error: Exception) -> bool:
    """Say in place of the rest of the page that there was a fault, and where the log says more; True, since that is all
    that is to be shown. For exceptions of pages, of widgets' callbacks and of fragments that nothing has caught.
    """
    number = note_fault(error)
    st.error(f"This page failed by a fault of the program, not of yours. Its log says more, under the number {number}.")
    st.button("Back to the page's default view", key=f"fault-{number}", on_click=st.query_params.clear)
    return True
