"""The README's configuration of nginx, in front of two small servers that say who they are."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from running_app import free_port

from benchmarks.proxy import nginx_program, proxied

pytestmark = pytest.mark.skipif(nginx_program() is None, reason="nginx is not installed")
MEBIBYTE = 2**20


class Echo(BaseHTTPRequestHandler):
    """Says which server it is, and what it was told."""

    def do_GET(self) -> None:
        said = json.dumps(
            {"port": self.server.server_address[1], **{name.lower(): text for name, text in self.headers.items()}}
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echo() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def instances() -> Iterator[list[tuple[ExitStack, int]]]:
    """Two instances: what stops each, and its port."""
    with ExitStack() as both:
        yield [(stack := both.enter_context(ExitStack()), stack.enter_context(echo()).server_address[1]) for _ in range(2)]


@pytest.fixture
def proxy(tmp_path: Path, instances: list[tuple[ExitStack, int]]) -> Iterator[int]:
    port = free_port()
    with proxied(tmp_path / "nginx", port, [instance for _, instance in instances]):
        yield port


def ask(port: int, visitor: int | str | None = None, **headers: str) -> tuple[dict[str, object], str | None]:
    """What the instance says, and the cookie that the proxy gives; visitors have numbers."""
    if visitor is not None:
        headers["Cookie"] = f"visitor={visitor:032x}" if isinstance(visitor, int) else f"visitor={visitor}"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read()), answer.headers["Set-Cookie"]


def test_a_new_visitor_gets_a_cookie_and_stays_with_the_instance_that_it_leads_to(proxy: int) -> None:
    first, cookie = ask(proxy)
    assert cookie is not None
    visitor = cookie.removeprefix("visitor=").split(";")[0]
    assert len(bytes.fromhex(visitor)) == 16
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")
    for _ in range(5):
        assert ask(proxy, visitor) == ({**first, "cookie": f"visitor={visitor}"}, cookie)
    assert ask(proxy)[1] != cookie


def test_visitors_spread_over_the_instances(proxy: int, instances: list[tuple[ExitStack, int]]) -> None:
    ports = [ask(proxy, visitor)[0]["port"] for visitor in range(100)]
    assert {ports.count(port) > 20 for _, port in instances} == {True}


def test_a_cookie_that_is_not_the_proxys_own_is_replaced(proxy: int) -> None:
    assert "visitor=z" not in str(ask(proxy, "z" * 32)[1])


def test_visitors_of_an_instance_that_has_gone_are_taken_by_the_other_one(
    proxy: int, instances: list[tuple[ExitStack, int]]
) -> None:
    (stop, gone), (_, left) = instances
    before = {visitor: ask(proxy, visitor)[0]["port"] for visitor in range(20)}
    assert set(before.values()) == {gone, left}
    stop.close()
    assert {ask(proxy, visitor)[0]["port"] for visitor in range(20)} == {left}


def test_the_instance_learns_what_websockets_and_the_check_of_origins_need(proxy: int) -> None:
    said, _ = ask(proxy, Upgrade="websocket", Connection="Upgrade")
    assert (said["upgrade"], said["connection"], said["host"]) == ("websocket", "upgrade", f"127.0.0.1:{proxy}")
    said, _ = ask(proxy)
    assert "upgrade" not in said
    assert "connection" not in said


def upload(port: int, size: int) -> int:
    """The status that a body of this size gets."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", bytes(size), method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_uploads_pass_up_to_the_dashboards_own_limit(proxy: int) -> None:
    assert upload(proxy, 120 * MEBIBYTE + 10_000) == 200
    assert upload(proxy, 121 * MEBIBYTE + 1) == 413
