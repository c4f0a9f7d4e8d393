"""Where other computers and phones find the dashboard, if they can, and its address as a QR code."""

import socket
from dataclasses import dataclass
from io import BytesIO
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from streamlit.net_util import get_internal_ip

_EVERYWHERE = ("", "0.0.0.0", "::")


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
    code.save(file, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True)
    return file.getvalue().decode()
