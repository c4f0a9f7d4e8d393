"""The bare pages, one for each of the inventory. Run with: BARE_PAGES=FILE streamlit run benchmarks/bare/app.py."""

import sys
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from benchmarks.bare import drawing, ready  # noqa: E402  the root must be on the path first


def _show(name: str) -> None:
    drawing.draw(ready.variants(name))


def _page(name: str) -> StreamlitPage:
    return st.Page(
        partial(_show, name),
        title=ready.page_title(name),
        url_path=name,
        default=name == ready.page_names()[0],
        visibility="visible" if ready.is_linked(name) else "hidden",
    )


def main() -> None:
    """Show the page that the address names."""
    page = st.navigation([_page(name) for name in ready.page_names()], position="top")
    st.set_page_config(page_title=page.title, layout="wide")
    page.run()


main()
