"""What stands above every page: the image and steps through the images, the model, and the way back to the start."""

from itertools import pairwise

import numpy as np
import pytest
from independent_maps import labels, probabilities
from opened_page import START, component_data, image_number, open_page, press, query, send_steps
from staged import thumbnails

ACCURACY = {
    name: f"{(probabilities(name).argmax(1) == labels()).mean() * 100:.1f} %"
    for name in ("captum-tutorial", "tutorial", "resnet20", "vit-tiny", "watermark")
}


@pytest.mark.parametrize("page", [None, "disagreement"])
def test_a_page_has_steps_through_the_images_the_models_and_the_way_back_to_the_start(page: str | None) -> None:
    app = open_page(page, img="17", class_="any", target="2", a="manual;relu=false", drawing="fair", low="5")
    press(app, "Next")
    assert query(app)["img"] == "18"
    assert image_number(app) == 18
    press(app, "Previous")
    assert query(app)["img"] == "17"
    assert query(press(app, "Random"))["img"] not in ("17", START["img"])
    assert app.selectbox(key="model").options == [
        f"captum-tutorial · {ACCURACY['captum-tutorial']} · 2 conv layers · 62 k weights",
        f"tutorial · {ACCURACY['tutorial']} · 2 conv layers · 62 k weights",
        f"resnet20 · {ACCURACY['resnet20']} · 19 conv layers · 270 k weights",
        f"vit-tiny · {ACCURACY['vit-tiny']} · 3 conv layers · 482 k weights",
        f"watermark · {ACCURACY['watermark']} · 2 conv layers · 62 k weights",
    ]
    app.selectbox(key="model").select("tutorial").run()
    assert query(app)["model"] == "tutorial"
    press(app, "Reset")
    assert query(app) == START
    assert image_number(app) == 3
    assert app.selectbox(key="model").value == "captum-tutorial"


@pytest.mark.parametrize(("image", "beyond", "other", "there"), [(9999, 10_000, "Previous", "9998"), (0, -1, "Next", "1")])
def test_the_steps_stop_at_the_ends(image: int, beyond: int, other: str, there: str) -> None:
    app = open_page("layer_explorer", img=str(image))
    assert query(send_steps(app, place=beyond))["img"] == str(image)
    assert query(press(app, other))["img"] == there


def test_a_number_opens_its_image_or_the_nearest_there_is_and_says_so() -> None:
    app = open_page("layer_explorer")
    for number, opened, said in (
        (42, "42", []),
        (123_456, "9999", ["There is no image 123,456; images are numbered 0 to 9,999."]),
        (-5, "0", ["There is no image -5; images are numbered 0 to 9,999."]),
    ):
        send_steps(app, typed=number)
        assert [toast.value for toast in app.toast] == said
        assert query(app)["img"] == opened
        assert image_number(app) == int(opened)


@pytest.mark.parametrize(("model", "layer"), [("tutorial", "pool1"), ("resnet20", None)])
def test_the_layer_stays_when_the_other_model_has_it(model: str, layer: str | None) -> None:
    app = open_page("layer_explorer", layer="pool1")
    app.selectbox(key="model").select(model).run()
    assert query(app).get("layer") == layer


# Section: in the class browser the steps stay within the selection


def selected_cats() -> list[int]:
    """Images of cats that the network calls frogs with at least 60 %, the surest first."""
    shares = probabilities("captum-tutorial")
    sure = shares.max(1)
    chosen = np.flatnonzero((labels() == 3) & (shares.argmax(1) == 6) & (sure >= 0.6))
    return [int(image) for image in chosen[np.argsort(-sure[chosen], kind="stable")]]


CATS = {"class_": "3", "predicted": "6", "low": "60", "order": "most-confident"}


def test_next_and_previous_follow_the_order_of_the_selection_and_enter_it_at_its_ends() -> None:
    cats = selected_cats()
    for image, name, opened in (
        (cats[4], "Next", cats[5]),
        (cats[4], "Previous", cats[3]),
        (0, "Next", cats[0]),
        (0, "Previous", cats[-1]),
    ):
        assert query(press(open_page("class_browser", img=str(image), **CATS), name))["img"] == str(opened)


def test_random_stays_within_the_selection_and_never_repeats_the_image() -> None:
    cats = selected_cats()
    app = open_page("class_browser", img=str(cats[0]), **CATS)
    assert thumbnails(app)["images"] == cats
    seen = [cats[0]]
    for _ in range(8):
        seen.append(int(query(press(app, "Random"))["img"]))
    assert set(seen) <= set(cats)
    assert all(one != other for one, other in pairwise(seen))


def test_without_any_image_there_is_no_step() -> None:
    app = open_page("class_browser", class_="6", predicted="6", outcome="wrong")
    assert component_data(app, "steps")["count"] == 0
    assert [button.disabled for button in app.button if button.label == "Random"] == [True]
    send_steps(app, place=0)
    assert image_number(app) == int(START["img"])
