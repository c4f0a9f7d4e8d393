"""The list of pages. Run with: streamlit run dashboard/app.py."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

PAGES = (
    st.Page("app_pages/seed_gallery.py", title="Seed gallery", default=True),
    st.Page("app_pages/class_browser.py", title="Class browser"),
    st.Page("app_pages/layer_explorer.py", title="Layer explorer"),
    st.Page("app_pages/disagreement.py", title="Disagreement"),
)

page = st.navigation(PAGES, position="top")
st.set_page_config(
    page_title=f"{page.title} · Grad-CAM dashboard",
    page_icon=str(Path(__file__).parent / "assets/icon.png"),
    layout="wide",
)
page.run()
