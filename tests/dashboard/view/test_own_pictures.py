"""Pictures of a visitor's own on every page: sent, refused, found again by their address, and gone."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from opened_page import (
    OpenedPage,
    alts,
    arrays,
    captions,
    image_number,
    open_page,
    press,
    query,
    run_snippet,
    send_steps,
    texts,
    unescaped,
)
from PIL import Image
from staged import panels

import explain_lib as xl
from dashboard.frame.picture_menu import MENU

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
"""A picture that the networks see as it is."""
PAGES = ("seed_gallery", "layer_explorer", "how_it_works", "layer_ladder", "sanity_checks", "training_time", "disagreement")
OVER_SETS = ("class_browser", "scan")


def png_file(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


WIDE = png_file(RNG.integers(0, 256, (50, 120, 3), dtype=np.uint8))


@pytest.fixture
def digest() -> str:
    """A picture that somebody sent."""
    return xl.shared_cache("cpu").own_pictures.keep(png_file(PIXELS))


def send(app: OpenedPage, name: str, content: bytes, mime: str = "image/png") -> None:
    app.session_state[MENU] = True
    app.run()
    app.file_uploader(key="own-file").upload(name, content, mime).run()
    assert not app.exception


def test_an_upload_is_in_the_address_and_explained() -> None:
    app = open_page("layer_explorer")
    send(app, "frog.png", png_file(PIXELS))
    digest = hashlib.sha256(png_file(PIXELS)).hexdigest()
    assert query(app) == {"img": "3", "model": "captum-tutorial", "set": digest}
    np.testing.assert_array_equal(panels(app)["own-seen"].picture, PIXELS)
    again = open_page("layer_explorer", **query(app))
    model = xl.load_model("captum-tutorial")
    predicted = int(model.predict(PIXELS[None])[0].argmax())
    right = xl.grad_cam(model, PIXELS[None], "conv2", predicted)["conv2"].map[0]
    for one in (app, again):
        np.testing.assert_array_equal(arrays(one)["map"], right)
        np.testing.assert_array_equal(arrays(one)["picture"], PIXELS)
        assert f"your picture · predicted {model.classes[predicted]}" in captions(one)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_one_picture_shows_it(page: str, digest: str) -> None:
    app = open_page(page, set=digest, img="17")
    assert not app.error
    assert not app.warning
    assert "Your picture as the network sees it" in alts(app)
    assert "Your picture as you sent it" in alts(app)
    assert all("mage 17" not in alt and "mage 0" not in alt for alt in alts(app) if page != "seed_gallery")
    assert not [field for field in app.number_input if field.key == "image"]
    assert query(app) == {"set": digest, "img": "17"}


@pytest.mark.parametrize("page", OVER_SETS)
def test_a_page_over_a_set_says_that_the_picture_is_not_in_it(page: str, digest: str) -> None:
    app = open_page(page, set=digest, img="17", class_="any")
    assert "This page uses the CIFAR-10 test images. Your picture is kept" in app.info[0].value
    assert image_number(app) == 17
    press(app, "Next")  # an image of the set
    assert query(app) == {"img": "18", "model": "captum-tutorial", "class": "any"}


def test_the_picture_comes_along_from_page_to_page_past_one_over_a_set(digest: str) -> None:
    app = open_page("layer_explorer", set=digest)
    for page in ("class_browser", "disagreement"):
        app.query_params.clear()
        app.switch_page(f"app_pages/{page}.py").run()
    assert "Your picture as the network sees it" in alts(app)


def test_back_to_the_set_is_where_one_was(digest: str) -> None:
    app = open_page("layer_explorer", set=digest, img="17")
    press(app, "Back to the set")
    assert query(app) == {"img": "17", "model": "captum-tutorial"}
    assert "image 17 · true" in captions(app)
    app = press(open_page("layer_explorer", set=digest), "Reset")
    assert "set" not in query(app)


@pytest.mark.parametrize(("fit", "expected"), [("crop", (32, 32)), ("pad", (13, 32)), ("stretch", (32, 32))])
def test_how_it_is_fitted_is_in_the_address_and_seen(fit: str, expected: tuple[int, int]) -> None:
    app = open_page("layer_explorer", set=xl.shared_cache("cpu").own_pictures.keep(WIDE), fit=fit)
    seen = arrays(app)["picture"]
    np.testing.assert_array_equal(seen, xl.fit_picture(xl.read_picture(WIDE), (32, 32), fit))  # type: ignore[arg-type]  # one of them
    rows = int((seen.max((1, 2)) > 0).sum())
    assert (rows, 32) == expected
    assert "Your picture: 120 × 50 pixels, of which the network sees 32 × 32" in [one.label for one in app.expander]
    other = "stretch" if fit != "stretch" else "pad"
    app.segmented_control(key="fit").select(other).run()
    assert query(app)["fit"] == other


def test_a_picture_beside_it_is_one_of_the_set(digest: str) -> None:
    app = open_page("layer_explorer", set=digest, beside="image", img2="5")
    assert "your picture · predicted" in captions(app)
    assert "image 5 · true frog · predicted frog" in captions(app)


def test_the_python_of_the_page_reproduces_it(digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picture.jpg").write_bytes(png_file(PIXELS))
    monkeypatch.chdir(tmp_path)
    for page, computed, kept in (("layer_explorer", "values", "map"), ("disagreement", "map_a", "a")):
        app = open_page(page, set=digest)
        np.testing.assert_array_equal(run_snippet(app)[computed], arrays(app)[kept])  # type: ignore[arg-type]  # an array


def test_the_notebooks_batch_is_the_picture_alone(digest: str) -> None:
    app = open_page("disagreement", set=digest)
    settings = xl.NOTEBOOK_MANUAL
    predicted = int(xl.load_model("captum-tutorial").predict(PIXELS[None])[0].argmax())
    right = xl.heatmap(xl.load_model("captum-tutorial"), PIXELS[None], settings, predicted)[0]
    np.testing.assert_array_equal(arrays(app)["a"], right)
    assert "divided by the largest value of its batch (this image alone)" in captions(app)


# Section: refused, and gone


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("notes.png", b"no picture at all", "this is not a picture, or of a kind that cannot be read here"),
        ("empty.png", b"", "the file is empty"),
        ("cut.png", WIDE[:3000], "the file is damaged, cut short or without a pixel"),
        ("large.png", png_file(np.zeros((4000, 6000), np.uint8)), "it has 6000 x 4000 pixels; at most 20 megapixels would"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(name: str, content: bytes, why: str) -> None:
    app = open_page("layer_explorer", img="17")
    send(app, name, content)
    assert not app.session_state[MENU]  # the sentence would be behind the menu
    (error,) = app.error
    assert unescaped(error.value).startswith(f"This picture cannot be used: {name}, {why}")
    assert "set" not in query(app)
    assert "image 17 · true" in captions(app)  # what was on screen stays
    press(app, "Next")
    assert not app.error


@pytest.mark.parametrize("page", ["layer_explorer", "class_browser"])
def test_a_picture_that_is_gone_is_said_and_the_set_is_shown(page: str) -> None:
    app = open_page(page, set="ab" * 32, img="17")
    sentence = unescaped(app.warning[0].value)
    assert "set=abababababab…: that picture is not, or no longer, on this server" in sentence
    assert "Once somebody uploads the file again, the address works again." in sentence
    assert image_number(app) == 17
    assert not app.error
    send_steps(app, typed=18)
    assert "set" not in query(app)
    assert not app.warning


def test_the_menu_says_what_is_taken_and_where_it_stays() -> None:
    app = open_page("layer_explorer")
    app.session_state[MENU] = True
    app.run()
    assert "JPEG, PNG, WebP, AVIF, GIF (its first frame) or TIFF, up to 20 MB and 20 megapixels." in captions(app)
    assert "stays only in this server's memory" in captions(app)
    assert "On screen: **the CIFAR-10 test images**" in unescaped(texts(app))
