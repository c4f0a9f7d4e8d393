"""Steps to the layer before and after, on every page."""

import pytest
from opened_page import alts, captions, open_page, press, query, texts

ORDER = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")
"""The tutorial network's layers with a grid, in the order of its forward pass (Captum's tutorial)."""


@pytest.mark.parametrize("page", ["class_browser", "layer_explorer", "layer_ladder", "sanity_checks"])
def test_conv_layers_are_stepped_through_and_the_ends_are_ends(page: str) -> None:
    app = open_page(page, img="17", class_="any")
    (after,) = [button for button in app.button if button.label == "Layer after"]
    assert after.disabled  # the last conv layer is where every page begins
    press(app, "Layer before")
    assert query(app)["layer"] == "conv1"
    (before,) = [button for button in app.button if button.label == "Layer before"]
    assert before.disabled
    press(app, "Layer after")
    assert query(app)["layer"] == "conv2"


def test_all_layers_with_a_grid_are_stepped_through_where_they_are_on_offer() -> None:
    app = open_page("layer_explorer", modules="all", layer="conv1")
    seen = ["conv1"]
    for _ in ORDER[1:]:
        press(app, "Layer after")
        seen.append(query(app)["layer"])
    assert tuple(seen) == ORDER
    assert "layer pool2, 5 × 5" in captions(app)


def test_the_channels_of_another_layer_are_others() -> None:
    app = open_page("layer_explorer", channel="7", without="3,12")
    press(app, "Layer before")
    assert query(app) == {"img": "3", "model": "captum-tutorial", "layer": "conv1"}


@pytest.mark.parametrize("page", ["disagreement", "scan"])
def test_both_sides_of_a_comparison_step_together(page: str) -> None:
    app = open_page(page)
    press(app, "Layer after")  # the sides stand on different layers: from conv2, where the other pages begin
    assert query(app)["b"] == "package;layers=relu2"  # side a is the study's, which stands there
    press(app, "Layer before")
    assert query(app)["a"].startswith("manual;layers=conv2")
    assert query(app)["b"] == "package;layers=conv2"
    assert query(app)["layer"] == "conv2"


def test_what_else_was_set_on_a_side_stays() -> None:
    app = open_page("disagreement", a="manual;layers=pool1;relu=false", b="manual;layers=pool1")
    press(app, "Layer before")
    assert query(app)["a"] == "manual;layers=relu1;relu=false"
    assert query(app)["b"] == "manual;layers=relu1"


def test_the_gallery_turns_to_the_fair_drawing_of_the_next_layer() -> None:
    app = open_page("seed_gallery", drawing="notebook")
    press(app, "Layer before")  # the study's manual map is of relu2
    assert "drawing" not in query(app)
    assert query(app)["layer"] == "conv2"
    assert "manual map of layer conv2" in texts(app)
    press(app, "Layer before")
    assert query(app)["layer"] == "pool1"


def test_a_training_steps_through_the_layers_of_its_network() -> None:
    app = open_page("training_time", model="resnet20", layer="relu1")
    press(app, "Layer after")
    assert "layer pool1, 14 × 14" in captions(app)
    assert query(app)["layer"] == "pool1"
    assert query(app)["model"] == "tutorial"  # resnet20 has no pool1: the layer would be lost on the way


def test_the_guesses_show_the_chosen_layer_beside_the_one_that_is_judged() -> None:
    app = open_page("guesses", img="4")
    assert not any(alt.startswith("Map of pool1 on") for alt in alts(app))
    press(app, "Layer before")
    press(app, "Layer before")
    assert query(app)["layer"] == "pool1"
    for layer in ("pool1", "relu2"):
        assert any(alt.startswith(f"Map of {layer} on test image 4") for alt in alts(app))


def test_a_deeper_network_is_stepped_through_in_forward_order() -> None:
    app = open_page("layer_explorer", model="resnet20", layer="conv1")
    press(app, "Layer after")
    press(app, "Layer after")
    assert query(app)["layer"] == "layer1.0.conv2"
