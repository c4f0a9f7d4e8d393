"""The address of the view, unfolded from the line: to copy, and as a QR code; another computer can open it if any can."""

from urllib.parse import urlencode

import streamlit as st

from dashboard import ASSETS
from dashboard.server.reach import qr_code, shared_place
from dashboard.take_home.buttons import offer_stop
from dashboard.view.address import current_view
from dashboard.view.origin import address_query

KEY = "share"
QR_SIDE = 264
_COPY = st.components.v2.component(
    "share",
    html='<button type="button">Copy address</button><span role="status"></span>',  # it has a name before its script runs
    css=(ASSETS / "share.css").read_text(),
    js=(ASSETS / "share.js").read_text(),
)
_ALONE = (
    "The dashboard listens only on this computer, so no other computer can open this address. To let others in, start it with "
    "`--server.address 0.0.0.0`."
)
_NETWORK = "Works on every computer and phone in this network."


def share_menu() -> None:
    """A button that copies the address of the newest view, and unfolds it."""
    menu = st.popover(
        "Share",
        key=KEY,
        on_change="rerun",
        help="Copies the address of this view; has a QR code too, where others can open it",
        width="content",
    )
    if not menu.open:  # what is out of sight is not built
        return
    shared = shared_place(st.context.url or "http://localhost:8501/", st.get_option("server.address"))
    address = f"{shared.place}?{urlencode(address_query(current_view()))}"
    with menu:
        st.code(address, language=None, wrap_lines=True)
        with st.container(horizontal=True, gap="small"):
            _COPY(data={"address": address}, key="copy-address", width="content", height="content")
            offer_stop("share-stop", folds=KEY)
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
