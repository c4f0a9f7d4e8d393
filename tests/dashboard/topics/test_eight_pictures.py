"""The study's eight pictures, live: drawn fairly, and as the notebook drew them."""

from typing import Any

import cv2
import matplotlib
import numpy as np
import pytest
from independent_maps import (
    STUDY_LAYERS,
    assert_same_colours,
    captum_map,
    drawn,
    enlarged,
    package_map,
    pixels,
    predicted,
    study_manual_map,
)
from opened_page import START, OpenedPage, act, captions, open_page, picture, press, query, texts
from staged import panels, stages
from streamlit.testing.v1 import AppTest


@pytest.fixture(scope="module")
def gallery() -> OpenedPage:
    return open_eight(drawing="notebook")


@pytest.fixture(scope="module")
def fair() -> OpenedPage:
    return open_eight()


def open_eight(**query: str) -> OpenedPage:
    return open_page("seed_gallery", **query)


def cards(app: AppTest) -> list[dict[str, Any]]:
    """The cards as they were sent."""
    return [row for stage in stages(app) for row in stage.head["rows"]]


def rows(app: AppTest) -> list[str]:
    return [card["title"] for card in cards(app)]


def differences(app: AppTest) -> list[float]:
    words = [card["caption"] for card in cards(app)]
    assert all(caption.startswith("Mean absolute difference") for caption in words)
    return [float(caption.split(": ")[1]) for caption in words]


WHY, ITS_CLASS = "See why they differ", "See its class"


def follow(row: int, words: str, **address: str) -> AppTest:
    """The page that a link of a card opens."""
    app = open_eight(**address)
    place, key = (row, "stage") if row < 2 else (row - 2, "stage-rest")
    return act(app, key, row=place, link=cards(app)[row]["links"].index(words))


# Section: what the rows say


def test_the_gallery_has_the_studys_eight_rows_in_its_order(gallery: OpenedPage) -> None:
    assert [row.split(" · true")[0] for row in rows(gallery)] == [
        "plane · image 3",
        "ship1 · image 1",
        "ship2 · image 2",
        "cat · image 0",
        "car · image 6",
        "frog1 · image 4",
        "frog2 · image 5",
        "frog3 · image 7",
    ]


def test_the_gallery_says_what_this_network_predicts_and_that_its_weights_are_not_the_studys(gallery: OpenedPage) -> None:
    assert "true plane · predicted ship" in rows(gallery)[0]
    assert "never published its weights" in captions(gallery)


def test_each_difference_is_that_of_the_studys_steps_and_the_package(gallery: OpenedPage) -> None:
    expected = [
        np.abs(package_map(image, STUDY_LAYERS, predicted(image)) - study_manual_map(image)).mean()
        for image in (3, 1, 2, 0, 6, 4, 5, 7)
    ]
    assert differences(gallery) == pytest.approx(expected, abs=6e-5)
    assert differences(gallery)[:4] == pytest.approx([0.128, 0.105, 0.180, 0.105], abs=6e-4)  # measured beforehand


def test_drawn_fairly_only_the_packages_second_scaling_is_left(fair: OpenedPage) -> None:
    once = enlarged(captum_map(image=1, layer="relu2"))
    again = (once - once.min()) / (once.max() - once.min())
    assert differences(fair)[1] == pytest.approx(np.abs(again - once).mean(), abs=6e-5)


def test_an_image_beside_the_eight_gets_the_first_row() -> None:
    app = open_eight(img="9001", drawing="notebook")
    assert rows(app)[0].startswith("picked · image 9001 ·")
    assert len(rows(app)) == 9
    expected = np.abs(package_map(9001, STUDY_LAYERS, predicted(9001)) - study_manual_map(9001)).mean()
    assert differences(app)[0] == pytest.approx(expected, abs=6e-5)


def test_another_drawing_is_in_the_address() -> None:
    app = press(open_eight(), "As the notebook drew them")
    assert query(app) == START | {"drawing": "notebook"}
    assert "drawn as 0.4 × jet" in texts(app)
    press(app, "Drawn fairly")
    assert query(app) == START
    assert "Magma, up to 70 % opaque where the map is high" in texts(app)


# Section: pictures


