"""The list of pages, and the head of each, which stands before PyTorch is imported. Run: streamlit run dashboard/app.py.

Streamlit takes two things from this file: once, when the server starts, `app`, the server around the pages, and at every
run of a page the page itself.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.starlette import App

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from dashboard.frame.fault import show_fault  # noqa: E402  (the root must be on the path first)
from dashboard.server.log import begin_run, open_log  # noqa: E402  (see above)
from dashboard.server.server import ROUTES, running  # noqa: E402  (see above)


@dataclass(frozen=True)
class Page:
    """A file in app_pages, its title, and one line on what it shows and what one can do."""

    file: str
    title: str
    purpose: str


GALLERY = "Eight pictures, two programs that both say “Grad-CAM”, two answers. Open a row to see why."
LESSON = "Stops through the whole dashboard, each with a question for the room. Next and back by key; write one of your own."
BROWSER = "All images of a class, with what the network says of them. Filter, sort, pick one."
EXPLORER = "Where does the network look, and does it depend on where we hook it? Choose layer and class."
WALK = "Grad-CAM in six steps, with this picture's own numbers: from the layer's channels to the map. Press 1 to 6."
DISAGREEMENT = "Two maps of one picture, subtracted pixel by pixel. Choose both sides; point to read the numbers."
SCAN = "The same two maps on any selection of the images, or on all of them. Start it, watch it, take it home."
GUESSES = "Contours, depth, grass: what the study guessed, tested on a thousand pictures. Reject outlines that are wrong."
LADDER = "Which layer, and can its map be believed? Every layer measured, beside orders of pixels that ask no network."
TRAINING = "How a network learns where to look: one picture, from random weights to the end of the training. Press Play."
SANITY = "Does the map depend on what the network has learnt? Make its layers forget, one after the other, and watch the map."

PAGES = (
    Page("seed_gallery", "Seed gallery", GALLERY),
    Page("lesson", "Lesson", LESSON),
    Page("class_browser", "Class browser", BROWSER),
    Page("layer_explorer", "Layer explorer", EXPLORER),
    Page("how_it_works", "How it works", WALK),
    Page("layer_ladder", "Layer ladder", LADDER),
    Page("sanity_checks", "Sanity checks", SANITY),
    Page("training_time", "Training in time", TRAINING),
    Page("disagreement", "Disagreement", DISAGREEMENT),
    Page("scan", "Scan", SCAN),
    Page("guesses", "The three guesses", GUESSES),
)


def show_chosen_page() -> None:
    """The page of the address, under its title and purpose."""
    chosen = st.navigation(
        [st.Page(f"app_pages/{page.file}.py", title=page.title, default=page is PAGES[0]) for page in PAGES], position="top"
    )
    page = next(page for page in PAGES if page.title == chosen.title)
    begin_run(page.file, chosen.url_path)
    assets = Path(__file__).parent / "assets"
    st.set_page_config(page_title=f"{page.title} · Grad-CAM dashboard", page_icon=str(assets / "icon.png"), layout="wide")
    st.html(f"<style>{(assets / 'style.css').read_text()}</style>")
    st.title(page.title, anchor=False)
    with st.container(key="purpose"):
        st.markdown(page.purpose)
    chosen.run()


if get_script_run_ctx(suppress_warning=True) is None:
    open_log()
    app = App(__file__, routes=ROUTES, lifespan=running, on_script_error=show_fault)
else:
    show_chosen_page()
