"""The lifespan of the server around the pages: the health address, the first model, and the browser that is opened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.routing import BaseRoute, Route
from streamlit.cli_util import open_browser
from streamlit.starlette import App
from streamlit.web.server.server_util import get_display_address, get_url

from dashboard import scripts
from dashboard.server.health import ModelLoading

REST = 5.0
"""Seconds from the start until the model is loaded even if nobody has come: long enough for the first page's title to stand
before PyTorch, which the page needs next, is imported."""

_LOADING = ModelLoading()
_BASE = [part for part in st.get_option("server.baseUrlPath").split("/") if part]
ROUTES: list[BaseRoute] = [
    Route("/health", _LOADING.answer),
    Route("/" + "/".join((*_BASE, scripts.FOLDER, "{file}")), scripts.answer),
]


@asynccontextmanager
async def running(server: App) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    del server
    loop = asyncio.get_running_loop()
    loop.call_later(REST, _LOADING.start)
    if not st.get_option("server.headless"):
        loop.call_soon(open_browser, get_url(get_display_address(st.get_option("server.address"))))
    yield
