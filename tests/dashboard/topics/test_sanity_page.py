"""The page of the sanity checks: the slider, the maps at each step, the chart, many images, and the twin."""

import csv
from io import StringIO

import numpy as np
import pytest
import torch
from independent_maps import captum_map, pixels, predicted, probabilities
from opened_page import (
    OpenedPage,
    alts,
    captions,
    chart,
    chart_alts,
    download,
    metrics,
    open_page,
    picture,
    press,
    query,
    run_until,
    texts,
    unescaped,
)
from playwright.sync_api import Page, expect
from running_app import address, settle
from scipy.stats import spearmanr
from staged import panels

import explain_lib as xl
from explain_lib.networks.randomisation import randomised

SIDE = 256
DRAWING = xl.Drawing(strength=0.7, follows=True, contour=True)
"""Of every view whose address says nothing of it."""


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("sanity_checks", img="8", model="tutorial", randomised="3", placement="stretched")


def test_the_map_beside_is_that_of_the_network_with_three_layers_randomised(opened: OpenedPage) -> None:
    model = xl.load_model("tutorial")
    index = predicted(8, "tutorial")
    maps = {
        "nothing randomised": captum_map(8, "conv2", name="tutorial"),
        "randomised down to fc1": xl.grad_cam(randomised(model, 3), pixels()[[8]], "conv2", index)["conv2"].map[0],
    }
    for what, values in maps.items():
        shown = picture(opened, f"Overlay: Grad-CAM of layer conv2 on image 8, {what}")
        np.testing.assert_array_equal(shown, xl.draw_overlay(pixels()[8], values, DRAWING, SIDE))
    correlation = spearmanr(*(values.ravel() for values in maps.values())).statistic
    assert metrics(opened)["Correlation with the original map"] == f"{correlation:.2f}".replace("-", "−")
    assert "Randomised: fc3, fc2, fc1." in captions(opened)


def test_what_the_networks_say_is_there(opened: OpenedPage) -> None:
    before = probabilities("tutorial")[8]
    classes = xl.load_model("tutorial").classes
    assert f"Before: {classes[before.argmax()]} {before.max() * 100:.1f} %." in captions(opened)
    other = randomised(xl.load_model("tutorial"), 3).predict(pixels()[[8]])[0]
    assert metrics(opened)["The network then says"].startswith(classes[other.argmax()])


def test_a_step_is_chosen_by_slider_or_thumbnail_and_is_in_the_address() -> None:
    app = open_page("sanity_checks", img="8", model="tutorial")
    assert "Randomised: fc3." in captions(app)
    app.select_slider(key="randomised").set_value(5).run()
    assert query(app)["randomised"] == "5"
    assert "Randomised: fc3, fc2, fc1, conv2, conv1." in captions(app)
    steps = ["none", "fc3", "fc2", "fc1", "conv2", "conv1"]
    thumbnails = [panels(app)[f"depth-{depth}"].head for depth in range(6)]
    assert [one["title"] for one in thumbnails] == steps
    assert [one["title"] for one in thumbnails if one["chosen"]] == ["conv1"]
    assert all(one["picks"] for one in thumbnails)


def test_under_each_thumbnail_stand_its_correlation_and_what_the_network_then_says(opened: OpenedPage) -> None:
    model, own = xl.load_model("tutorial"), captum_map(8, "conv2", name="tutorial")
    for depth in range(1, 6):
        forgetful, sent = randomised(model, depth), panels(opened)[f"depth-{depth}"]
        values = xl.grad_cam(forgetful, pixels()[[8]], "conv2", predicted(8, "tutorial"))["conv2"].map[0]
        logits = torch.tensor(forgetful.predict(pixels()[[8]])[0])
        said = f"{model.classes[int(logits.argmax())]} {float(logits.softmax(0).max()) * 100:.1f} %"
        correlation = f"{round(spearmanr(own.ravel(), values.ravel()).statistic, 2) or 0.0:.2f}".replace("-", "−")
        assert sent.head["caption"] == f"{correlation}\n{said}"
        np.testing.assert_allclose(sent.values, values, atol=1e-6)


