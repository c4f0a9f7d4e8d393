"""What holds for the server by default, seen from outside: a read-only copy of the checkout, run as nobody in particular."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from running_app import ROOT, free_port, streamlit_command
from visitor import visiting

SECONDS = 60.0
MEBIBYTE = 2**20
PARTS = ("dashboard", "explain_lib", "checkpoints", ".streamlit")
FAULTY_PAGE = """
import streamlit as st

def fall():
    raise KeyError("in a callback")

st.button("Fall", on_click=fall)
if "img" in st.query_params:
    raise RuntimeError("nobody foresaw\\nthis")
"""
SAID = (
    "This page failed because of a fault in the program, not because of anything you did. The log has the details under number "
)
WAY_BACK = "Back to the page's default view"


@dataclass(frozen=True)
class Server:
    """A running server: its port, its process, and its log."""

    port: int
    process: int
    log: Path

    def lines(self, event: str) -> list[dict[str, object]]:
        """The log's lines on such events."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of an answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def health(self, ends: Sequence[str]) -> tuple[int, dict[str, object]]:
        """The health address's answer once its status is one of these."""
        for _ in range(int(SECONDS)):
            status, text = self.ask("/health")
            body = json.loads(text)
            if body["status"] in ends:
                return status, body
            time.sleep(0.2)
        raise AssertionError(f"the health stays {body}")


def ordinary() -> list[str]:
    """What to put before a command so that permissions hold for it, also if root runs the tests."""
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []


@contextmanager
def started(folder: Path, command: Sequence[str], variables: Mapping[str, str]) -> Iterator[Server]:
    """A server with a home and a temporary folder of its own."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("STREAMLIT_", "XDG_", "MPL", "PYTHON"))}
    for name in ("home", "tmp", "elsewhere"):
        (folder / name).mkdir(exist_ok=True)
    environment = {**kept, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), **variables}
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder / "elsewhere", env=environment, stdout=file, stderr=file)
    try:
        yield Server(_wait_for_port(process, log), process.pid, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _wait_for_port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """The port that the server says it has, as soon as it answers."""
    for _ in range(int(SECONDS / 0.1)):
        assert process.poll() is None, log.read_text()
        if found := re.search(r"URL: http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found.group(1))
        time.sleep(0.1)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def tree(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def nameless_file(process: int) -> Path:
    """Where the process has a temporary file open that has no name, as soon as it has."""
    for _ in range(int(SECONDS / 0.1)):
        links = [path.readlink() for path in Path(f"/proc/{process}/fd").iterdir()]
        for link in links:
            if link.name.startswith("#") and link.name.endswith(" (deleted)"):
                return link
        time.sleep(0.1)
    raise AssertionError(f"no temporary file among {links}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a read-only copy of the checkout, two of its pages faulty."""
    folder = tmp_path_factory.mktemp("server")
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / "checkout" / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    pages = folder / "checkout" / "dashboard" / "app_pages"
    (pages / "scan.py").write_text(FAULTY_PAGE)
    (pages / "guesses.py").write_text("def unfinished(:")
    subprocess.run(["chmod", "-R", "a-w", folder / "checkout"], check=True)
    yield folder
    subprocess.run(["chmod", "-R", "u+w", folder / "checkout"], check=True)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """The copy's server, started from another folder, noting every view."""
    app = str(folder / "checkout" / "dashboard" / "app.py")
    command = [*ordinary(), *streamlit_command()[:2], app, "--", "--slow", "0"]
    variables = {"STREAMLIT_SERVER_HEADLESS": "true", "STREAMLIT_SERVER_PORT": str(free_port())}
    with started(folder, command, variables) as running:
        yield running


def test_the_health_address_says_whether_the_model_is_loaded(server: Server) -> None:
    status, body = server.health(ends=("loading",))
    assert (status, body["loaded"], body["reason"]) == (503, False, "the model is being loaded")
    status, body = server.health(ends=("ok", "failed"))
    assert (status, body["status"], body["model"], body["loaded"]) == (200, "ok", "captum-tutorial", True)
    assert body["process"] == server.process
    cache = body["cache"]
    assert isinstance(cache, dict)
    assert 0 < cache["entries"] * 1024 < cache["bytes"] < cache["max_bytes"] == 128 * MEBIBYTE


def test_only_this_computer_is_listened_to(server: Server) -> None:
    socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):  # all of 127.0.0.0/8 is this computer, but only one address is bound
        socket.create_connection(("127.0.0.2", server.port), timeout=5)


def test_no_statistics_are_gathered(server: Server) -> None:
    assert json.loads(server.ask("/_stcore/host-config")[1])["metricsUrl"] == ""
    with visiting(server.port) as visitor:
        assert visitor.open("scan").start.config.gather_usage_stats is False


def test_uploads_need_the_token_have_a_limit_and_lie_in_the_cache_folder_on_their_way(server: Server, folder: Path) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/_stcore/health", timeout=SECONDS) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    name, token = cookie.split("=", 1)
    assert name == "_streamlit_xsrf"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    with visiting(server.port) as visitor:
        path = f"/_stcore/upload_file/{visitor.open('scan').start.initialize.session_id}/1"

        def upload(headers: Mapping[str, str], size: int, sent: int | None = None) -> HTTPConnection:
            """The connection on which a file of this size is on its way, `sent` bytes of the body being there, None for all."""
            head, tail = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n', b"\r\n--x--\r\n"
            body = head + bytes(size) + tail
            connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
            connection.request("PUT", path, body[:sent], {**form, **headers, "Content-Length": str(len(body))})
            return connection

        proof = {"Cookie": cookie, "X-Xsrftoken": token}
        assert upload(proof, 2 * MEBIBYTE).getresponse().status == 204
        assert upload({}, 2 * MEBIBYTE).getresponse().status == 403
        assert upload({"X-Xsrftoken": token}, 2 * MEBIBYTE).getresponse().status == 403
        assert upload(proof, 120 * MEBIBYTE, sent=0).getresponse().status == 413
        under_way = upload(proof, 3 * MEBIBYTE, sent=2 * MEBIBYTE)
        assert nameless_file(server.process).parent == folder / "home/.cache/grad-cam-dashboard/temporary"
        under_way.close()


