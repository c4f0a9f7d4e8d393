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
from explain_lib.take_home.slide import draw_slide

ZIP_HELP = (
    "Pictures, raw maps, settings, versions and Python of this view in one file. From a terminal, "
    "`python -m explain_lib replay FILE` computes everything anew and says whether it is identical."
)
SLIDE_HELP = "One picture of this view: the picked image, its maps and a caption, 1920 × 1080 pixels."
STOP_HELP = "A question about this view, with a hint and an answer, for a lesson of your own."
WRITING = "writing-open"
"""The key in the session's state that says whether a stop is being written."""
VECTOR_HELP = "The same with letters and lines that stay sharp at any size."


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
        st.caption("Take this view home", width="content")
        _button(scene, "Everything (ZIP)", everything, f"{name}.zip", "application/zip", ZIP_HELP)
        _button(scene, "Slide (PNG)", lambda: draw_slide(slide(), "png"), f"{name}-slide.png", "image/png", SLIDE_HELP)
        _button(scene, "Slide (SVG)", lambda: draw_slide(slide(), "svg"), f"{name}-slide.svg", "image/svg+xml", VECTOR_HELP)
        if files:
            _page_files(scene, files)
        _make_a_stop(page, scene)
    if files:
        _python(files)


def _make_a_stop(page: str, scene: Scene) -> None:
    """The button that opens the form of a lesson's stop, and the form; not before a class, nor where there is no view."""
    view = current_view()
    if page == "lesson" or (view.present and view.lesson is not None):
        return
    st.button("Make this a stop", key="make-stop", on_click=_open_form, help=STOP_HELP)
    if st.session_state.get(WRITING):
        from dashboard.writing.form import show_form  # with the vocabulary of lessons, which loads what every topic measures

        show_form(page, scene, WRITING)


def _open_form() -> None:
    st.session_state[WRITING] = True


def _file_name(page: str) -> str:
    """The page's title as the beginning of a file's name."""
    return PAGES[page].title.lower().replace(" ", "-")


def _page_files(scene: Scene, files: PageFiles) -> None:
    """The page's own files, one by one."""
    name, picture = files.name, "The overlay as it is shown, without loss."
    arrays, settings = "The raw arrays, in NumPy's format.", "Address, model, target, versions."
    _button(scene, "Picture (PNG)", files.picture, f"{name}.png", "image/png", picture)
    _button(scene, "Maps (.npz)", files.arrays_file, f"{name}.npz", "application/octet-stream", arrays)
    _button(scene, "Settings (JSON)", files.settings_file, f"{name}.json", "application/json", settings)


def _python(files: PageFiles) -> None:
    folded = st.expander("Python that reproduces this view", key="python", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.caption("Save it in the folder that holds explain_lib, or put that folder on PYTHONPATH.")
        st.code(files.snippet(), language="python")


def _button(scene: Scene, label: str, content: Callable[[], bytes], name: str, mime: str, help_text: str) -> None:
    """A button to a file that is made once it is pressed, when the run of the page is over, from what the page computed."""

    def made() -> bytes:
        with scene.cache.running():
            return content()

    st.download_button(label, made, name, mime, key=label, on_click="ignore", help=help_text)
