"""What stands of a page before PyTorch is imported: its head, and grey boxes where its pictures will be.

All of it belongs to the page, as what its own file draws: what `app.py` itself draws stays when another page is opened, and the
old title would stand over an empty body.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_BOXES = f'<div class="page-skeleton" aria-hidden="true">{3 * "<div></div>"}</div>'


@contextmanager
def page_head() -> Iterator[None]:
    """What is drawn within goes when another page is opened; the grey boxes below it go once the page draws (style.css).

    The boxes are sent first, so that the title never stands over an empty body.
    """
    context = get_script_run_ctx()
    assert context is not None  # a page runs
    with context.run_with_active_hash(context.page_script_hash):
        head = st.container()
        st.html(_BOXES)
        with head:
            yield
