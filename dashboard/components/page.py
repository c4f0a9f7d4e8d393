"""The frame of every page: title, one line on what it is for, what was ignored, and errors as sentences."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.components.address import read_address, remember_view
from dashboard.components.captions import plain
from dashboard.components.drawer import close_drawer
from dashboard.components.scene import Scene
from dashboard.view_state import fit_model, fit_view

# Pictures keep their corners: each of their pixels is one that was computed.
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 4rem; padding-bottom: 3rem; max-width: 1440px; }
[data-testid="stMainBlockContainer"] h1 { font-size: 2.1rem; padding: 0 0 0.4rem; }
[data-testid="stImage"] img { border-radius: 0; }
[data-testid="stPageLink"] a p { text-decoration: underline; text-underline-offset: 3px; }
</style>"""


def show_page(title: str, purpose: str, draw: Callable[[Scene], None]) -> None:
    """Draw a page from the address; what goes wrong is said in a sentence, with a way back."""
    st.html(STYLE)
    st.title(title, anchor=False)
    st.markdown(purpose)
    checkpoint = st.empty()
    try:
        scene, ignored = _scene(title, lambda: _pause(checkpoint))
        if ignored:
            st.warning("Ignored in the address: " + plain(" ".join(ignored)))
        remember_view(scene.view)
        draw(scene)
    except xl.ExplainError as error:
        st.error(f"This view cannot be shown: {plain(str(error))}.")
        st.button("Back to the default view", on_click=_reset)
    close_drawer(title)


def _scene(title: str, between: Callable[[], None]) -> tuple[Scene, tuple[str, ...]]:
    cache = xl.shared_cache()
    view, ignored = read_address(title)
    view, no_model = fit_model(view)
    model, images = cache.model(view.model), cache.images()
    view, no_part = fit_view(view, model, len(images.pixels))
    scene = Scene(view, model, images, cache.predictions(view.model), cache, between)
    return scene, (*ignored, *no_model, *no_part)


def _pause(checkpoint: DeltaGenerator) -> None:
    checkpoint.empty()  # Streamlit ends an overtaken run at its next call


def _reset() -> None:
    st.query_params.clear()
