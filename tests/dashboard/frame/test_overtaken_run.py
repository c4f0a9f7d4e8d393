"""A run that a newer one has overtaken ends at its next checkpoint."""

import pytest
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest


def page() -> None:
    """A page that computes nothing and comes to one checkpoint."""
    import streamlit as st

    from dashboard.frame.page import show_page
    from explain_lib.base.run_context import checkpoint

    def draw(_: object) -> None:
        st.session_state["at_checkpoint"] = True
        checkpoint()
        st.session_state["at_checkpoint"] = False

    show_page("layer_explorer", draw)


def test_a_checkpoint_of_a_page_is_a_call_at_which_streamlit_can_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    real = DeltaGenerator.empty

    def noting(self: DeltaGenerator) -> DeltaGenerator:
        called.append(st.session_state.get("at_checkpoint", False))
        return real(self)

    monkeypatch.setattr(DeltaGenerator, "empty", noting)
    app = AppTest.from_function(page, default_timeout=300)
    app.run()
    assert not app.exception
    assert app.session_state["at_checkpoint"] is False
    assert called.count(True) == 1
