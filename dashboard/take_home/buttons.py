"""The buttons to take a view home: everything in one ZIP file, a picture for a slide, and the page's own files."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from dashboard.pages import PAGES
from dashboard.server.log import this_address
from dashboard.view.address import current_view
from dashboard.view.origin import address_query
from dashboard.view.page_files import PageFiles
from dashboard.view.record import ViewRecord
from dashboard.view.scene import Scene
from dashboard.view.slide import view_slide
from dashboard.view.this_view import WRITING
from explain_lib.take_home.slide import draw_slide

ZIP_HELP = (
    "Pictures, raw maps, settings, versions and Python code of this view in one file. In a terminal, `python -m explain_lib "
    "replay FILE` computes everything again and says whether it is identical."
)
SLIDE_HELP = "One picture of this view: the picked image, its maps and a caption, 1920 × 1080 pixels."
STOP_HELP = "A question about this view, with a hint and an answer, for a lesson of your own."
VECTOR_HELP = "The same, with text and lines that stay sharp at any size."


def show_take_home(scene: Scene, page: str, record: ViewRecord) -> None:
    """The row of buttons at the foot of a page; nothing is made before one is pressed."""
    path, files = this_address().partition("?")[0], record.files
    address = f"{path}?{urlencode(address_query(current_view()))}"
    slide = record.slide or (lambda: view_slide(scene))
    name = files.name if files else f"{_file_name(page)}-image{scene.view.image}-{scene.view.model}"

    def everything() -> bytes:
        from dashboard.take_home.view_zip import view_zip  # it loads whatever can be computed anew

        return view_zip(scene, page, address, record, slide, files)

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="take-home"):
        st.caption("Download this view", width="content")
        _button(scene, "Everything (ZIP)", everything, f"{name}.zip", "application/zip", ZIP_HELP)
        _button(scene, "Slide (PNG)", lambda: draw_slide(slide(), "png"), f"{name}-slide.png", "image/png", SLIDE_HELP)
        _button(scene, "Slide (SVG)", lambda: draw_slide(slide(), "svg"), f"{name}-slide.svg", "image/svg+xml", VECTOR_HELP)
        if files:
            _page_files(scene, files)
        offer_stop("make-stop")
    if files:
        _python(files)
    _write_stop(page, scene)


def offer_stop(key: str, folds: str = "") -> None:
    """A button that opens the form of a lesson's stop; not before a class, nor on the page of lessons, which shows no view.

    key: of the button. folds: the key of the menu around it, which it folds up, if it stands in one.
    """

    def pressed() -> None:
        st.session_state[WRITING] = True
        if folds:
            st.session_state[folds] = False

    if _is_stop():
        st.button("Make this a stop", key=key, on_click=pressed, help=STOP_HELP)


def _is_stop() -> bool:
    view = current_view()
    return not this_address().partition("?")[0].endswith("/lesson") and not (view.present and view.lesson is not None)


def _write_stop(page: str, scene: Scene) -> None:
    """The form of a stop, if it is open."""
    if _is_stop() and st.session_state.get(WRITING):
        from dashboard.writing.form import show_form  # with the vocabulary of lessons, which loads what every topic measures

        show_form(page, scene)


def _file_name(page: str) -> str:
    """The page's title as the beginning of a file's name."""
    return PAGES[page].title.lower().replace(" ", "-")


def _page_files(scene: Scene, files: PageFiles) -> None:
    """The page's own files, one by one."""
    name, picture = files.name, "The overlay as shown, lossless."
    arrays, settings = "The raw arrays, in NumPy's format.", "Address, model, target, versions."
    _button(scene, "Picture (PNG)", files.picture, f"{name}.png", "image/png", picture)
    _button(scene, "Maps (.npz)", files.arrays_file, f"{name}.npz", "application/octet-stream", arrays)
    _button(scene, "Settings (JSON)", files.settings_file, f"{name}.json", "application/json", settings)


def _python(files: PageFiles) -> None:
    folded = st.expander("Python that reproduces this view", key="python", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.caption("Save it in the folder that contains explain_lib, or put that folder on PYTHONPATH.")
        st.code(files.snippet(), language="python")


def _button(scene: Scene, label: str, content: Callable[[], bytes], name: str, mime: str, help_text: str) -> None:
    """A button to a file that is made once it is pressed, when the run of the page is over, from what the page computed."""

    def made() -> bytes:
        with scene.cache.running():
            return content()

    st.download_button(label, made, name, mime, key=label, on_click="ignore", help=help_text)
