"""The head of every page, which stands before PyTorch is imported: the line with the page's title; Back."""

from contextvars import ContextVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages import Page
from dashboard.scripts import script

_LINE: ContextVar[DeltaGenerator | None] = ContextVar("line", default=None)


def open_line(page: Page) -> None:
    """Begin the line: the title, with the page's purpose behind a sign."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="context-line")
    line.title(page.title, anchor=False, help=page.purpose, width="content")
    _LINE.set(line)


def opened_line() -> DeltaGenerator:
    """The line of the page that is being drawn."""
    return _LINE.get() or st.container(horizontal=True, key="context-line")


# Section: the browser's history

_HISTORY = st.components.v2.component("history", js=script("history"))


def keep_history() -> None:
    """Make Back take one press a step, in a tab from the head of its first page on, as soon as the browser has the script."""
    _HISTORY(key="history", height=1)