def test_a_page_with_a_fault_says_so_in_a_sentence_and_the_log_says_more(server: Server) -> None:
    before = len(server.log.read_text())
    with visiting(server.port) as visitor:
        (said,) = visitor.open("scan", "img=7&layer=conv1").alerts
        assert visitor.elements("exception") == []
        assert said.startswith(SAID)
        (line,) = [line for line in server.lines("fault") if line["number"] == said.removeprefix(SAID).rstrip(".")]
        assert (line["level"], line["page"], line["address"]) == ("error", "scan", "/scan?img=7&layer=conv1")
        assert line["error"] == "RuntimeError: nobody foresaw\nthis"
        assert 'scan.py", line 9, in <module>' in str(line["traceback"])
        written = server.log.read_text()[before:].splitlines()
        assert len([line for line in written if "foresaw" in line or "Traceback" in line]) == 1
        assert visitor.press(WAY_BACK).alerts == []
        assert visitor.query == ""


def test_a_callback_with_a_fault_says_so_too(server: Server) -> None:
    with visiting(server.port) as visitor:
        (said,) = visitor.open("scan", "model=tutorial").press("Fall").alerts
        assert visitor.elements("exception") == []
        line = server.lines("fault")[-1]
        assert said == f"{SAID}{line['number']}."
        assert (line["error"], line["address"]) == ("KeyError: 'in a callback'", "/scan?model=tutorial")
        visitor.press(WAY_BACK)
        assert [element.button.label for element in visitor.elements("button")] == ["Fall"]


def test_a_page_that_cannot_even_be_read_says_so_too(server: Server) -> None:
    with visiting(server.port) as visitor:
        assert visitor.open("guesses").alerts[0].startswith(SAID)
        assert str(server.lines("fault")[-1]["error"]).startswith("SyntaxError: ")


def test_a_slow_view_is_noted_with_the_address_that_shows_it_again(server: Server) -> None:
    with visiting(server.port) as visitor:
        assert visitor.open("disagreement", "img=11&model=tutorial").alerts == []
    line = server.lines("slow view")[-1]
    assert set(line) == {"time", "level", "event", "page", "address", "seconds"}
    assert (line["level"], line["page"], line["address"]) == ("warning", "disagreement", "/disagreement?img=11&model=tutorial")
    seconds = line["seconds"]
    assert isinstance(seconds, float)
    assert 0 < seconds < SECONDS


def test_nothing_is_written_outside_the_cache_folder(server: Server, folder: Path) -> None:
    with visiting(server.port) as visitor:
        visitor.open("disagreement")  # imports grad-cam, and with it Matplotlib, which keeps a list of fonts
    tried = subprocess.run(
        [*ordinary(), "touch", folder / "checkout" / "new"],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    assert "Permission denied" in tried.stderr
    assert not any("__pycache__" in path.parts for path in tree(folder / "checkout"))
    assert tree(folder / "tmp") | tree(folder / "elsewhere") == set()
    home, kept = tree(folder / "home"), Path(".cache/grad-cam-dashboard")
    assert kept / "matplotlib" in home
    assert {path for path in home if kept not in (path, *path.parents)} == {Path(".cache")}


@pytest.fixture
def port_8501_taken() -> Iterator[None]:
    """By somebody, if not by this test."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            taken.bind(("127.0.0.1", 8501))
            taken.listen()
        yield


@pytest.fixture
def second(tmp_path: Path, port_8501_taken: None) -> Iterator[Server]:  # noqa: ARG001
    """Another server on the same machine, started as at home: with a browser, no port, and a device that it does not have."""
    browser = tmp_path / "bin" / "xdg-open"
    browser.parent.mkdir()
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    command = [*streamlit_command()[:2], str(ROOT / "dashboard" / "app.py"), "--", "--device", "tpu9"]
    variables = {"STREAMLIT_SERVER_HEADLESS": "false", "PATH": f"{browser.parent}:{os.environ['PATH']}"}
    with started(tmp_path, command, variables) as running:
        yield running


@pytest.mark.skipif(sys.platform != "linux", reason="browsers are opened in other ways")
def test_a_second_server_finds_a_port_opens_the_browser_and_says_what_is_wrong_with_its_options(
    server: Server, second: Server, tmp_path: Path
) -> None:
    assert second.port not in (8501, server.port)
    status, body = second.health(ends=("failed", "ok"))
    assert (status, body["loaded"]) == (503, False)
    assert str(body["reason"]).startswith("device: 'tpu9' is no device")
    with visiting(second.port) as visitor:
        (said,) = visitor.open("layer_explorer", "img=4").alerts
    assert said.startswith("This view cannot be shown: device: 'tpu9'")
    (line,) = second.lines("view refused")
    assert (line["level"], line["address"], line["error"]) == ("info", "/layer_explorer?img=4", body["reason"])
    assert (tmp_path / "opened").read_text() == f"http://127.0.0.1:{second.port}\n"
    assert server.ask("/health")[0] == 200
