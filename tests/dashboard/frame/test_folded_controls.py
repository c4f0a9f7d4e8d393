"""What is unfolded from the line, and what stands behind headings: it is built once it is unfolded."""

import pytest
from opened_page import OpenedPage, open_folded, open_page, query

from dashboard.frame.picture_menu import MENU

SCORE, DRAWING, MODULES, SIDES = "minus", "palette", "modules", "a.program"


def built(app: OpenedPage) -> set[str | None]:
    """The keys of the controls on the page."""
    return {widget.key for widget in (*app.selectbox, *app.segmented_control)}


@pytest.mark.parametrize("page", ["layer_explorer", "disagreement"])
def test_at_first_everything_is_folded_and_not_built(page: str) -> None:
    app = open_folded(page, minus="2", texture="smooth")
    assert not {SCORE, DRAWING, MODULES, SIDES} & built(app)
    assert not app.code
    assert not app.file_uploader
    assert not [button for button in app.button if button.label in ("Reset", "Random")]


@pytest.mark.parametrize(
    ("page", "offered"),
    [
        ("layer_explorer", {SCORE, DRAWING, MODULES}),
        ("how_it_works", {SCORE, DRAWING, MODULES}),
        ("class_browser", {SCORE, DRAWING, MODULES}),
        ("layer_ladder", {DRAWING, MODULES}),
        ("sanity_checks", {DRAWING, MODULES}),
        ("training_time", {SCORE, DRAWING}),
        ("disagreement", {SCORE}),
        ("scan", {SCORE}),
        ("seed_gallery", set()),
        ("guesses", set()),
        ("lesson", set()),
    ],
)
def test_the_settings_of_the_line_are_those_that_the_page_uses(page: str, offered: set[str]) -> None:
    app = open_page(page)
    assert {SCORE, DRAWING, MODULES} & built(app) == offered
    assert [button.label for button in app.button if button.label in ("Reset", "Random")] == ["Random", "Reset"]


@pytest.mark.parametrize(
    ("page", "offered"),
    [
        ("layer_explorer", {"target", "layer"}),
        ("scan", {"target", "layer"}),
        ("seed_gallery", {"layer"}),
        ("guesses", {"layer"}),
        ("lesson", set()),
    ],
)
def test_the_line_has_a_class_and_a_layer_where_the_page_explains_them(page: str, offered: set[str]) -> None:
    assert {"target", "layer"} & built(open_folded(page)) == offered


def test_another_layer_of_the_line_does_what_a_step_to_it_does() -> None:
    app = open_folded("disagreement")
    assert app.selectbox(key="layer").value is None
    assert app.selectbox(key="layer").proto.placeholder == "each side's own"
    app.selectbox(key="layer").select("pool1").run()
    assert query(app)["b"] == "package;layers=pool1"
    assert "Puts both sides on this one layer" in app.toast[0].value
    assert app.selectbox(key="layer").value == "pool1"


def test_a_training_has_the_layers_and_classes_of_its_own_network_in_the_line() -> None:
    app = open_folded("training_time", model="resnet20", epoch="0")
    assert "conv2 · 10 × 10" in app.selectbox(key="layer").options
    assert app.selectbox(key="target").options[0] == "plane · 10.2 % · predicted at the end"
    assert "frog · 11.0 %" in app.selectbox(key="target").options


@pytest.mark.parametrize(
    ("address", "unfolded"),
    [({"a": "manual;relu=false"}, True), ({"b": "package;layers=conv1"}, True), ({"a": "manual", "b": "package"}, False)],
)
def test_sides_that_the_address_sets_up_are_unfolded(address: dict[str, str], unfolded: bool) -> None:
    assert (SIDES in built(open_folded("disagreement", **address))) is unfolded


def test_what_is_explained_besides_a_logit_is_said_in_the_line() -> None:
    app = open_folded("layer_explorer", img="3", minus="2", score="probability", evidence="against")
    assert "rather than bird · evidence against · probability" in [caption.value for caption in app.caption]


def test_pictures_and_networks_are_offered_once_the_menu_is_open() -> None:
    app = open_folded("layer_explorer")
    app.session_state[MENU] = True
    app.run()
    assert [field.label for field in app.file_uploader] == ["A picture of your own"]
    assert "A network of your own" in [folded.label for folded in app.expander]


def test_downloads_are_there_while_the_python_is_folded() -> None:
    app = open_folded("layer_explorer")
    own = ["Picture (PNG)", "Maps (.npz)", "Settings (JSON)"]
    assert [button.label for button in app.download_button] == ["Everything (ZIP)", "Slide (PNG)", "Slide (SVG)", *own]
