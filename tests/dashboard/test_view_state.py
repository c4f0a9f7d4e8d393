"""The view and its address."""

import pytest

import explain_lib as xl
from dashboard.view_state import View, chosen_layer, fit_model, fit_view, read_query

EVERYTHING = View(
    image=17,
    model="tutorial",
    layer="relu1",
    target=6,
    modules="all",
    drawing="fair",
    true_class=None,
    predicted_class=9,
    outcome="wrong",
    part=2,
    setup="shared",
    texture="smooth",
)
ADDRESS = {
    "img": "17",
    "model": "tutorial",
    "layer": "relu1",
    "target": "6",
    "modules": "all",
    "drawing": "fair",
    "class": "any",
    "predicted": "9",
    "outcome": "wrong",
    "part": "2",
    "setup": "shared",
    "texture": "smooth",
}


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return xl.load_model("captum-tutorial")


def test_every_field_is_in_the_address() -> None:
    assert EVERYTHING.to_query() == ADDRESS


def test_an_address_gives_its_view_back() -> None:
    assert read_query(ADDRESS) == (EVERYTHING, ())


def test_the_default_view_names_only_image_and_model() -> None:
    assert View().to_query() == {"img": "3", "model": "captum-tutorial"}


def test_an_empty_address_is_the_default_view() -> None:
    assert read_query({}) == (View(), ())


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("img", "-1"),
        ("img", "frog"),
        ("target", "1.5"),
        ("modules", "none"),
        ("drawing", ""),
        ("class", "frog"),
        ("outcome", "Right"),
        ("part", "x"),
        ("setup", "both"),
        ("texture", "blur"),
        ("colour", "red"),
    ],
)
def test_nonsense_is_ignored_and_named(key: str, text: str) -> None:
    view, (sentence,) = read_query({"layer": "conv1", key: text})
    assert view == View(layer="conv1")
    assert sentence.startswith(f"{key}={text}: ")


def test_what_the_model_lacks_is_replaced_and_named(model: xl.Model) -> None:
    view, notes = fit_view(View(image=10_000, layer="conv9", target=10, true_class=11, predicted_class=12), model, 10_000)
    assert view == View()
    assert [note.split(":")[0] for note in notes] == ["img=10000", "target=10", "class=11", "predicted=12", "layer=conv9"]


def test_what_the_model_has_stays(model: xl.Model) -> None:
    view = View(image=9_999, layer="pool1", target=9)
    assert fit_view(view, model, 10_000) == (view, ())


def test_an_unknown_model_becomes_the_default_without_its_layer() -> None:
    view, (note,) = fit_model(View(model="vgg", layer="conv1", image=8))
    assert view == View(image=8)
    assert note.startswith("model=vgg: there are captum-tutorial, tutorial")


def test_no_layer_means_the_last_conv_layer(model: xl.Model) -> None:
    assert chosen_layer(View(), model) == "conv2"
    assert chosen_layer(View(layer="relu1"), model) == "relu1"
