"""Streamlit servers: started, waited for, stopped."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DASHBOARD = "dashboard/app.py"
PATIENCE = 90.0  # seconds until a server must answer


@dataclass(frozen=True)
class Server:
    """A running server; `started` is the time, as of time.time(), just before its process, number `process`, began."""

    address: str
    started: float
    process: int

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])


@contextmanager
def served(script: str, variables: Mapping[str, str], options: Sequence[str] = ()) -> Iterator[Server]:
    """`streamlit run SCRIPT -- OPTIONS` from the root, as soon as its port answers; stopped at the end."""
    port = free_port()
    streamlit = shutil.which("streamlit", path=str(Path(sys.executable).parent)) or "streamlit"
    settings = {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_HEADLESS": "true", "PYTHONPATH": ""}
    started = time.time()
    process = subprocess.Popen(
        [streamlit, "run", script, "--", *options],
        cwd=ROOT,
        env={**os.environ, **settings, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(process, port)
        yield Server(f"http://127.0.0.1:{port}", started, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=20)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(process: "subprocess.Popen[bytes]", port: int, what: str = "the server") -> None:
    """Until the port answers. Raises RuntimeError, naming what was started, if it stops or does not answer in time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{what} stopped with the code {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"{what} did not answer within {PATIENCE:.0f} s")
