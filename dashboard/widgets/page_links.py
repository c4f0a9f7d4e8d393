"""Links that open an image in the other pages."""

import streamlit as st

from dashboard.view.view import View

PAGES = {"class_browser": "Class browser", "layer_explorer": "Layer explorer", "disagreement": "Disagreement"}


def page_links(view: View, *pages: str) -> None:
    """A link to each of the pages, with the view in its address."""
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.caption("Open in", width="content")
        for page in pages:
            st.page_link(f"app_pages/{page}.py", label=PAGES[page], query_params=view.to_query())
