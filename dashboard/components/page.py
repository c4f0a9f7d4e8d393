"""The frame of every page: what was ignored, the bar, the page itself, and errors as sentences."""

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import explain_lib as xl
from dashboard.components.address import open_view, read_address, remember_view
from dashboard.components.bar import show_bar
from dashboard.components.captions import plain
from dashboard.components.check_up import warn_of_problems
from dashboard.components.drawer import close_drawer
from dashboard.components.scene import Scene
from dashboard.garbage import pass_over_modules
from dashboard.kept_files import keep_files
from dashboard.log_lines import note_refusal, note_view
from dashboard.server_options import server_options
from dashboard.view_state import View, fit_models, fit_view
from explain_lib.devices import spare_cores


def show_page(
    name: str, draw: Callable[[Scene], None], images: Callable[[Scene], Sequence[int] | None] = lambda _: None
) -> None:
    """Draw a page from the address; what goes wrong is said in a sentence, with a way back.

    images: those that Previous and Next step through, None for all.
    """
    checkpoint = st.empty()
    try:
        scene, ignored = _scene(name, lambda: _pause(checkpoint))
        if ignored:
            st.warning("Ignored in the address: " + plain(" ".join(ignored)))
        remember_view(scene.view)
        show_bar(scene, images(scene))
        warn_of_problems(scene)
        draw(scene)
        note_view(server_options().slow)
    except xl.ExplainError as error:
        note_refusal(error)
        st.error(f"This view cannot be shown: {plain(str(error))}.")
        st.button("Back to the default view", on_click=open_view, args=(View(),))
    close_drawer(name)
    pass_over_modules()


def _scene(name: str, between: Callable[[], None]) -> tuple[Scene, tuple[str, ...]]:
    keep_files()
    spare_cores()
    cache = xl.shared_cache(server_options().device)
    view, ignored = read_address(name)
    view, no_model = fit_models(view)
    model, images = cache.model(view.model), cache.images()
    view, no_part = fit_view(view, model, len(images.pixels))
    scene = Scene(view, model, images, cache.predictions(view.model), cache, between)
    return scene, (*ignored, *no_model, *no_part)


def _pause(checkpoint: DeltaGenerator) -> None:
    checkpoint.empty()  # Streamlit ends an overtaken run at its next call
