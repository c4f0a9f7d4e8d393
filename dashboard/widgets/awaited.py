"""What a page does not wait for: it is drawn anew once that is there."""

import streamlit as st

from dashboard.view.address import follow_changes
from dashboard.view.server_options import server_later
from explain_lib.work.later import Result, Work

EVERY = 1.0
"""Seconds between two looks at work that is under way."""


@st.fragment(run_every=EVERY)
def await_work(work: Work[Result]) -> None:
    """Draw the page anew once the work is done; a fragment, so that the page answers meanwhile. Shows nothing itself."""
    follow_changes()
    if not server_later().is_made(work):
        st.rerun()
