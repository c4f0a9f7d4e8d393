"""The study's eight pictures, live: drawn fairly, and as the notebook drew them."""

from urllib.parse import parse_qsl

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
from opened_page import START, OpenedPage, captions, open_page, picture, press, query, texts
from streamlit.testing.v1 import AppTest


@pytest.fixture(scope="module")
def gallery() -> OpenedPage:
    return open_eight(drawing="notebook")


@pytest.fixture(scope="module")
def fair() -> OpenedPage:
    return open_eight()


def open_eight(**query: str) -> OpenedPage:
    return open_page("seed_gallery", **query)


def rows(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if " · image " in text.value]


def differences(app: AppTest) -> list[float]:
    marks = [text.value for text in app.markdown if text.value.startswith("Mean absolute difference")]
    return [float(mark.split("**")[1]) for mark in marks]


def opens(app: AppTest, row: int) -> dict[str, dict[str, str]]:
    """What a row's links open: the address of each page."""
    links = app.page_link[3 * row : 3 * row + 3]
    return {link.label: dict(parse_qsl(link.proto.query_string)) for link in links}


# Section: what the rows say


def test_the_gallery_has_the_studys_eight_rows_in_its_order(gallery: OpenedPage) -> None:
    assert [row.split(" · true")[0] for row in rows(gallery)] == [
        "**plane** · image 3",
        "**ship1** · image 1",
        "**ship2** · image 2",
        "**cat** · image 0",
        "**car** · image 6",
        "**frog1** · image 4",
        "**frog2** · image 5",
        "**frog3** · image 7",
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
    assert rows(app)[0].startswith("**picked** · image 9001 ·")
    assert len(rows(app)) == 9
    expected = np.abs(package_map(9001, STUDY_LAYERS, predicted(9001)) - study_manual_map(9001)).mean()
    assert differences(app)[0] == pytest.approx(expected, abs=6e-5)


def test_another_drawing_is_in_the_address() -> None:
    app = press(open_eight(), "As the notebook drew them")
    assert query(app) == START | {"drawing": "notebook"}
    assert "drawn as 0.4 × jet" in texts(app)
    press(app, "Drawn fairly")
    assert query(app) == START
    assert "drawn as half picture, half map, in magma" in texts(app)


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


def test_the_fair_pictures_are_half_picture_and_half_map(fair: OpenedPage) -> None:
    once = enlarged(captum_map(image=5, layer="relu2"))
    shown = cv2.resize(picture(fair, "frog2: the manual map over"), (32, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    assert_same_colours(shown, drawn(pixels()[5], once, side=32, reach=1.0))


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
    app = open_eight(model="resnet20", drawing="notebook")
    assert not app.warning
    assert rows(app) == rows(open_eight(model="resnet20"))
    shown = cv2.resize(picture(app, "frog2: the manual map over"), (32, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    once = enlarged(captum_map(image=5, layer="layer3.2.conv2", name="resnet20"))
    assert_same_colours(shown, drawn(pixels()[5], once, side=32, reach=1.0))


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


# Section: links


def test_a_row_opens_its_image_on_the_other_pages_and_the_browser_at_its_class(gallery: OpenedPage) -> None:
    links = opens(gallery, row=6)  # frog2
    assert set(links) == {"Class browser", "Layer explorer", "Disagreement"}
    assert links["Class browser"] == {"img": "5", "model": "captum-tutorial", "class": "6", "drawing": "notebook"}


def test_a_row_opens_the_comparison_that_it_shows(gallery: OpenedPage, fair: OpenedPage) -> None:
    for app in (gallery, fair):
        compared = open_page("disagreement", **opens(app, 1)["Disagreement"])
        assert float(compared.metric[0].value) == pytest.approx(differences(app)[1], abs=1e-4)


def test_the_opened_comparison_replaces_the_sides_of_the_address() -> None:
    app = open_eight(a="manual;relu=false", b="manual")
    address = opens(app, 0)["Disagreement"]
    assert (address["a"], address["b"], address["layer"]) == ("manual", "package", "relu2")
