"""The dashboard's server and the browser that tests share: what takes seconds is worked out once."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from running_app import BROWSER_FLAGS, browser_path, free_port, make_command, served

import explain_lib as xl
from dashboard.view.server_options import server_options
from explain_lib.work.jobs import Job, Jobs

expect.set_options(timeout=60_000)  # a busy machine may take long over a page


@pytest.fixture(scope="session")
def root() -> Iterator[str]:
    """The dashboard as the README's first command opens it."""
    with served(make_command("run"), free_port()) as address:
        yield address


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """From now on, as if the server had been started by `streamlit run dashboard/app.py -- OPTIONS`."""

    def started(*options: str) -> None:
        monkeypatch.setattr(sys, "argv", ["app.py", *options])
        server_options.cache_clear()

    monkeypatch.setattr(sys, "path", list(sys.path))  # the folder of the caller's code is added to it
    server_options.cache_clear()
    yield started
    server_options.cache_clear()
    xl.shared_cache().own_models.offer()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job[Any]]:
    """The jobs that pages ask for."""
    asked: list[Job[Any]] = []
    real = Jobs.ask

    def noting(self: Jobs, request: Any) -> Job[Any]:
        asked.append(real(self, request))
        return asked[-1]

    monkeypatch.setattr(Jobs, "ask", noting)
    return asked


# For a module only: while Playwright runs, nothing else in the process can start an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser_path(), args=list(BROWSER_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of its own on a desk."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_navigation_timeout(60_000)
    yield context.new_page()
    context.close()
