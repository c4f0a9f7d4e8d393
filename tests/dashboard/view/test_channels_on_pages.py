"""Networks of one and of thirteen channels, and pictures of more than 8 bits, on the pages."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from opened_page import PAGES, captions, errors, open_folded, open_page, picture, query, unescaped, warnings
from PIL import Image
from staged import panels
from torchvision.transforms import CenterCrop, Resize

import explain_lib as xl

Start = Callable[..., None]
GREY, THIRTEEN = "own_networks:grey", "own_networks:thirteen"
SIDE = 16


@pytest.fixture(autouse=True)
def _afresh(start: Start) -> None:
    start()


@pytest.fixture(scope="module")
def bands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four pictures of thirteen channels, in two classes."""
    folder = tmp_path_factory.mktemp("bands")
    for place in range(4):
        below = folder / ("left", "right")[place % 2]
        below.mkdir(exist_ok=True)
        np.save(below / f"{place}.npy", thirteen(place))
    return folder


def thirteen(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 13), dtype=np.uint8)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
@pytest.mark.parametrize("channels", ["grey", "thirteen", "thirteen, without pictures"])
def test_every_page_stands_with_a_network_of_other_channels(start: Start, bands: Path, page: str, channels: str) -> None:
    folder = () if channels != "thirteen" else ("--images", str(bands))
    start("--model", GREY if channels == "grey" else THIRTEEN, "--input-size", str(SIDE), *folder)
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""
    assert ("its channels are filled with red, green and blue in turn" in warnings(app)) == (
        channels == "thirteen, without pictures"
    )


def test_a_network_of_one_channel_is_shown_with_the_grey_that_it_sees(start: Start) -> None:
    start("--model", GREY, "--input-size", "32")
    app = open_page("layer_explorer", img="5")
    shown = picture(app, "Test image 5")
    expected = np.asarray(Image.fromarray(xl.load_cifar10().pixels[5]).convert("L"))
    times = shown.shape[0] // 32
    np.testing.assert_array_equal(shown[::times, ::times], np.repeat(expected[:, :, None], 3, axis=2))
    assert "grey, as the network sees it" in captions(app)


def test_three_of_thirteen_channels_are_shown_and_others_on_request(start: Start, bands: Path) -> None:
    start("--model", THIRTEEN, "--input-size", str(SIDE), "--images", str(bands))
    for asked, shown, words in (
        ({}, [0, 1, 2], "channels 0, 1, 2 of 13 shown as red, green, blue"),
        ({"bands": "9,3,1"}, [9, 3, 1], "channels 9, 3, 1 of 13 shown as red, green, blue"),
        ({"bands": "7"}, [7, 7, 7], "channel 7 of 13 shown in grey"),
    ):
        app = open_page("layer_explorer", img="0", **asked)
        drawn = picture(app, "Image 0")
        times = drawn.shape[0] // SIDE
        np.testing.assert_array_equal(drawn[::times, ::times], thirteen(0)[:, :, shown])
        assert words in captions(app)


def test_the_channels_on_screen_are_chosen_in_the_menu(start: Start, bands: Path) -> None:
    start("--model", THIRTEEN, "--input-size", str(SIDE), "--images", str(bands))
    app = open_page("layer_explorer", img="0")
    assert app.text_input(key="bands").value == "0,1,2"
    app.text_input(key="bands").set_value("12, 11, 10").run()
    assert "channels 12, 11, 10 of 13" in captions(app)
    app.text_input(key="bands").set_value("one").run()
    assert "channels 12, 11, 10 of 13" in captions(app)


def test_a_twelve_bit_picture_is_never_black_and_its_window_can_be_changed(start: Start, tmp_path: Path) -> None:
    """The numbers 0 to 4,095 of 65,536: cut to the higher eight bits, none of them would be above 15."""
    values = np.linspace(0, 4095, 32 * 32).round().astype(np.uint16).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / "x-ray.png")
    start("--images", str(tmp_path))
    app = open_page("layer_explorer", img="0")
    low, high = np.percentile(values, 1, method="lower"), np.percentile(values, 99, method="higher")
    assert f"numbers {low} to {high:,}, its own range, shown from black to white" in captions(app)
    assert picture(app, "Image 0").max() == 255
    app.text_input(key="window").set_value("0,8190").run()
    assert "numbers 0 to 8,190 shown from black to white" in captions(app)
    assert 127 <= picture(app, "Image 0").max() <= 128  # 4,095 of 8,190 is the middle


