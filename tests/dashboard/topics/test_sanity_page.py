"""The page of the sanity checks: the levels, random starts, the chart, many images, and the twin."""

import csv
import re
from dataclasses import replace
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
    image_number,
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
from staged import panels, stages
from streamlit.testing.v1.element_tree import Html

import explain_lib as xl
from dashboard.topics.sanity import check
from dashboard.topics.sanity.words import starts_sentence
from explain_lib.networks.randomisation import randomised
from explain_lib.trust.sanity import RandomStarts, SanityRequest

SIDE = 224
DRAWING = xl.Drawing(strength=0.7, follows=True, contour=True)
SMALL = replace(DRAWING, contour=False, border=False)
"""Of every view whose address says nothing of it, of large maps and of small ones."""


@pytest.fixture(scope="module")
def opened() -> OpenedPage:
    return open_page("sanity_checks", img="8", model="tutorial", randomised="3", placement="stretched")


def test_the_map_of_the_network_as_it_is_stands_beside_those_of_eight_random_starts(opened: OpenedPage) -> None:
    own, index = captum_map(8, "conv2", name="tutorial"), predicted(8, "tutorial")
    shown = picture(opened, "Overlay: Grad-CAM of layer conv2 on image 8, nothing randomised")
    np.testing.assert_array_equal(shown, xl.draw_overlay(pixels()[8], own, DRAWING, SIDE))
    correlations = []
    for seed in range(8):
        other = randomised(xl.load_model("tutorial"), 3, seed=seed)
        values = xl.grad_cam(other, pixels()[[8]], "conv2", index)["conv2"].map[0]
        shown = picture(
            opened, f"Overlay: Grad-CAM of layer conv2 on image 8, randomised down to fc1, random start {seed + 1};"
        )
        np.testing.assert_array_equal(shown, xl.draw_overlay(pixels()[8], values, SMALL, 96))
        correlations.append(float(spearmanr(own.ravel(), values.ravel()).statistic))
        logits = torch.tensor(other.predict(pixels()[[8]])[0])
        said = f"{other.classes[int(logits.argmax())]} {float(logits.softmax(0).max()) * 100:.1f} %"
        assert panels(opened)[f"start-{seed + 1}"].head["caption"] == f"{signed(correlations[-1])}\n{said}"
    assert metrics(opened)["Mean correlation with its map"] == signed(float(np.mean(correlations)))
    assert "Randomised: fc3, fc2, fc1." in captions(opened)
    (row,) = [row for row in stages(opened)[0].head["rows"] if row["block"]]
    assert (row["block"], row["block_title"]) == (8, "8 random starts, down to fc1")


def signed(value: float) -> str:
    return f"{round(value, 2) or 0.0:.2f}".replace("-", "−")


@pytest.mark.parametrize(("found", "words"), [(0.3, "a trace of the map remains"), (-0.3, "mark what this map leaves out")])
def test_an_interval_beyond_zero_says_on_which_side(found: float, words: str) -> None:
    flat = np.zeros((8, 2, 2), np.float32)
    correlations = found + np.linspace(-0.01, 0.01, 8)
    starts = RandomStarts(np.arange(8), flat[0], flat, np.zeros(1, np.int64), np.zeros((8, 2), np.float32), correlations)
    assert words in starts_sentence(starts)


def test_the_mean_over_the_starts_is_said_with_its_interval(opened: OpenedPage) -> None:
    (interval,) = re.findall(r"95 % interval \[([−0-9.]+) … ([−0-9.]+)\]", captions(opened))
    low, high = (float(end.replace("−", "-")) for end in interval)
    mean = float(metrics(opened)["Mean correlation with its map"].replace("−", "-"))
    assert low < mean < high
    holds = "contains 0" if low <= 0 <= high else "does not contain 0"
    assert f"The 95 % interval, in brackets, {holds}:" in texts(opened)