def test_in_a_browser_a_click_on_a_thumbnail_shows_its_step(page: Page, root: str) -> None:
    page.goto(f"{root}/sanity_checks?img=8&model=tutorial&randomised=3")
    none = page.locator('[data-picture="depth-0"]')
    expect(none).to_be_visible(timeout=60_000)
    settle(page)
    none.click()
    expect(none).to_have_attribute("aria-pressed", "true", timeout=60_000)
    assert address(page)["randomised"] == "0"
    expect(page.locator(".facts .value").first).to_have_text("1.00")


def test_one_layer_alone() -> None:
    app = open_page("sanity_checks", img="8", model="tutorial", randomised="4", mode="independent")
    assert "Randomised: conv2." in captions(app)
    assert any("randomised at conv2 alone" in alt for alt in alts(app))


def test_more_steps_than_there_are_are_all_of_them() -> None:
    app = open_page("sanity_checks", model="tutorial", randomised="99")
    assert "Randomised: fc3, fc2, fc1, conv2, conv1." in captions(app)


def test_every_picture_and_chart_has_alternative_text(opened: OpenedPage) -> None:
    assert all(alts(opened))
    assert all(chart_alts(opened))
    trace = chart(opened, "sanity-own")
    assert trace["x"] == ["none", "fc3", "fc2", "fc1", "conv2", "conv1"]
    assert np.array(trace["y"], float)[0] == 1.0


def test_many_images_are_checked_on_request_and_summed_up_in_a_sentence() -> None:
    app = open_page("sanity_checks", model="tutorial", sample="70", layer="conv1")
    assert "Nothing has been checked over many images yet" in captions(app)
    press(app, "Check 70 images")
    table = "Table (CSV)"
    run_until(app, lambda: table in [one.label for one in app.download_button] and "So far" not in captions(app))
    assert "The maps of conv1 have less than half of their order left" in texts(app)
    lines = list(csv.DictReader(StringIO(download(app, "Table (CSV)").decode())))
    assert [line["randomised"] for line in lines] == ["fc3", "fc2", "fc1", "conv2", "conv1", "two different pictures"]
    assert "nan" not in "".join(chart_alts(app))
    trace = chart(app, "sanity-many")
    assert trace["name"] == "this picture"
    model = xl.load_model("tutorial")
    assert xl.shared_cache("cpu").model("tutorial").digest == model.digest


def test_the_twin_of_tutorial_stands_beside_it(opened: OpenedPage) -> None:
    index = predicted(8, "tutorial")
    own = captum_map(8, "conv2", name="tutorial")
    twin = captum_map(8, "conv2", lambda logits: logits[:, index], "tutorial-permuted")
    shown = picture(opened, "Overlay: Grad-CAM of layer conv2 on image 8 by tutorial-permuted")
    np.testing.assert_array_equal(shown, xl.draw_overlay(pixels()[8], twin, DRAWING, SIDE))
    correlation = spearmanr(own.ravel(), twin.ravel()).statistic
    assert metrics(opened)["Correlation of the two maps"] == f"{correlation:.2f}".replace("-", "−")
    assert "gets 9.9 % of the test images right, as chance does" in captions(opened)


def test_the_twin_is_compared_over_many_images() -> None:
    app = open_page("sanity_checks", model="tutorial", sample="66")
    press(app, "Compare over 66 images")
    run_until(app, lambda: "At conv2 the twin's maps" in texts(app) and "So far" not in captions(app))
    assert "maps of two different pictures have" in unescaped(texts(app))
    (twin, unrelated) = csv.DictReader(StringIO(download(app, "Twin (CSV)").decode()))
    assert twin["randomised"] == "labels in random order"
    assert unrelated["randomised"] == "two different pictures"


def test_a_model_without_a_twin_says_which_has_one() -> None:
    app = open_page("sanity_checks")
    assert "captum-tutorial has no twin" in captions(app)
    press(app, "Open tutorial")
    assert query(app)["model"] == "tutorial"
    assert any("by tutorial-permuted; peak" in alt for alt in alts(app))


def test_a_layer_of_one_cell_has_maps_without_a_correlation_and_that_is_said() -> None:
    app = open_page("sanity_checks", model="resnet20", layer="pool", randomised="2")
    assert metrics(app)["Correlation with the original map"] == "not defined"
    assert any("The picture alone, the map is" in alt for alt in alts(app))
    assert "nan" not in "".join(chart_alts(app))
