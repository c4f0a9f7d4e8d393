"""A widget that is bound to a field of the view: it shows the address and writes it."""

from opened_page import START, query
from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from dashboard.view.address import bound, current_view, remember_view
    from dashboard.view.this_view import CARRIED_VIEW
    from dashboard.view.view import View

    if CARRIED_VIEW not in st.session_state:
        remember_view(View(layer="conv1"))
    view = current_view()
    st.selectbox("Layer", ("conv1", "conv2", "gone"), **bound("layer", view.layer, among=("conv1", "conv2")))
    st.selectbox("Asked at", ("", "conv1"), **bound("opinion", view.opinion, none=""))


def _opened() -> AppTest:
    return AppTest.from_function(_page).run()


def test_what_is_chosen_is_written_into_the_address() -> None:
    app = _opened()
    assert app.selectbox(key="layer").value == "conv1"
    app.selectbox(key="layer").select("conv2").run()
    assert query(app) == START | {"layer": "conv2"}
    assert app.selectbox(key="layer").value == "conv2"


def test_a_value_that_is_no_longer_on_offer_is_not_taken() -> None:
    app = _opened()
    app.selectbox(key="layer").select("gone").run()
    assert query(app) == {}
    assert app.selectbox(key="layer").value == "conv1"


def test_an_entry_stands_for_none() -> None:
    app = _opened()
    assert app.selectbox(key="opinion").value == ""
    app.selectbox(key="opinion").select("conv1").run()
    assert query(app) == START | {"layer": "conv1", "opinion": "conv1"}
    app.selectbox(key="opinion").select("").run()
    assert query(app) == START | {"layer": "conv1"}
