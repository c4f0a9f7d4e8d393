"""The choice of pictures: a set of the server's, or a visitor's own, from a file or the camera."""

from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

import explain_lib as xl
from dashboard.view.address import change_view
from dashboard.view.captions import plain
from dashboard.view.picture_sets import CifarImages, server_set
from dashboard.view.scene import Scene
from dashboard.view.view import CIFAR10
from explain_lib.pictures.files import MAX_BYTES, MAX_PIXELS
from explain_lib.pictures.folder import SUFFIXES

MENU = "open-menu"
"""The key of the menu that holds this; False in the session's state folds it up."""
_FILE, _CAMERA, _REFUSED = "own-file", "own-camera", "own-refused"
_LIMITS = (
    "JPEG, PNG, WebP, AVIF, GIF (its first frame) or TIFF, "
    f"up to {MAX_BYTES // 2**20} MB and {MAX_PIXELS // 1_000_000} megapixels."
)
PRIVACY = (
    "Your picture stays only in this server's memory, until the server restarts or needs the room. Anybody with its address "
    "can see it."
)


def picture_choice(scene: Scene) -> None:
    """The sets of pictures, and the upload of one."""
    _sets(scene)
    _upload(scene)


def say_refused() -> None:
    """Say once why the last upload was refused."""
    refused = st.session_state.pop(_REFUSED, None)
    if refused is not None:
        st.error(f"This picture cannot be used: {plain(refused)}.")


def warn_of_channels(scene: Scene) -> None:
    """That a network of other channels is shown pictures which have not as many, before any map; nothing for others."""
    channels = scene.model.channels
    if isinstance(scene.picture_set, CifarImages) and channels not in (1, 3):
        st.warning(
            f"{plain(scene.view.model)} takes {channels} channels, and these pictures have three: its channels are filled "
            f"with red, green and blue in turn, just so that you can try the pages. For real maps, start the server with "
            f"--images FOLDER, a folder of TIFF, .npy or .npz files with {channels} channels."
        )


def say_samples(scene: Scene) -> None:
    """What a network of volumes or signals is shown where its samples are pictures, and the files that it takes."""
    sheet = scene.model.sheet
    if sheet is None or not isinstance(scene.picture_set, CifarImages):
        return
    if sheet.is_volume:
        made = f"each of the {sheet.slices} slices is the same test image"
        files = f"an animated GIF, a TIFF of {sheet.slices} pages, or an .npy of shape {sheet.size}"
    else:
        made = "each signal holds the means of a test image's columns"
        files = f"an .npy or .csv of {sheet.size[0]:,} numbers"
    st.warning(f"Made-up samples, just so that you can try the page: {made}. For real maps, open {files}, or a folder of them.")


def _sets(scene: Scene) -> None:
    """A button for each set of the server's that is not on screen."""
    usual = server_set(scene.cache)
    st.markdown(f"On screen: **{plain(scene.picture_set.title)}**")
    offered = {None: usual, CIFAR10: CifarImages(scene.cache)} if usual.address != CIFAR10 else {None: usual}
    for name, offer in offered.items():
        if offer.address != scene.picture_set.address:
            st.button(f"Look at {offer.title}", key=f"set-{name}", on_click=_open_set, args=(name,))


def _upload(scene: Scene) -> None:
    st.file_uploader(
        "A picture of your own",
        [suffix[1:] for suffix in SUFFIXES],
        key=_FILE,
        on_change=lambda: _take(scene.cache, st.session_state[_FILE]),
        help=_LIMITS,
        max_upload_size=MAX_BYTES // 2**20,
    )
    if st.toggle(
        "From the camera", key="own-camera-on", help="Browsers allow the camera only on this computer itself, or over https."
    ):
        st.camera_input("Camera", key=_CAMERA, on_change=lambda: _take(scene.cache, st.session_state[_CAMERA]))
    st.caption(f"{_LIMITS} {PRIVACY}")


def _take(cache: xl.ExplainCache, sent: UploadedFile | None) -> None:
    """Keep the picture and show it, or say why not; a file that was taken back changes nothing."""
    if sent is None:
        return
    _close()
    try:
        digest = cache.own_pictures.keep(sent.getvalue())
    except xl.ExplainError as error:
        st.session_state[_REFUSED] = f"{PurePath(sent.name).name}, {str(error).removeprefix('picture: ')}"
        return
    change_view(pictures=digest)


def _open_set(name: str | None) -> None:
    _close()
    change_view(pictures=name, true_class=None)


def _close() -> None:
    """Fold the menu up: what was chosen, or why it was refused, is behind it."""
    st.session_state[MENU] = False
