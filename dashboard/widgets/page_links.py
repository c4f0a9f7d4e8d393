"""Links that open an image in the other pages."""

import streamlit as st

from dashboard.pages import PAGES
from dashboard.view.origin import address_query
from dashboard.view.view import View


def page_links(view: View, *pages: str) -> None:
    """A link to each of the pages, with the view in its address."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.caption("Open in", width="content")
        for page in pages:
            st.page_link(f"app_pages/{page}.py", label=PAGES[page].title, query_params=address_query(view))


def link_to_disagreement(view: View) -> None:
    """The question that the dashboard began with, as a link to its answer for this view."""
    words = "Two programs both say Grad-CAM, and disagree: see why"
    st.page_link("app_pages/disagreement.py", label=words, query_params=address_query(view))
