"""The dashboard as a server of its own, and a browser to open it with."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
BROWSER_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_SECONDS = 90.0

# True once nothing has changed on the page for 0.6 s, no script runs and no element is being loaded; false after a minute.
SETTLED = """() => new Promise(done => {
  let last = performance.now(); const start = last;
  const watch = new MutationObserver(() => { last = performance.now(); });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  const poll = setInterval(() => {
    const now = performance.now();
    const busy = document.querySelector('[data-test-script-state="running"], [data-stale="true"], [data-testid="stSkeleton"]');
    const quiet = !busy && now - last > 600;
    if (quiet || now - start > 60000) { clearInterval(poll); watch.disconnect(); done(quiet); }
  }, 50);
})"""


def settle(page: Page) -> None:
    """Wait until the page stands, without an exception on it."""
    assert page.evaluate(SETTLED), "the page went on changing for a minute"
    boxes = page.locator('[data-testid="stException"]').all_inner_texts()
    assert not boxes, boxes


def address(page: Page) -> dict[str, str]:
    """What the page's address says."""
    return dict(parse_qsl(urlsplit(page.url).query))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: Sequence[str], port: int, below: str = "") -> Iterator[str]:
    """The address of a Streamlit server that the command starts; the test fails if it does not answer in time.

    below: the path that the command puts the pages under, as "/room".
    """
    environment = {
        **os.environ,
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
        "PYTHONPATH": "",  # the app must find its packages by itself
    }
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _wait_until_healthy(process, port, below)
        yield f"http://127.0.0.1:{port}{below}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_until_healthy(process: "subprocess.Popen[str]", port: int, below: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server stopped: {process.communicate()[0]}"
        if is_healthy(port, below):
            return
        time.sleep(0.25)
    raise AssertionError(f"the server did not answer within {START_SECONDS:.0f} s")


def is_healthy(port: int, below: str = "") -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{below}/_stcore/health", timeout=2) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def streamlit_command() -> list[str]:
    """`streamlit run dashboard/app.py`; unlike `python -m streamlit`, it does not put the root on Python's path."""
    return [str(Path(sys.executable).with_name("streamlit")), "run", "dashboard/app.py"]


def make_command(target: str) -> list[str]:
    """`make TARGET`, with the running Python's environment in place of the one that it would make."""
    ready = [f"--old-file={sys.prefix}/{marker}" for marker in (".ready", ".ready-for-tests")]
    return ["make", target, f"VENV={sys.prefix}", *ready]


def browser_path() -> str | None:
    """The system's Chromium or Chrome; None for the one that Playwright has installed."""
    return shutil.which("chromium") or shutil.which("google-chrome")
