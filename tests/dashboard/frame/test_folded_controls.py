"""What stands behind headings: it is built once it is unfolded, and unfolded where the address has something in it."""

import pytest
from opened_page import OpenedPage, open_folded

SCORE, DRAWING, SIDES = "minus", "palette", "a.program"


def built(app: OpenedPage) -> set[str | None]:
    """The keys of the controls on the page."""
    return {widget.key for widget in (*app.selectbox, *app.segmented_control)}


@pytest.mark.parametrize(("page", "folded"), [("layer_explorer", {SCORE, DRAWING}), ("disagreement", {SCORE, SIDES})])
def test_at_first_everything_behind_a_heading_is_folded_and_not_built(page: str, folded: set[str]) -> None:
    app = open_folded(page)
    assert not folded & built(app)
    assert not app.code


@pytest.mark.parametrize(
    ("page", "address", "unfolded"),
    [
        ("layer_explorer", {"minus": "2"}, {SCORE}),
        ("layer_explorer", {"evidence": "against", "strength": "70"}, {SCORE, DRAWING}),
        ("layer_explorer", {"score": "probability", "texture": "smooth"}, {SCORE, DRAWING}),
        ("layer_explorer", {"scale": "strip", "sign": "signed"}, {DRAWING}),
        ("disagreement", {"minus": "2"}, {SCORE}),
        ("disagreement", {"a": "manual;relu=false"}, {SIDES}),
        ("disagreement", {"b": "package;layers=conv1"}, {SIDES}),
        ("disagreement", {"a": "manual", "b": "package"}, set()),
    ],
)
def test_what_the_address_changes_is_unfolded(page: str, address: dict[str, str], unfolded: set[str]) -> None:
    assert {SCORE, DRAWING, SIDES} & built(open_folded(page, **address)) == unfolded


def test_downloads_are_there_while_the_python_is_folded() -> None:
    app = open_folded("layer_explorer")
    own = ["Picture (PNG)", "Maps (.npz)", "Settings (JSON)"]
    assert [button.label for button in app.download_button] == ["Everything (ZIP)", "Slide (PNG)", "Slide (SVG)", *own]
