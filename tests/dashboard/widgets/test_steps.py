"""Steps through images and layers, on every page: where each one leads, and what a browser may send."""

from typing import cast

import pytest
from opened_page import alts, captions, component_data, open_page, press, query, send_steps, texts
from staged import thumbnails

ORDER = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")
"""The tutorial network's layers with a grid, in the order of its forward pass (Captum's tutorial)."""


@pytest.mark.parametrize("page", ["class_browser", "layer_explorer", "layer_ladder", "sanity_checks"])
def test_conv_layers_are_stepped_through_and_the_ends_are_ends(page: str) -> None:
    app = open_page(page, img="17", class_="any")
    press(app, "Layer after")  # the last conv layer is where every page begins
    assert query(app).get("layer", "conv2") == "conv2"
    press(app, "Layer before")
    assert query(app)["layer"] == "conv1"
    press(app, "Layer before")
    assert query(app)["layer"] == "conv1"
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
    assert any(alt.startswith("Overlay: Grad-CAM of layer pool1") for alt in alts(app))
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


# Section: what the browser sends


def test_an_image_and_a_layer_that_were_reached_together_are_one_change() -> None:
    app = open_page("layer_explorer", img="17")
    send_steps(app, place=27, image=27, layer="conv1")
    assert query(app) == {"img": "27", "model": "captum-tutorial", "layer": "conv1"}
    assert component_data(app, "steps")["answered"] == component_data(app, "drawn")["answered"] == 1


def test_a_number_that_is_not_among_those_shown_leaves_the_place_to_decide() -> None:
    app = open_page("class_browser", img="8", class_="6")
    frogs = thumbnails(app)["images"]
    assert query(send_steps(app, place=70, image=frogs[70]))["img"] == str(frogs[70])
    assert query(send_steps(app, place=700))["img"] == str(frogs[700])  # beyond the numbers that the browser was told
    assert query(send_steps(app, place=5000))["img"] == str(frogs[-1])


@pytest.mark.parametrize(
    "target",
    [{}, {"place": "3"}, {"typed": 1.5}, {"layer": ["conv1"]}, {"layer": "conv9"}, {"place": None, "image": True}],
    ids=str,
)
def test_what_is_no_target_changes_nothing(target: dict[str, object]) -> None:
    app = open_page("layer_explorer", img="17")
    assert query(send_steps(app, **target))["img"] == "17"
    assert not app.error
    assert not app.warning


def test_a_selection_of_ten_thousand_sends_the_numbers_nearby() -> None:
    data = component_data(open_page("class_browser", img="17", class_="any", order="least-confident"), "steps")
    ((start, numbers),) = cast("list[tuple[int, list[int]]]", data["numbers"])
    assert (data["count"], len(numbers)) == (10_000, 101)
    assert numbers[cast(int, data["place"]) - start] == 17
