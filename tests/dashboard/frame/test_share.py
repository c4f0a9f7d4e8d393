"""The address that is shared: one that others can open, if any can, and its QR code."""

import re

import cv2
import numpy as np
import pytest
from opened_page import OpenedPage, alts, captions, open_folded
from streamlit import config

from dashboard.frame.share import KEY
from dashboard.server.reach import is_loopback, network_name, qr_code, shared_place

LOOPBACK = "http://localhost:8501/disagreement"


@pytest.mark.parametrize("listening", ["127.0.0.1", "localhost", "::1"])
def test_a_server_for_this_computer_only_shares_with_nobody(listening: str) -> None:
    shared = shared_place(f"{LOOPBACK}?img=3", listening)
    assert (shared.place, shared.reach) == (LOOPBACK, "alone")


@pytest.mark.parametrize("listening", [None, "", "0.0.0.0", "::"])
def test_a_server_for_all_shares_its_own_address_in_the_network(listening: str | None) -> None:
    shared = shared_place("http://127.0.0.1:8600/base/scan", listening)
    assert (shared.place, shared.reach) == (f"http://{network_name()}:8600/base/scan", "network")
    assert not is_loopback(network_name())


def test_a_server_on_one_address_shares_that() -> None:
    assert shared_place("http://localhost:8501", "192.0.2.7").place == "http://192.0.2.7:8501/"
    assert shared_place("http://localhost:8501/", "2001:db8::7").place == "http://[2001:db8::7]:8501/"


@pytest.mark.parametrize("listening", ["127.0.0.1", "0.0.0.0", None])
@pytest.mark.parametrize("url", ["https://cam.example.org/a/scan", "http://192.0.2.9:8501/scan"])
def test_who_came_by_an_address_of_the_network_or_through_a_proxy_shares_that(url: str, listening: str | None) -> None:
    shared = shared_place(f"{url}?img=3#x", listening)
    assert (shared.place, shared.reach) == (url, "origin")


@pytest.mark.parametrize("host", ["localhost", "cam.localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_names_of_this_computer_for_itself(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback(f"{host}.example.org")


def test_the_qr_code_says_the_address() -> None:
    address = "http://192.0.2.2:8501/layer_explorer?img=137&model=resnet20&a=manual%3Blayers%3Dconv1"
    said, _, _ = cv2.QRCodeDetector().detectAndDecode(pixels_of_code(qr_code(address) or ""))
    assert said == address


def pixels_of_code(svg: str) -> np.ndarray:
    """The QR code as pixels, 8 a module: its SVG has a path of horizontal lines, each a run of dark modules."""
    (path,) = re.findall(r'stroke="#000" d="([^"]+)"', svg)
    side = int(re.findall(r'd="M0 0h(\d+)v', svg)[0])
    drawn, x, y = np.full((side, side), 255, np.uint8), 0.0, 0.0
    for kind, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: ?(-?[\d.]+))?", path):
        if kind == "h":
            drawn[int(y), int(x) : int(x) + int(first)] = 0
            x += int(first)
        else:
            x, y = x + float(first), y + float(second)
    return np.kron(drawn, np.ones((8, 8), np.uint8))


def test_an_address_that_is_too_long_for_a_qr_code_has_none() -> None:
    assert qr_code(f"http://192.0.2.2:8501/?without={','.join(map(str, range(1000)))}") is None


# Section: on the page


def shared_page(listening: str) -> OpenedPage:
    app = open_folded("layer_explorer", img="5")
    app.session_state[KEY] = True
    before = config.get_option("server.address")
    config.set_option("server.address", listening)
    try:
        app.run()
    finally:
        config.set_option("server.address", before)
    assert not app.exception
    return app


def codes(app: OpenedPage) -> list[str]:
    return [alt for alt in alts(app) if alt.startswith("QR code of ")]


def test_the_menu_says_how_to_let_the_network_in_where_the_server_does_not() -> None:
    app = shared_page("127.0.0.1")
    assert app.code[0].value.endswith("/?img=5&model=captum-tutorial")
    assert "--server.address 0.0.0.0" in app.info[0].value
    assert "Works on every computer and phone" not in captions(app)
    assert codes(app) == []


def test_the_menu_has_the_address_in_the_network_and_its_qr_code_where_the_server_listens_there() -> None:
    app = shared_page("0.0.0.0")
    assert app.code[0].value == f"http://{network_name()}:8501/?img=5&model=captum-tutorial"
    assert codes(app) == [f"QR code of {app.code[0].value}"]
    assert not app.info
    assert "Works on every computer and phone in this network." in captions(app)
