"""Which browser asks: a name that no other one has or can guess, the same in all of its tabs and after they are loaded anew."""

from hashlib import sha256

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string
from streamlit.web.server.starlette.starlette_server_config import XSRF_COOKIE_NAME


def this_browser() -> str:
    """The digest of the random token that Streamlit's own cookie against forged requests has; no other cookie is set.

    A client without cookies is known by its session, which ends with its tab.
    """
    token, _ = decode_xsrf_token_string(st.context.cookies.get(XSRF_COOKIE_NAME) or "")
    if token:
        return sha256(token).hexdigest()
    context = get_script_run_ctx()
    assert context is not None  # a page runs
    return sha256(context.session_id.encode()).hexdigest()
