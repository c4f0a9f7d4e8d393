"""Downloads of a view, and Python that reproduces it."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class TakeHome:
    """What can be taken home: the files' common name, and functions that make their contents when they are asked for."""

    name: str
    picture: Callable[[], bytes]
    arrays: Callable[[], bytes]
    settings: Callable[[], bytes]
    snippet: Callable[[], str]


def show_take_home(take: TakeHome) -> None:
    """Buttons for picture, raw maps and settings, and the Python behind a heading."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Take home", width="content")
        _button("Picture (PNG)", take.picture, f"{take.name}.png", "image/png", "The overlay as it is shown, without loss.")
        _button(
            "Maps (.npz)", take.arrays, f"{take.name}.npz", "application/octet-stream", "The raw arrays, in NumPy's format."
        )
        _button("Settings (JSON)", take.settings, f"{take.name}.json", "application/json", "Address, model, target, versions.")
    folded = st.expander("Python that reproduces this view", key="python", on_change="rerun")
    if not folded.open:  # what is out of sight is not built
        return
    with folded:
        st.caption("Run it in the folder that holds explain_lib, or put that folder on PYTHONPATH.")
        st.code(take.snippet(), language="python")


def _button(label: str, content: Callable[[], bytes], name: str, mime: str, help_text: str) -> None:
    st.download_button(label, content, name, mime, key=label, on_click="ignore", help=help_text)
