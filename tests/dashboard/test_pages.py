"""Every page through Streamlit's own test runner: addresses, choices, empty and wrong ones."""

import copy
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

import explain_lib as xl

APP = Path(__file__).parents[2] / "dashboard" / "app.py"
SECONDS = 60


def open_page(page: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=SECONDS)
    if page is not None:
        app.run()
    for key, text in query.items():
        app.query_params[key] = text
    if page is not None:
        app.switch_page(f"app_pages/{page}.py")
    app.run()
    assert not app.exception
    return app


def captions(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption)


def unescaped(markdown: str) -> str:
    return re.sub(r"\\(\W)", r"\1", markdown)


def metrics(app: AppTest) -> list[float]:
    return [float(metric.value) for metric in app.metric]


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def query(app: AppTest) -> dict[str, str]:
    return {key: value[0] if isinstance(value, list) else value for key, value in app.query_params.items()}


# Section: seed gallery


def rows(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown if " · image " in text.value]


def differences(app: AppTest) -> list[float]:
    marks = [text.value for text in app.markdown if text.value.startswith("Mean absolute difference")]
    return [float(mark.split("**")[1]) for mark in marks]


def test_the_gallery_has_the_studys_eight_rows_in_its_order() -> None:
    starts = [row.split(" · true")[0] for row in rows(open_page())]
    assert starts == [
        "**plane** · image 3",
        "**ship1** · image 1",
        "**ship2** · image 2",
        "**cat** · image 0",
        "**car** · image 6",
        "**frog1** · image 4",
        "**frog2** · image 5",
        "**frog3** · image 7",
    ]


def test_the_gallery_says_what_this_network_predicts_and_that_its_weights_are_not_the_studys() -> None:
    app = open_page()
    assert "true plane · predicted ship" in rows(app)[0]
    assert "never published its weights" in app.info[0].value


def test_the_gallery_shows_the_differences_measured_for_the_notebooks_maps() -> None:
    plane, ship1, ship2, cat = differences(open_page())[:4]
    assert [plane, ship1, ship2, cat] == pytest.approx([0.128, 0.105, 0.180, 0.105], abs=6e-4)


def test_drawn_fairly_only_the_packages_second_scaling_is_left() -> None:
    once = captum_map(image=1, layer="relu2")
    again = (once - once.min()) / (once.max() - once.min())
    assert differences(open_page(drawing="fair"))[1] == pytest.approx(np.abs(again - once).mean(), abs=6e-5)


def test_the_gallery_names_the_weights_that_it_shows() -> None:
    app = open_page(model="tutorial")
    assert "the weights of tutorial (Tutorial network, trained longer; trained with explain_lib" in app.info[0].value
    app.selectbox(key="model").select("captum-tutorial").run()
    assert "the weights of captum-tutorial (Captum's tutorial network; captum 0.5.0" in app.info[0].value


def test_the_gallery_of_a_model_without_the_studys_layers_shows_the_default_model_and_says_so() -> None:
    app = open_page(model="resnet20")
    assert "that resnet20 does not have. What follows is captum-tutorial." in app.warning[0].value
    assert "true plane · predicted ship 55.3 %" in rows(app)[0]
    assert differences(app)[0] == pytest.approx(0.128, abs=6e-4)


# Section: class browser


def test_a_class_has_a_thousand_images() -> None:
    app = open_page("class_browser", **{"class": "6"})
    # 69.1 % is the accuracy on frogs, counted from the network's own predictions by another program
    assert any("**1,000** images · **691** predicted right (69.1 %) · **309** wrong" in text.value for text in app.markdown)


def test_the_filters_of_the_browser_are_kept_in_the_address() -> None:
    app = open_page("class_browser")
    app.selectbox(key="true_class").select(6).run()
    app.selectbox(key="predicted_class").select(3).run()
    assert query(app) == {"img": "3", "model": "captum-tutorial", "class": "6", "predicted": "3"}


def test_a_selection_without_images_says_so_and_offers_a_way_back() -> None:
    app = open_page("class_browser", **{"class": "6", "predicted": "6", "outcome": "wrong"})
    assert "No test image meets all of these conditions" in app.info[0].value
    press(app, "Any prediction, any predicted class")
    assert not app.info
    assert query(app)["class"] == "6"


def test_next_in_the_browser_is_the_next_of_the_images_shown() -> None:
    app = open_page("class_browser", **{"class": "6", "img": "5"})
    app.button(key="Next image").click().run()
    assert query(app)["img"] == "7"  # image 6 is a car


def test_an_image_that_is_not_shown_says_so() -> None:
    assert "This image is not among those shown." in captions(open_page("class_browser", **{"class": "6", "img": "6"}))


def test_all_ten_thousand_images_come_in_parts_of_a_thousand() -> None:
    app = open_page("class_browser", **{"class": "any", "part": "10"})
    assert "Images 9,001 to 10,000 of 10,000" in captions(app)


def test_a_part_that_does_not_exist_is_said() -> None:
    app = open_page("class_browser", **{"class": "any", "part": "99"})
    assert "There is no part 99 of this selection; this is the last one." in captions(app)
    assert "Images 9,001 to 10,000 of 10,000" in captions(app)


def test_an_image_of_another_part_is_a_click_away() -> None:
    app = open_page("class_browser", **{"class": "any", "img": "9001"})
    press(app, "Show part 10, where this image is")
    assert "Images 9,001 to 10,000 of 10,000" in captions(app)


# Section: layer explorer


def test_the_explorer_opens_with_the_last_conv_layer_and_the_predicted_class() -> None:
    app = open_page("layer_explorer")
    assert "explained: ship (the predicted class), logit · layer conv2, 10 × 10" in captions(app)


