"""The thumbnails of some images in one file; those of a folder are made in the background while one looks."""

import hashlib
from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.view.address import follow_changes
from dashboard.view.captions import plain
from dashboard.view.picture_sets import FolderImages
from dashboard.view.scene import Scene
from dashboard.widgets.image_grid import COLUMNS
from explain_lib.base.run_context import in_this_run, remember
from explain_lib.pictures.rendering import mosaic, webp
from explain_lib.pictures.thumbnails import SIDE, Thumbnails

EMPTY = 232
"""The grey of a thumbnail that is not there yet."""
LISTED = 200
EVERY = 1.0
"""Seconds between two looks at thumbnails that are being made."""


def sprite_of(scene: Scene, images: NDArray[np.int64]) -> bytes:
    """A WebP file with the thumbnails of these images in rows of COLUMNS."""
    if isinstance(scene.picture_set, FolderImages):
        return _folder_sprite(scene.picture_set.thumbnails, images)
    pixels = scene.cache.images().pixels
    return remember(("sprite", images.tobytes()), lambda: webp(mosaic(pixels[images], COLUMNS)))


def _folder_sprite(thumbnails: Thumbnails, images: NDArray[np.int64]) -> bytes:
    chosen = images.tolist()
    thumbnails.start()
    ready = thumbnails.ready(chosen)
    asked = hashlib.sha256(images.tobytes()).hexdigest()

    def draw() -> bytes:
        grey = np.full((SIDE, SIDE, 3), EMPTY, np.uint8)
        found = [grey if one is None else one for one in thumbnails.find(chosen)]
        return webp(mosaic(np.stack(found), COLUMNS), lossless=False)

    return remember(("folder_sprite", thumbnails.folder.identity, asked, ready), draw)


def without_unreadable(scene: Scene, images: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the images that are not known to be unreadable."""
    found = scene.picture_set
    return images[~np.isin(images, list(found.folder.unreadable))] if isinstance(found, FolderImages) else images


def are_coming(scene: Scene, images: NDArray[np.int64]) -> bool:
    """Whether some of these images have no thumbnail yet."""
    found = scene.picture_set
    return isinstance(found, FolderImages) and found.thumbnails.ready(images.tolist()) < len(images)


def while_they_come(scene: Scene, images: NDArray[np.int64], draw: Callable[[], None]) -> None:
    """Draw what shows the thumbnails of these images, anew each second until all of them are there."""
    if not are_coming(scene, images):
        draw()
        return

    @st.fragment(run_every=EVERY)
    @in_this_run
    def look() -> None:
        follow_changes()
        if not are_coming(scene, images):
            st.rerun()  # all are there
        draw()

    look()


def show_thumbnail_progress(scene: Scene) -> None:
    """The progress of a folder's thumbnails, and which of its files cannot be read; nothing for other sets."""
    found = scene.picture_set
    if not isinstance(found, FolderImages):
        return
    made = found.thumbnails.progress

    @st.fragment(run_every=EVERY if made.done < made.total else None)
    def look() -> None:
        follow_changes()
        _progress(found)
        _unreadable(found)

    look()


def _progress(found: FolderImages) -> None:
    progress = found.thumbnails.progress
    if progress.done < progress.total:
        words = f"Making thumbnails, only once: {progress.done:,} of {progress.total:,} files"
        st.progress(progress.done / progress.total, words)
    if progress.problem is not None:
        st.warning(f"Thumbnails cannot be kept for the next time: {plain(progress.problem)}.")


def _unreadable(found: FolderImages) -> None:
    unreadable = found.folder.unreadable
    if not unreadable:
        return
    files, are = ("1 file", "is") if len(unreadable) == 1 else (f"{len(unreadable):,} files", "are")
    with st.expander(f"{files} of {len(found.folder):,} cannot be read, and {are} left out", key="unreadable"):
        lines = [f"- {plain(found.folder.files[place])}: {plain(why)}" for place, why in list(unreadable.items())[:LISTED]]
        rest = [f"- and {len(unreadable) - LISTED:,} more"] if len(unreadable) > LISTED else []
        st.markdown("\n".join([*lines, *rest]))
