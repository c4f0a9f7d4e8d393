"""The glossary: every word on its page, and links to words from the tooltips of other pages."""

import re

import pytest
from opened_page import open_page

from dashboard.view.terms import GLOSSARY, see


def test_the_page_has_every_word_with_its_meaning_under_an_anchor_of_its_own() -> None:
    app = open_page("glossary")
    assert not app.exception
    assert {(one.anchor, one.value) for one in app.subheader} == {(word.anchor, word.title) for word in GLOSSARY.values()}
    shown = [one.value for one in app.markdown]
    assert all(word.meaning in shown for word in GLOSSARY.values())
    assert len(GLOSSARY) >= 12


@pytest.mark.parametrize(
    ("page", "word"), [("layer_ladder", "road"), ("disagreement", "share"), ("sanity_checks", "random-start")]
)
def test_a_tooltip_leads_to_a_word(page: str, word: str) -> None:
    app = open_page(page)
    helps = [one.proto.help for one in (*app.segmented_control, *app.header, *app.markdown) if hasattr(one.proto, "help")]
    assert any(see(word) in text for text in helps)
    assert re.search(rf"\(glossary#{word}\)", see(word))
