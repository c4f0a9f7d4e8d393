"""The list of pages, and the head of each, which stands before PyTorch is imported. Run: streamlit run dashboard/app.py.

Streamlit takes two things from this file: once, when the server starts, `app`, the server around the pages, and at every
run of a page the page itself.
"""

import sys
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.starlette import App

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from dashboard.frame.fault import show_fault  # noqa: E402  (the root must be on the path first)
from dashboard.frame.head import keep_history, open_line  # noqa: E402  (see above)
from dashboard.frame.skeleton import page_head  # noqa: E402  (see above)
from dashboard.pages import LANDING, PAGES, SECTIONS, Page  # noqa: E402  (see above)
from dashboard.server.log import begin_run, open_log  # noqa: E402  (see above)
from dashboard.server.server import ROUTES, running  # noqa: E402  (see above)

VOTE = "Vote"


def show_chosen_page() -> None:
    """The page of the address, under the line that its title begins."""
    listed = {section: _entries(pages) for section, pages in SECTIONS.items()}
    listed[""].append(st.Page("app_pages/vote.py", title=VOTE, url_path="vote", visibility="hidden"))
    chosen = st.navigation(listed, position="top")
    assets = Path(__file__).parent / "assets"
    st.set_page_config(page_title=f"{chosen.title} · Grad-CAM dashboard", page_icon=str(assets / "icon.png"), layout="wide")
    page = next((page for page in PAGES.values() if page.title == chosen.title), None)
    begin_run(page.file if page else chosen.url_path, chosen.url_path)
    st.html(f"<style>{(assets / 'style.css').read_text()}</style>")
    keep_history()
    if page:  # a phone's page has no line
        with page_head():
            open_line(page)
    chosen.run()


def _entries(pages: tuple[Page, ...]) -> list[st.Page]:
    """A section of the navigation."""
    return [entry for page in pages for entry in _entry(page)]


def _entry(page: Page) -> list[st.Page]:
    """A page; the landing page twice, as it has the address without a path, and besides, not listed, the one of its name."""
    script = f"app_pages/{page.file}.py"
    if page.file != LANDING:
        return [st.Page(script, title=page.title)]
    named = st.Page(script, title=page.title, url_path=page.file, visibility="hidden")
    return [st.Page(script, title=page.title, url_path="start", default=True), named]


if get_script_run_ctx(suppress_warning=True) is None:
    open_log()
    app = App(__file__, routes=ROUTES, lifespan=running, on_script_error=show_fault)
else:
    show_chosen_page()
