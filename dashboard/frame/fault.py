"""The words of a page on which the program itself is at fault."""

import streamlit as st

from dashboard.server.log import note_fault


def show_fault(error: Exception) -> bool:
    """Say in place of the rest of the page that there was a fault, and where the log says more; True, since that is all
    that is to be shown. For exceptions of pages, of widgets' callbacks and of fragments that nothing has caught.
    """
    number = note_fault(error)
    st.error(
        f"This page failed because of a fault in the program, not because of anything you did. The log has the details "
        f"under number {number}."
    )
    st.button("Back to the page's default view", key=f"fault-{number}", on_click=st.query_params.clear)
    return True