def test_the_explorer_follows_its_address() -> None:
    app = open_page("layer_explorer", img="5", layer="relu1", target="2")
    assert "image 5 · true frog" in captions(app)
    assert "explained: bird, logit · layer relu1, 28 × 28" in captions(app)


def test_another_layer_is_a_click_away() -> None:
    app = press(open_page("layer_explorer"), "conv1")
    assert "layer conv1, 28 × 28" in captions(app)
    assert query(app)["layer"] == "conv1"


def test_another_target_is_explained() -> None:
    app = open_page("layer_explorer")
    app.selectbox(key="target").select(6).run()
    assert "explained: frog, logit" in captions(app)
    assert query(app)["target"] == "6"


def test_next_and_previous_move_by_one_image_and_stop_at_the_ends() -> None:
    app = open_page("layer_explorer", img="9999")
    assert app.button(key="Next image").disabled
    app.button(key="Previous image").click().run()
    assert query(app)["img"] == "9998"
    assert app.number_input(key="image").value == 9998


def test_the_layer_stays_when_the_other_model_has_it() -> None:
    app = open_page("layer_explorer", layer="conv1")
    app.selectbox(key="model").select("tutorial").run()
    assert query(app) == {"img": "3", "model": "tutorial", "layer": "conv1"}


def test_an_emptied_number_keeps_the_image() -> None:
    app = open_page("layer_explorer", img="5")
    app.number_input(key="image").set_value(None).run()
    assert app.number_input(key="image").value == 5


def test_a_map_without_evidence_is_said_and_not_painted() -> None:
    app = open_page("layer_explorer", img="49", target="2", layer="relu1", modules="all")
    assert any("in this layer the weighted sum is nowhere above zero" in text.value for text in app.markdown)


def test_every_layer_with_a_grid_is_on_offer_on_request() -> None:
    app = open_page("layer_explorer", modules="all")
    labels = {button.label for button in app.button}
    assert {"conv1", "relu1", "pool1", "conv2", "relu2", "pool2"} <= labels


# Section: disagreement


def test_the_notebooks_maps_differ_as_measured() -> None:
    mae, largest, _ = metrics(open_page("disagreement", img="2"))
    assert mae == pytest.approx(0.180, abs=6e-4)
    assert largest == pytest.approx(0.87, abs=6e-3)


def test_on_one_shared_layer_only_the_packages_second_scaling_is_left() -> None:
    mae, largest, pearson = metrics(open_page("disagreement", img="1", setup="shared", layer="relu2"))
    once = captum_map(image=1, layer="relu2")
    again = (once - once.min()) / (once.max() - once.min())
    assert mae == pytest.approx(np.abs(again - once).mean(), abs=6e-5)
    assert largest == pytest.approx(np.abs(again - once).max(), abs=6e-5)
    assert pearson == pytest.approx(1, abs=6e-5)


def captum_map(image: int, layer: str) -> NDArray[np.float32]:
    """Captum's Grad-CAM of the predicted class, divided by its maximum and enlarged by OpenCV."""
    model, pixels = xl.load_model("captum-tutorial"), xl.load_cifar10().pixels[image]
    network = copy.deepcopy(model.network)
    batch = (torch.tensor(pixels).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5
    explain = LayerGradCam(network, network.get_submodule(layer))
    cells = explain.attribute(batch, target=int(network(batch).argmax()))[0, 0].relu().detach().numpy()
    return cv2.resize(cells / cells.max(), (32, 32))


def test_a_model_without_the_studys_layers_is_compared_on_a_shared_layer() -> None:
    app = open_page("disagreement", model="resnet20")
    assert "that resnet20 does not have" in app.info[0].value
    press(app, "Compare on one shared layer")
    assert "Layer layer3.2.conv2, sum over channels" in captions(app)
    assert len(metrics(app)) == 3


def test_the_batch_is_named_where_the_map_depends_on_it() -> None:
    assert "the notebook's batch (images 16 to 19)" in captions(open_page("disagreement", img="18"))


def test_the_pages_keep_the_image_when_one_follows_the_other() -> None:
    app = open_page("layer_explorer", img="18")
    app.query_params.clear()
    app.switch_page("app_pages/disagreement.py").run()
    assert app.number_input(key="image").value == 18


# Section: addresses of nonsense


@pytest.mark.parametrize("page", [None, "class_browser", "layer_explorer", "disagreement"])
def test_nonsense_in_the_address_opens_the_default_and_is_named(page: str | None) -> None:
    app = open_page(page, img="99999", model="vgg", setup="x")
    sentence = unescaped(app.warning[0].value)
    assert "setup=x: notebook or shared would be right." in sentence
    assert "model=vgg: there are captum-tutorial" in sentence
    assert "img=99999: the images are 0 to 9,999." in sentence


def test_an_address_is_shown_as_text_and_not_as_markdown() -> None:
    app = open_page("layer_explorer", foo="**b** [x](http://example.org) $x$")
    assert app.warning[0].value.endswith(r"foo=\*\*b\*\* \[x\](http\://example.org) \$x\$: there is no such setting.")


def test_an_error_is_a_sentence_with_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: xl.ExplainCache) -> xl.ImageSet:
        raise xl.DataError("the mosaic of the test images is damaged; restore it from the repository")

    monkeypatch.setattr(xl.ExplainCache, "images", damaged)
    app = open_page("layer_explorer")
    assert "the mosaic of the test images is damaged; restore it from the repository" in app.error[0].value
    monkeypatch.undo()
    press(app, "Back to the default view")
    assert not app.error