def test_a_bare_address_opens_on_a_horse_that_the_network_knows_with_every_layer_randomised() -> None:
    app = open_page("sanity_checks")
    assert image_number(app) == 13
    assert panels(app)["depth-5"].head["chosen"]
    assert "predicted horse 99.9 % ✓" in captions(app)
    assert "contains 0: the mean is not clearly different from 0." in texts(app)
    app = open_page("sanity_checks", img="3")
    assert "Randomised: fc3." in captions(app)


def test_what_the_network_says_as_it_is_is_there(opened: OpenedPage) -> None:
    before = probabilities("tutorial")[8]
    name = xl.load_model("tutorial").classes[before.argmax()]
    assert metrics(opened)["The trained network says"] == f"{name} {before.max() * 100:.1f} %"


def test_a_level_has_one_control_and_is_in_the_address() -> None:
    app = open_page("sanity_checks", img="8", model="tutorial")
    assert not app.select_slider
    steps = ["none", "fc3", "fc2", "fc1", "conv2", "conv1"]
    for depth, modules in ((1, "fc3"), (5, "fc3, fc2, fc1, conv2, conv1")):
        app = open_page("sanity_checks", img="8", model="tutorial", randomised=str(depth))
        assert f"Randomised: {modules}." in captions(app)
        thumbnails = [panels(app)[f"depth-{place}"].head for place in range(6)]
        assert [one["title"] for one in thumbnails] == steps
        assert [one["title"] for one in thumbnails if one["chosen"]] == [steps[depth]]
        assert all(one["picks"] for one in thumbnails)


def test_the_starts_of_a_large_network_are_made_behind_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "is_large", lambda _: True)
    app = open_page("sanity_checks", img="21", model="tutorial", randomised="4")
    seen = captions(app)
    assert "start-1" not in panels(app)
    assert "Computing the maps of eight random starts" in seen
    run_until(app, lambda: "start-8" in panels(app))
    assert "Computing the maps" not in captions(app)


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


def test_in_a_browser_a_click_on_a_thumbnail_shows_its_level(page: Page, root: str) -> None:
    page.goto(f"{root}/sanity_checks?img=8&model=tutorial&randomised=3")
    none = page.locator('[data-picture="depth-0"]')
    expect(none).to_be_visible(timeout=60_000)
    settle(page)
    none.click()
    expect(none).to_have_attribute("aria-pressed", "true", timeout=60_000)
    assert address(page)["randomised"] == "0"
    expect(page.locator(".facts .value").first).to_have_text("1.00")
    none.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(lambda url: "randomised=2" in url)
    settle(page)
    large = page.locator('[data-picture="whole"]')
    page.locator('[data-picture="start-3"]').hover()
    expect(large.locator("xpath=..").locator(".title")).to_contain_text("preview: start 3")