def test_the_originals_have_the_pixels_of_the_data_set(gallery: OpenedPage) -> None:
    shown = picture(gallery, "frog2: Test image 5, true class frog")
    small = cv2.resize(shown, (32, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    np.testing.assert_array_equal(small, pixels()[5])
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == len(np.unique(pixels()[5].reshape(-1, 3), axis=0))


def test_the_notebooks_package_picture_mixes_jet_with_red_and_blue_swapped(gallery: OpenedPage) -> None:
    values = package_map(6, STUDY_LAYERS, predicted(6))
    jet = cv2.applyColorMap(np.uint8(255 * values), cv2.COLORMAP_JET)[..., ::-1] / 255
    mixed = 0.5 * jet + 0.5 * pixels()[6][..., ::-1] / 255
    shown = cv2.resize(picture(gallery, "car: the package's map"), (32, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    assert_same_colours(shown, (mixed / mixed.max() * 255).astype(np.uint8))


def test_the_notebooks_manual_picture_adds_jet_in_0_to_255_to_a_picture_in_0_to_1(gallery: OpenedPage) -> None:
    jet = cv2.applyColorMap(np.uint8(255 * study_manual_map(6)), cv2.COLORMAP_JET)
    shown = cv2.resize(picture(gallery, "car: the manual map over"), (32, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    expected = (np.clip(0.4 * jet + pixels()[6][..., ::-1] / 255, 0, 1) * 255).astype(np.uint8)
    assert (np.abs(shown.astype(int) - expected).max(-1) > 4).mean() < 0.01  # a step of the palette can tip a channel over 1


def test_the_fair_pictures_have_the_maps_of_both_programs_from_0_to_1(fair: OpenedPage) -> None:
    once, sent = enlarged(captum_map(image=5, layer="relu2")), panels(fair)
    np.testing.assert_allclose(sent["frog2-GradCAM1"].values, once, atol=1e-5)
    np.testing.assert_allclose(sent["frog2-GradCAM2"].values, package_map(5, ("relu2",), predicted(5)), atol=1e-5)
    cells = captum_map(image=5, layer="relu2")
    np.testing.assert_allclose(sent["frog2-Heatmap"].values, cells / cells.max(), atol=1e-5)
    for title in ("GradCAM1", "GradCAM2"):
        np.testing.assert_array_equal(sent[f"frog2-{title}"].picture, pixels()[5])
    assert {sent[f"frog2-{title}"].head["top"] for title in ("Heatmap", "GradCAM1", "GradCAM2")} == {1.0}
    assert len({panel.head["place"] for name, panel in sent.items() if name.startswith("frog2-")}) == 1
    shown = picture(open_eight(**EVENLY), "frog2: the manual map over")
    assert_same_colours(shown, drawn(pixels()[5], once, side=len(shown), reach=1.0))


EVENLY = {"opacity": "even", "contour": "off", "strength": "50"}


def test_the_heatmap_of_the_notebook_is_viridis_from_minimum_to_maximum(gallery: OpenedPage) -> None:
    cells = captum_map(image=5, layer="relu2")
    steps = (cells - cells.min()) / (cells.max() - cells.min())
    colours = np.rint(matplotlib.colormaps["viridis"](steps)[..., :3] * 255).astype(np.uint8)
    shown = cv2.resize(picture(gallery, "frog2: the manual map on its own"), (10, 10), interpolation=cv2.INTER_NEAREST_EXACT)
    assert_same_colours(shown, colours)


# Section: models


def test_the_gallery_names_the_weights_that_it_shows() -> None:
    app = open_eight(model="tutorial")
    assert "the weights of tutorial (Tutorial network, trained longer)" in captions(app)
    app.selectbox(key="model").select("captum-tutorial").run()
    assert "the weights of captum-tutorial (Captum's tutorial network)" in captions(app)


def test_a_model_without_the_studys_layers_is_drawn_fairly_whatever_the_address_says() -> None:
    app = open_eight(model="resnet20", drawing="notebook", **EVENLY)
    assert not app.warning
    assert rows(app) == rows(open_eight(model="resnet20"))
    once = enlarged(captum_map(image=5, layer="layer3.2.conv2", name="resnet20"))
    np.testing.assert_allclose(panels(app)["frog2-GradCAM1"].values, once, atol=1e-4)
    shown = picture(app, "frog2: the manual map over")
    assert_same_colours(shown, drawn(pixels()[5], once, side=len(shown), reach=1.0))


def test_the_notebooks_drawing_brings_the_studys_network_along() -> None:
    app = press(open_eight(model="resnet20", layer="layer3.2.conv2"), "As the notebook drew them, on captum-tutorial")
    assert query(app) == {"model": "captum-tutorial", "drawing": "notebook", "img": "3"}
    assert "true plane · predicted ship 55.3 %" in rows(app)[0]
    assert differences(app)[0] == pytest.approx(0.128, abs=6e-4)


def test_drawn_fairly_a_model_without_the_studys_layers_shows_its_own_last_conv_layer() -> None:
    app = open_eight(model="resnet20")
    assert not app.warning
    assert "true plane · predicted plane 66.1 %" in rows(app)[0]
    assert any("the manual map of layer layer3.2.conv2 on its own grid" in text.value for text in app.markdown)


# Section: what a click opens


def test_a_click_on_any_picture_of_a_card_opens_it_in_the_layer_explorer(gallery: OpenedPage) -> None:
    assert {panel.head["action"] for panel in panels(gallery).values()} == {"opens it in the layer explorer"}
    app = act(open_eight(), "stage-rest", panel="frog2-GradCAM1")
    assert app.title[0].value == "Layer explorer"
    assert query(app) == START | {"img": "5", "class": "6", "a": "manual", "b": "package", "layer": "relu2"}


def test_a_card_opens_its_image_in_the_browser_at_its_class() -> None:
    app = follow(6, ITS_CLASS, drawing="notebook")  # frog2
    assert app.title[0].value == "Class browser"
    assert query(app) == {"img": "5", "model": "captum-tutorial", "class": "6", "drawing": "notebook"}


def test_a_card_opens_the_comparison_that_it_shows(gallery: OpenedPage, fair: OpenedPage) -> None:
    for app, drawing in ((gallery, "notebook"), (fair, "fair")):
        compared = follow(1, WHY, drawing=drawing)
        assert compared.title[0].value == "Disagreement"
        assert float(compared.metric[0].value) == pytest.approx(differences(app)[1], abs=1e-4)


def test_the_opened_comparison_replaces_the_sides_of_the_address() -> None:
    app = follow(0, WHY, a="manual;relu=false", b="manual;layers=conv1")
    assert (query(app)["a"], query(app)["b"], query(app)["layer"]) == ("manual", "package", "relu2")


def test_a_link_of_a_card_that_is_no_longer_there_is_nothing() -> None:
    app = act(open_eight(img="5"), "stage", row=5, link=0)
    assert not app.exception
    assert query(app) == {"img": "5"}
    assert app.title[0].value == "Eight pictures"
