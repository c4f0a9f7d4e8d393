"""The address of the view, unfolded from the line: to copy, and as a QR code; another computer can open it if any can."""

import socket
from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlencode, urlsplit

import streamlit as st
from streamlit.net_util import get_internal_ip

from dashboard import ASSETS
from dashboard.view.address import current_view
from dashboard.view.origin import address_query

KEY = "share"
QR_SIDE = 264
_EVERYWHERE = ("", "0.0.0.0", "::")
_COPY = st.components.v2.component(
    "share",
    html='<button type="button">Copy address</button>',  # it has a name before its script runs
    css=(ASSETS / "share.css").read_text(),
    js=(ASSETS / "share.js").read_text(),
)
_ALONE = (
    "The dashboard listens on this computer only, so no other one can open this address. One can once the dashboard is "
    "started with `--server.address 0.0.0.0`."
)
_NETWORK = "For every computer and phone in this network."


def share_menu() -> None:
    """A button that unfolds the address of the newest view."""
    menu = st.popover(
        "Share",
        key=KEY,
        on_change="rerun",
        help="The address of this view; as a QR code too, where others can open it",
        width="content",
    )
    if not menu.open:  # what is out of sight is not built
        return
    shared = shared_place(st.context.url or "http://localhost:8501/", st.get_option("server.address"))
    address = f"{shared.place}?{urlencode(address_query(current_view()))}"
    with menu:
        st.code(address, language=None, wrap_lines=True)
        _COPY(data={"address": address}, key="copy-address", width="content", height="content")
        if shared.reach == "alone":
            st.info(_ALONE)
            return
        code = qr_code(address)
        if code is None:
            st.caption("This address is too long for a QR code.")
        else:
            st.image(code, width=QR_SIDE, alt=f"QR code of {address}")
        if shared.reach == "network":
            st.caption(_NETWORK)


@dataclass(frozen=True)
class SharedPlace:
    """The page's address without its query, and who can open it: this computer alone, the network, or whoever the browser's
    own address is known to.
    """

    place: str
    reach: Literal["alone", "network", "origin"]


def shared_place(url: str, listening: str | None) -> SharedPlace:
    """What others can open of the browser's address.

    url: as the browser has it. listening: the address on which the server listens, None or empty for all.
    """
    found = urlsplit(url)
    if not is_loopback(found.hostname or ""):  # from another computer, or behind a proxy: it leads here already
        return SharedPlace(_without_query(found), "origin")
    if listening not in (None, *_EVERYWHERE) and is_loopback(listening or ""):
        return SharedPlace(_without_query(found), "alone")
    host = network_name() if listening in (None, *_EVERYWHERE) else listening
    port = f":{found.port}" if found.port else ""
    return SharedPlace(_without_query(found._replace(netloc=f"{_bracketed(host or '')}{port}")), "network")


def is_loopback(host: str) -> bool:
    """Whether a host is this computer's name for itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def network_name() -> str:
    """This computer's address in its network; its name where it has none."""
    address = get_internal_ip()
    return socket.gethostname() if address is None or is_loopback(address) else address


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _without_query(url: SplitResult) -> str:
    return url._replace(path=url.path or "/", query="", fragment="").geturl()


def qr_code(address: str) -> str | None:
    """The address as a picture that a phone's camera reads, an SVG file, dark on white in either theme; None for one that is
    too long for that.
    """
    import segno  # it is needed once somebody shares

    try:
        code = segno.make(address, error="m", micro=False)
    except segno.DataOverflowError:
        return None
    file = BytesIO()
    code.save(file, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False)
    return file.getvalue().decode()