def test_in_a_browser_the_chosen_level_is_in_sight_on_a_phone(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{root}/sanity_checks?img=8&model=tutorial&randomised=5")
    expect(page.locator('[data-picture="start-8"]')).to_be_visible(timeout=60_000)
    settle(page)
    chosen = page.locator('[data-picture="depth-5"]').bounding_box()
    assert chosen is not None
    assert chosen["x"] >= 0
    assert chosen["x"] + chosen["width"] <= 390


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
    app = open_page("sanity_checks", model="tutorial", sample="70", layer="conv1", draws="3", seed="10")
    assert "Nothing has been checked over many images yet" in captions(app)
    press(app, "Check 70 images")
    table = "Table (CSV)"
    run_until(app, lambda: table in [one.label for one in app.download_button] and "So far" not in captions(app))
    assert "The maps of conv1 keep less than half of their order" in texts(app)
    lines = list(csv.DictReader(StringIO(download(app, "Table (CSV)").decode())))
    assert [line["randomised"] for line in lines] == ["fc3", "fc2", "fc1", "conv2", "conv1"]
    assert {line["draws"] for line in lines} == {"3"}
    model = xl.load_model("tutorial")
    rows = SanityRequest(model, pixels(), np.arange(70), "conv1", seed=10, draws=3).all_rows()
    difference = float(np.nanmean(rows.correlations[:, :, -1] - rows.beside[:, :, -1]))
    assert float(lines[-1]["difference"]) == pytest.approx(difference, abs=1e-5)
    bodies = (shown.proto.body for shown in app.get("html") if isinstance(shown, Html))
    (table_of_steps,) = [body for body in bodies if 'aria-label="Sanity checks over 70 images and 3 draws' in body]
    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", table_of_steps.split("<tr")[-1], re.DOTALL)]
    found = [float(one[0].replace("−", "-")) for cell in cells if (one := re.match(r"[+−]?\d+\.\d+", cell.strip()))]
    right = [float(lines[-1][name]) for name in ("correlation", "by_chance", "difference")]
    np.testing.assert_allclose(found[:3], right, atol=0.006)
    within = float(lines[-1]["difference_low"]) > -0.1 and float(lines[-1]["difference_high"]) < 0.1
    assert within
    assert lines[-1]["verdict"] == "no more than chance"
    assert "within ±0.1: no more alike than chance" in unescaped(texts(app))
    assert "--draws 3 --seed 10" in captions(app)
    assert "nan" not in "".join(chart_alts(app))
    trace = chart(app, "sanity-many")
    assert trace["name"] == "this picture"
    assert xl.shared_cache("cpu").model("tutorial").digest == model.digest


def test_the_twin_of_tutorial_and_a_second_network_stand_beside_it(opened: OpenedPage) -> None:
    index = predicted(8, "tutorial")
    own = captum_map(8, "conv2", name="tutorial")
    twin = captum_map(8, "conv2", lambda logits: logits[:, index], "tutorial-permuted")
    shown = picture(opened, "Overlay: Grad-CAM of layer conv2 on image 8 by tutorial-permuted")
    np.testing.assert_array_equal(shown, xl.draw_overlay(pixels()[8], twin, DRAWING, SIDE))
    correlation = spearmanr(own.ravel(), twin.ravel()).statistic
    assert panels(opened)["twin-1"].head["caption"].endswith(f"\ncorrelation {signed(float(correlation))}")
    second = captum_map(8, "conv2", lambda logits: logits[:, index], "tutorial-second")
    right = float(spearmanr(own.ravel(), second.ravel()).statistic)
    assert panels(opened)["twin-2"].head["caption"].endswith(f"\ncorrelation {signed(right)}")
    assert "gets 9.9 % of the test images right, no more than chance" in captions(opened)


def test_the_twin_is_compared_over_many_images() -> None:
    app = open_page("sanity_checks", model="tutorial", sample="66")
    press(app, "Compare over 66 images")
    run_until(app, lambda: "At conv2 the maps of tutorial" in texts(app) and "So far" not in captions(app))
    assert "with those of a second network that learnt the right labels from another seed" in texts(app)
    (twin, second) = csv.DictReader(StringIO(download(app, "Twin (CSV)").decode()))
    assert twin["randomised"] == "labels in random order"
    assert second["randomised"] == "right labels, another seed"


def test_a_model_without_a_twin_says_which_has_one() -> None:
    app = open_page("sanity_checks")
    assert "captum-tutorial has no twin" in captions(app)
    press(app, "Open tutorial")
    assert query(app)["model"] == "tutorial"
    assert any("by tutorial-permuted; peak" in alt for alt in alts(app))


def test_a_layer_of_one_cell_has_maps_without_a_correlation_and_that_is_said() -> None:
    app = open_page("sanity_checks", model="resnet20", layer="pool", randomised="2")
    assert metrics(app)["Mean correlation with its map"] == "not defined"
    assert any("The picture alone, the map is" in alt for alt in alts(app))
    assert "nan" not in "".join(chart_alts(app))
