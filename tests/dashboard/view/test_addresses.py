"""Addresses: what they open, what they carry from page to page, and what is said of nonsense in them."""

import time

import pytest
from given_out import GIVEN_OUT
from opened_page import START, captions, image_number, open_page, press, query, send_steps, unescaped

import explain_lib as xl
from dashboard.view.address import ON_THE_WAY

PAGES = (
    *(
        None,
        "seed_gallery",
        "class_browser",
        "layer_explorer",
        "how_it_works",
        "layer_ladder",
        "sanity_checks",
        "training_time",
        "known_truth",
    ),
    "disagreement",
)
EVERYTHING = {key: text for key, (_, text) in GIVEN_OUT.items() if key not in ("region", "slice")}
"""A region is for networks that segment or detect, a slice for those of volumes."""


@pytest.mark.parametrize("page", PAGES)
def test_an_address_in_which_everything_is_chosen_opens_on_every_page_and_stays(page: str | None) -> None:
    app = open_page(page, **EVERYTHING)
    assert [one for one in app.warning if not one.value.startswith("Grad-CAM++ is derived for")] == []
    assert not app.error
    assert image_number(app) == 17
    assert app.selectbox(key="model").value == "tutorial"
    send_steps(app, typed=18)
    assert not app.exception
    stays = {key: text for key, text in EVERYTHING.items() if key not in ("cover", "said")}  # they belong to the image
    assert query(app) == stays | {"img": "18"}


# Section: from page to page


@pytest.mark.parametrize("image", ["0", "9999"])
def test_the_pages_keep_the_whole_view_when_one_follows_the_other(image: str) -> None:
    app = open_page("layer_explorer", img=image, layer="relu1", target="6", minus="2", model="tutorial", b="package")
    for page in ("disagreement", "class_browser", "seed_gallery", "layer_explorer"):
        app.query_params.clear()  # as the navigation opens a page
        app.switch_page(f"app_pages/{page}.py").run()
        assert not app.exception
        assert image_number(app) == int(image)
        assert app.selectbox(key="model").value == "tutorial"
    assert "explained: frog rather than bird, logit · layer relu1" in captions(app)


def test_an_address_beats_what_the_last_page_showed() -> None:
    app = open_page("layer_explorer", img="18", layer="conv1")
    app.query_params.clear()
    app.query_params["img"] = "5"
    app.switch_page("app_pages/disagreement.py").run()
    assert image_number(app) == 5


# Section: nonsense


@pytest.mark.parametrize("page", [None, "layer_explorer"])
def test_nonsense_in_the_address_opens_the_default_and_is_said(page: str | None) -> None:
    app = open_page(page, img="99999", model="vgg", setup="x", minus="12", a="abacus", low="9", high="3")
    sentence = unescaped(app.warning[0].value)
    assert sentence.startswith("Ignored in the address: ")
    assert "setup=x: there is no such setting." in sentence
    assert "model=vgg: there are captum-tutorial, tutorial, resnet20, vit-tiny, watermark." in sentence
    assert "img=99999: the images are 0 to 9,999." in sentence
    assert "minus=12: the classes are 0 to 9." in sentence
    assert "a=abacus: a configuration such as manual;layers=conv2 or package;layers=conv1,conv2 would be right" in sentence
    assert "low=9, high=3: low must not be above high." in sentence
    assert image_number(app) == 3


def test_a_class_may_be_written_by_its_name_and_is_copied_as_a_number() -> None:
    app = open_page("layer_explorer", target="Frog", minus="bird")
    assert not app.warning
    assert "explained: frog rather than bird, logit" in captions(app)
    press(app, "Next")
    assert query(app) == START | {"img": "4", "target": "6", "minus": "2"}


def test_an_unknown_class_is_said_with_names_that_come_near() -> None:
    app = open_page("class_browser", class_="froggy")
    assert "class=froggy: there is no class of that name; similar names: frog." in unescaped(app.warning[0].value)


def test_a_change_after_nonsense_leaves_an_address_that_is_right() -> None:
    app = open_page("layer_explorer", img="99999", foo="x", layer="conv9")
    press(app, "Next")
    assert query(app) == START | {"img": "4"}
    assert not app.warning


def test_an_address_is_shown_as_text_and_not_as_markdown() -> None:
    app = open_page("layer_explorer", foo="**b** [x](http://example.org) $x$")
    assert app.warning[0].value.endswith(r"foo=\*\*b\*\* \[x\](http\://example.org) \$x\$: there is no such setting.")


# Section: errors


def test_an_error_is_a_sentence_with_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_: xl.ExplainCache) -> xl.ImageSet:
        raise xl.DataError("the mosaic of the test images is damaged; restore it from the repository")

    monkeypatch.setattr(xl.ExplainCache, "images", damaged)
    app = open_page("layer_explorer")
    assert "the mosaic of the test images is damaged; restore it from the repository" in app.error[0].value
    monkeypatch.undo()
    press(app, "Back to the default view")
    assert not app.error
    assert query(app) == START


def test_a_message_with_the_address_before_does_not_bring_it_back() -> None:
    app = open_page("layer_explorer", img="17", model="captum-tutorial")
    press(app, "Next")
    app.query_params["img"] = "17"  # as a browser asks that has not got the new address yet
    app.run()
    assert query(app)["img"] == "18"
    assert image_number(app) == 18


def test_an_address_that_was_left_opens_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("layer_explorer", img="17", model="captum-tutorial")
    press(app, "Next")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + ON_THE_WAY + 1)
    app.query_params["img"] = "17"
    app.run()
    assert image_number(app) == 17
