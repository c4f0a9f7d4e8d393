"""A browser that vanishes in the middle of a scan: nothing of it goes on."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_app import ROOT, free_port, is_healthy

from benchmarks.session import Address, Session

PATIENCE = 60.0
SCANS = [Address("scan", f"img=3&model=resnet20&class=any&target={target}&a=manual&b=package&check=on") for target in (0, 1)]
"""Ten thousand images each, with the real package too: far longer than two seconds."""


class Server:
    """A running server that can be asked for its threads."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process, self.port = process, port

    def working(self) -> list[str]:
        """Names of the threads that run a page or a job."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        while not (line := self._process.stdout.readline()).startswith("["):
            assert line, "the server ended"
        return [name for name in json.loads(line) if name == "jobs" or name.startswith("ScriptRunner")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    port, script = free_port(), Path(__file__).with_name("short_patience.py")
    command = [sys.executable, str(script), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _wait_until(lambda: is_healthy(port))
        yield Server(process, port)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


def _start(session: Session, scan: Address) -> None:
    session.open(scan)
    session.press_words("Scan 10,000 images")
    session.look_on(1.5)
    assert session.says("running")


def test_a_client_that_vanishes_in_the_middle_of_a_scan_leaves_no_thread_behind(server: Server) -> None:
    vanished = Session(server.port)
    _start(vanished, SCANS[0])
    assert "jobs" in server.working()
    vanished.vanish()
    _wait_until(lambda: not server.working())
    with Session(server.port) as another:
        another.open(SCANS[0])
        assert another.says("stopped")  # not done: what was left of it was not computed


def test_a_scan_goes_on_for_those_who_still_look_when_another_vanishes(server: Server) -> None:
    vanished = Session(server.port)
    _start(vanished, SCANS[1])
    with Session(server.port) as looking:
        looking.open(SCANS[1])
        vanished.vanish()
        looking.look_on(3.0)
        assert "jobs" in server.working()
        looking.press_words("Stop")
    _wait_until(lambda: not server.working())