def test_the_window_of_a_folder_is_an_option_of_the_server(start: Start, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((32, 32, 3), 500, np.uint16))
    start("--images", str(tmp_path), "--window", "0", "1000")
    assert set(np.unique(picture(open_page("layer_explorer", img="0"), "Image 0"))) <= {127, 128}


def test_pictures_are_cut_out_as_the_server_is_told_and_the_page_says_how(start: Start, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    start("--model", "own_networks:make", "--input-size", "56", "--images", str(tmp_path), "--fit", "inner")
    app = open_page("layer_explorer", img="0")
    expected = np.asarray(CenterCrop(56)(Resize(64)(Image.fromarray(noise)))).astype(int)
    shown = picture(app, "Image 0")
    times = shown.shape[0] // 56
    assert np.abs(shown[::times, ::times] - expected).max() <= 1
    assert "Pictures are resized to fill 64 × 64; the middle 56 × 56 is kept." in unescaped(captions(app))


def test_the_map_is_shown_on_the_whole_picture_too(start: Start, tmp_path: Path) -> None:
    pixels = np.full((60, 100, 3), 200, np.uint8)
    pixels[:, 20:80] = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    start("--images", str(tmp_path))
    app = open_page("layer_explorer", img="0", placement="stretched")
    app.toggle(key="whole").set_value(True).run()
    assert query(app)["whole"] == "on"
    shown = picture(app, "On the whole picture")
    times = shown.shape[0] // 60
    assert shown.shape == (60 * times, 100 * times, 3)
    # resized to 32 x 53, of which 32 columns from the tenth on are kept: from 18.9 to 79.2 of 100
    assert (shown[:, : 19 * times] == 80).all()
    assert (shown[:, 80 * times :] == 80).all()
    assert (shown[:, 19 * times : 79 * times] == 255).all(2).any()  # the line at half the maximum
    assert "100 × 60 pixels. Dark: not seen by the network." in captions(app)


def test_a_picture_that_the_network_sees_whole_has_no_other(start: Start) -> None:
    start()
    app = open_page("layer_explorer", img="0", whole="on")
    assert not [one for one in app.toggle if one.key == "whole"]
    assert "whole-0" not in panels(app)


def test_mean_and_std_for_0_to_255_are_said_above_the_picture(start: Start) -> None:
    numbers = ("--mean", "123.7", "116.3", "103.5", "--std", "58.4", "57.1", "57.4")
    start("--model", "own_networks:make", "--input-size", str(SIDE), *numbers)
    assert "These look like numbers for pixels from 0 to 255." in warnings(open_folded("layer_explorer"))


COMPLETE = "own_networks:complete"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "lesson"])
def test_every_page_stands_with_a_transform_and_a_second_input(start: Start, page: str) -> None:
    start("--model", COMPLETE)
    app = open_folded(page)
    assert not app.exception
    assert errors(app) == ""


def test_what_is_shown_is_the_part_that_the_transform_takes(start: Start, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    start("--model", COMPLETE, "--images", str(tmp_path))
    app = open_page("layer_explorer", img="0")
    shown = picture(app, "Image 0")
    times = shown.shape[0] // 16
    expected = np.asarray(CenterCrop(16)(Resize(40)(Image.fromarray(noise))))
    np.testing.assert_array_equal(shown[::times, ::times], expected)
    said = unescaped(captions(app))
    assert (
        "input 16 × 16, mean 0.5 0.4 0.3, std 0.2 0.2 0.3, 3 classes. Pictures are made by the transform of the network."
        in said
    )


def test_a_factory_that_brings_everything_takes_nothing_beside(start: Start) -> None:
    start("--model", COMPLETE, "--mean", "0", "0", "0")
    app = open_folded("layer_explorer")
    assert "own_networks:complete() gives a Model, which brings classes, input size, mean, std, output" in errors(app)
