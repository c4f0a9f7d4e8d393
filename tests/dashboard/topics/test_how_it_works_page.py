"""How it works: the network, each of the six steps beside plain autograd, channels switched off, and steps by keys."""

import copy
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import torch
from independent_maps import (
    assert_same_colours,
    batch,
    by_hand,
    captum_map,
    captum_signed,
    in_red_and_blue,
    labels,
    logit,
    pixels,
    predicted,
)
from numpy.typing import NDArray
from opened_page import OpenedPage, alts, buttons, captions, component_data, open_page, pixels_of, press, query, texts
from playwright.sync_api import Page, expect
from running_app import address, settle
from staged import SentPanel, panels
from torch import Tensor, nn

import explain_lib as xl

open_walk = partial(open_page, "how_it_works")

STEPS = ("forward", "gradient", "weights", "sum", "relu", "enlarge")


def grid(app: OpenedPage) -> dict[str, object]:
    return component_data(app, "channel_grid")


def formulas(app: OpenedPage) -> str:
    return "\n".join(formula.value for formula in app.latex)


def score_without(image: int, layer: str, channel: int, score: Callable[[Tensor], Tensor]) -> float:
    network = copy.deepcopy(xl.load_model("captum-tutorial").network)

    def silence(_: nn.Module, __: object, output: Tensor) -> Tensor:
        return torch.cat([output[:, :channel], torch.zeros_like(output[:, :1]), output[:, channel + 1 :]], 1)

    network.get_submodule(layer).register_forward_hook(silence)
    with torch.no_grad():
        return float(score(network(batch("captum-tutorial", slice(image, image + 1))))[0])


def digits(value: float, *, sign: bool = False) -> str:
    """Three digits that count."""
    return f"{value:{'+' if sign and value else ''}.3g}".replace("-", "−")


def assert_tiles(app: OpenedPage, values: NDArray[np.float64], reach: float) -> None:
    """Every tile of the grid has its channel's cells in the colours of one range."""
    sent = grid(app)
    file = app.files.read_file(Path(str(sent["sprite"])).name)
    assert file is not None
    sprite, (height, width) = pixels_of(file.content), values.shape[1:]
    for place, channel in enumerate(sent["channels"]):
        row, column = divmod(place, int(str(sent["columns"])))
        tile = sprite[row * height : (row + 1) * height, column * width : (column + 1) * width]
        assert_same_colours(tile, in_red_and_blue(values[channel], reach))


SHIP = by_hand(3, "conv2", logit(predicted(3)))
LEADING = int(SHIP.shares.argmax())
BY_SIZE = np.argsort(-np.abs(SHIP.weights), kind="stable").tolist()
"""The channels with the largest weight first, above zero or below."""


# Section: the network itself


def drawing(app: OpenedPage) -> ElementTree.Element:
    return ElementTree.fromstring(str(component_data(app, "network_map")["svg"]))


@pytest.mark.parametrize("name", ["captum-tutorial", "resnet20"])
def test_every_layer_of_the_network_is_a_link_and_the_hooked_one_is_marked(name: str) -> None:
    app = open_walk(step="network", model=name, without="2")
    links = drawing(app).findall("a")
    model = xl.load_model(name)
    assert sorted(str(link.get("data-layer")) for link in links) == sorted(model.spatial_layers)
    (marked,) = (link for link in links if link.get("aria-current") == "true")
    assert marked.get("data-layer") == model.conv_layers[-1]
    for link in links:
        asked = dict(parse_qsl(str(link.get("href")).removeprefix("?")))
        assert asked == {"img": "3", "model": name, "layer": link.get("data-layer"), "step": "network"}
    by_name = {link.get("data-layer"): link.get("aria-label") for link in links}
    first = "conv1, Conv2d, 6 × 28 × 28" if name == "captum-tutorial" else "conv1, Conv2d, 16 × 32 × 32"
    assert by_name["conv1"] == first


def test_the_shortcuts_of_a_resnet_are_arcs_and_its_stages_are_rows() -> None:
    app = open_walk(step="network", model="resnet20")
    drawn = drawing(app)
    assert len([one for one in drawn.findall("rect") if "join" in str(one.get("class"))]) == 9  # three stages of three blocks
    # Of nine additions, two stand behind a shortcut with a pooling of its own, which then reads the stage before.
    arcs = [one for one in drawn.findall("path") if "shortcut" in str(one.get("class"))]
    assert len(arcs) == 7 + 2 * 2
    assert [one.text for one in drawn.findall("text") if one.get("class") == "stage-name"] == ["layer1", "layer2", "layer3"]
    assert "Paths meet in **9** places" in texts(app)
    assert "Grad-CAM hooks **layer3.2.conv2** (orange): its output has 64 channels of 8 × 8 cells" in texts(app)


def test_blocks_that_repeat_are_drawn_as_one_box_but_for_the_hooked_one(start: Callable[..., None]) -> None:
    start("--model", "own_networks:deep", "--input-size", "16")
    for layer, opened in (("blocks.0.conv", [0]), ("blocks.17.conv", [0, 17])):
        drawn = drawing(open_page("how_it_works", img="0", step="network", layer=layer, modules="all"))
        names = {str(link.get("data-layer")) for link in drawn.findall("a")}
        assert {f"blocks.{block}" for block in range(30)} <= names
        assert sorted(int(name.split(".")[1]) for name in names if name.endswith(".conv")) == opened


def test_a_network_that_runs_only_unwatched_has_no_drawing_but_its_steps(start: Callable[..., None]) -> None:
    start("--model", "own_networks:unwatched", "--input-size", "16")
    app = open_page("how_it_works", img="0", step="network")
    assert "This network cannot be drawn" in app.warning[0].value
    press(app, "Forward")
    assert not app.error
    assert len(grid(app)["channels"]) == 5


# Section: each step and its numbers


def test_the_walk_begins_with_the_activations() -> None:
    app = open_walk()
    assert app.header[0].value == "1 of 6 · What does the layer find, and where?"
    assert "image 3 · true plane · predicted ship 55.3 % ✗ · layer conv2, 16 channels of 10 × 10" in captions(app)
    assert app.selectbox(key="target").options[0] == "ship · 55.3 % · predicted"
    low, high = SHIP.activation.min(), SHIP.activation.max()
    assert f"Activations from **{digits(low)}** to **{digits(high)}**" in texts(app)
    assert f"{(SHIP.activation < 0).mean() * 100:.1f} % are below 0" in texts(app)
    sent, top = grid(app), np.abs(SHIP.activation).max()
    assert (sent["channels"], sent["picked"]) == (BY_SIZE, LEADING)
    assert (sent["legend"]["low"], sent["legend"]["high"]) == (digits(-top), digits(top, sign=True))
    assert sent["words"] == [f"largest cell {digits(SHIP.activation[k].max())}" for k in BY_SIZE]
    assert "By the weights of step 3." in captions(app)
    assert_tiles(app, SHIP.activation, top)


def test_activations_above_zero_are_drawn_from_zero_on() -> None:
    app = open_walk(layer="relu1")
    found = by_hand(3, "relu1", logit(predicted(3)))
    assert (grid(app)["legend"]["low"], grid(app)["legend"]["high"]) == ("0", digits(found.activation.max()))
    assert f"{(found.activation == 0).mean() * 100:.1f} % of all cells are exactly 0" in texts(app)


def test_the_second_step_has_the_score_and_its_gradients() -> None:
    app = open_walk(step="gradient")
    assert f"**y = {digits(SHIP.score)}** is the logit of ship" in texts(app)
    assert f"{(SHIP.gradient == 0).mean() * 100:.1f} % of all cells have a gradient of exactly 0" in texts(app)
    top = np.abs(SHIP.gradient).max()
    assert (grid(app)["legend"]["low"], grid(app)["legend"]["high"]) == (digits(-top), digits(top, sign=True))
    assert_tiles(app, SHIP.gradient, top)


@pytest.mark.parametrize("order", ["number", "weight"])
def test_the_third_step_has_a_bar_for_each_weight(order: str) -> None:
    app = open_walk(step="weights", channels=order)
    sent = grid(app)
    in_order = list(range(16)) if order == "number" else BY_SIZE
    assert sent["channels"] == in_order
    np.testing.assert_allclose(sent["bars"], SHIP.weights[in_order], atol=1e-6)
    assert f"largest is **{digits(SHIP.weights.max(), sign=True)}** (channel {SHIP.weights.argmax()})" in texts(app)
    assert rf"\alpha_{{{LEADING}}} = \frac{{{SHIP.gradient[LEADING].sum():.3g}}}{{100}}" in formulas(app)


def test_each_step_adds_the_maps_that_it_comes_to() -> None:
    shown = {step: [panel.head["title"] for panel in panels(open_walk(step=step, channel="6")).values()] for step in STEPS[:5]}
    assert shown == {
        "forward": ["The picture", "Channel 6: activation"],
        "gradient": ["The picture", "Channel 6: activation", "Channel 6: gradient"],
        "weights": ["The picture", "Channel 6: activation", "Channel 6: gradient", "Channel 6: α × A"],
        "sum": ["The picture", "Channel 6: α × A", "The sum"],
        "relu": ["The picture", "Before the ReLU", "After the ReLU"],
    }


def test_the_maps_of_a_channel_are_on_the_scale_of_all() -> None:
    sent = panels(open_walk(step="weights", channel="6"))
    every = {"activation": SHIP.activation, "gradient": SHIP.gradient, "product": SHIP.contributions}
    for name, values in every.items():
        assert_map(sent[name], values[6], np.abs(values).max())
    assert len({panel.head["place"] for panel in sent.values()}) == 1  # one pointer for all
    np.testing.assert_array_equal(sent["picture"].picture, pixels()[3])


def assert_map(panel: SentPanel, values: NDArray[np.float64], reach: float) -> None:
    """The panel has these numbers, in red and blue up to this one, with the range below."""
    assert panel.values is not None
    np.testing.assert_allclose(panel.values, values, atol=1e-5 * reach)
    assert panel.head["top"] == pytest.approx(reach, rel=1e-5)
    assert (panel.drawing.signed, panel.head["bar"]) == (True, True)
    assert_same_colours(panel.drawn, cells(in_red_and_blue(values, reach), len(panel.drawn)))


def test_a_channel_that_is_flat_is_painted_in_its_colour_and_named() -> None:
    app = open_walk(step="gradient", model="resnet20", layer="layer3.2")
    sent = panels(app)["gradient"]
    assert sent.values is not None
    assert np.ptp(sent.values) == 0  # the mean over the grid comes right after this layer
    assert sent.head["painted"]
    assert sent.head["badge"] == "The same everywhere: the map does not distinguish any place."


def test_the_fourth_step_has_the_sum_and_what_each_channel_adds() -> None:
    app = open_walk(step="sum")
    signed = captum_signed(3, "conv2", logit(predicted(3)))
    assert_map(panels(app)["sum"], signed, np.abs(signed).max())
    assert f"add up to **{digits(signed.sum(), sign=True)}**" in texts(app)
    assert_tiles(app, SHIP.contributions, np.abs(SHIP.contributions).max())
    assert grid(app)["values"] == [digits(SHIP.contributions[k].sum(), sign=True) for k in BY_SIZE]


def cells(coloured: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return cv2.resize(coloured, (side, side), interpolation=cv2.INTER_NEAREST_EXACT)


def test_the_fifth_step_has_both_maps_and_what_is_thrown_away() -> None:
    app = open_walk(step="relu", img="5")
    found = by_hand(5, "conv2", logit(predicted(5)))
    signed = captum_signed(5, "conv2", logit(predicted(5)))
    for name, values in (("before", signed), ("after", signed.clip(min=0))):
        assert_map(panels(app)[name], values, np.abs(signed).max())
    below = signed[signed < 0]
    assert f"Thrown away: {len(below)}.0 % of the cells** ({len(below)} of 100)" in texts(app)
    assert f"add up to **{digits(below.sum(), sign=True)}**; the largest of them is **{digits(below.min())}**" in texts(app)
    in_order = np.argsort(-np.abs(found.weights), kind="stable")
    np.testing.assert_allclose(grid(app)["bars"], found.shares[in_order], atol=1e-5)


def test_the_sixth_step_enlarges_the_map_with_each_cell_where_it_looks() -> None:
    app = open_walk(step="enlarge")
    values, looks = captum_map(3, "conv2"), 6.5 + 2 * np.arange(10)
    nearest = np.abs(np.arange(32)[:, None] - looks).argmin(1)  # no pixel lies halfway
    rows = np.stack([np.interp(np.arange(32), looks, column) for column in values.T], 1)
    smooth = np.stack([np.interp(np.arange(32), looks, row) for row in rows])
    sent = panels(app)
    np.testing.assert_allclose(sent["nearest"].values, values[nearest][:, nearest], atol=1e-6)
    np.testing.assert_allclose(sent["bilinear"].values, smooth, atol=1e-6)
    assert "two cells look at places 2 pixels apart across, and 2 down" in texts(app)
    assert "Cells are drawn where they look; stretching would shift them by up to 5.4 px." in captions(app)
    assert "dashed" not in captions(app)  # at full size no border is marked


def test_the_sixth_step_enlarges_the_map_in_two_ways() -> None:
    drawn = {"palette": "viridis", "strength": "40", "opacity": "even", "contour": "off", "placement": "stretched"}
    app = open_walk(step="enlarge", **drawn)
    values = captum_map(3, "conv2")
    sent = panels(app)
    np.testing.assert_allclose(sent["grid"].values, values, atol=1e-6)
    for name, large in (
        ("nearest", values[np.arange(32) * 10 // 32][:, np.arange(32) * 10 // 32]),
        ("bilinear", cv2.resize(values, (32, 32), interpolation=cv2.INTER_LINEAR)),
    ):
        for panel in (sent[name], sent[f"{name}-over"]):
            np.testing.assert_allclose(panel.values, large, atol=1e-6)
            assert panel.head["top"] == pytest.approx(values.max())
        expected = cv2.applyColorMap(np.rint(large / values.max() * 255).clip(0, 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
        assert_same_colours(sent[name].drawn[3::6, 3::6], expected[..., ::-1])
        over = 0.6 * pixels()[3] + 0.4 * expected[..., ::-1]
        assert_same_colours(sent[f"{name}-over"].drawn[3::6, 3::6], np.rint(over).astype(np.uint8))
        assert f"largest {digits(large.max())}" in captions(app)
    assert "40 % opaque everywhere" in captions(app)
    assert "channel_grid" not in str(app.get("bidi_component"))


# Section: one channel


def test_the_panel_tells_what_a_channel_promises_and_what_it_does() -> None:
    for channel in (LEADING, 6):
        app = open_walk(channel=str(channel))
        with_all, without = SHIP.score, score_without(3, "conv2", channel, logit(predicted(3)))
        promised = SHIP.contributions[channel].sum()
        words = texts(app)
        assert f"**Channel {channel}**" in words
        assert f"Weight α, the mean gradient: **{digits(SHIP.weights[channel], sign=True)}**" in words
        assert f"Share of the map: **{SHIP.shares[channel] * 100:.1f} %**".replace("-", "−") in words
        assert f"α promises that the score {moves(promised)}." in words
        assert f"the score **{moves(with_all - without)}**, from" in words
        said = re.search(r"from (-?\d+\.\d+) to (-?\d+\.\d+)\.", words.replace("−", "-"))
        assert said is not None
        assert float(said[1]) - float(said[2]) == pytest.approx(with_all - without, rel=0.02)
        assert float(said[1]) == pytest.approx(with_all, abs=0.006)
        assert grid(app)["picked"] == channel


def moves(effect: float) -> str:
    return f"{'falls' if effect > 0 else 'rises'} by {digits(abs(effect))}"


def test_a_promise_that_an_average_breaks_is_explained_by_the_cells() -> None:
    by_cell = float((SHIP.gradient[LEADING] * SHIP.activation[LEADING]).sum())
    assert SHIP.contributions[LEADING].sum() > 0 > by_cell  # the channel of the largest share does the opposite
    assert f"each with its own gradient, the promise is that it {moves(by_cell)}: that promise is kept." in texts(open_walk())


def test_another_channel_is_typed_and_the_strongest_is_one_press_away() -> None:
    app = open_walk(step="weights")
    app.number_input(key="channel").set_value(99).run()
    assert query(app)["channel"] == "15"
    assert "**Channel 15**" in texts(app)
    press(app, "The one with the largest share")
    assert "channel" not in query(app)
    assert f"**Channel {LEADING}** · it has the largest share of the map" in texts(app)


def test_a_layer_that_hands_on_what_it_was_given_has_no_ablation(monkeypatch: pytest.MonkeyPatch) -> None:
    def handed_on(*_: object, **__: object) -> xl.ChannelAblation:
        raise xl.LayerError("layers: 'x' only passes on its input")

    monkeypatch.setattr(xl, "channel_ablation", handed_on)
    app = open_walk()
    assert "This layer does not allow that: layers: 'x' only passes on its input." in captions(app)
    assert not app.error


# Section: channels switched off


def test_without_some_channels_the_sum_is_that_of_the_others() -> None:
    app = open_walk(step="sum", without="2,9")
    rest = np.delete(SHIP.contributions, [2, 9], axis=0).sum(0)
    signed, missing = SHIP.contributions.sum(0), SHIP.contributions[[2, 9]].sum(0)
    assert_map(panels(app)["sum"], rest, max(np.abs(signed).max(), np.abs(rest).max()))
    assert grid(app)["left_out"] == [2, 9]
    row, column = np.unravel_index(int(np.abs(missing).argmax()), missing.shape)
    assert (
        f"**14** of 16 channels are on; the cells of the sum add up to **{digits(rest.sum(), sign=True)}**. The 2 that are off "
        f"would have added **{digits(missing.sum(), sign=True)}** to that, most of all to the cell in row {row}, column "
        f"{column}: **{digits(missing[row, column], sign=True)}**. Of the full map that is a share of "
        f"**{SHIP.shares[[2, 9]].sum() * 100:.1f} %**."
    ) in texts(app)


def test_buttons_switch_many_channels_at_once() -> None:
    app = open_walk(step="sum", channel="6")
    below = [str(k) for k in range(16) if SHIP.weights[k] <= 0]
    for name, off in (
        ("Only α above 0", below),
        ("Only α below 0", [str(k) for k in range(16) if SHIP.weights[k] >= 0]),
        ("Only channel 6", [str(k) for k in range(16) if k != 6]),
        ("All off", [str(k) for k in range(16)]),
    ):
        press(app, name)
        assert query(app)["without"] == ",".join(off)
    shown = panels(app)["sum"].head
    assert (shown["badge"], shown["painted"]) == ("Zero everywhere: no channel that is on adds anything.", False)
    press(app, "All on")
    assert "without" not in query(app)


@pytest.mark.parametrize("step", ["relu", "enlarge"])
def test_later_steps_go_on_with_what_is_switched_on_and_say_so(step: str) -> None:
    app = open_walk(step=step, without="2,9")
    assert "2 of 16 channels are switched off in step 4" in app.warning[0].value
    rest = np.delete(SHIP.contributions, [2, 9], axis=0).sum(0)
    assert digits(rest.max()) in f"{captions(app)} {' '.join(alts(app))} {texts(app)}"


# Section: other targets, layers and networks


def test_a_contrast_and_a_probability_are_walked_through() -> None:
    app = open_walk(step="gradient", target="6", minus="2", evidence="against")
    found = by_hand(3, "conv2", lambda y: -(y[:, 6] - y[:, 2]))
    assert f"**y = {digits(found.score)}** is the logit of frog less that of bird, with its sign turned" in texts(app)
    app = open_walk(step="weights", score="probability")
    found = by_hand(3, "conv2", lambda y: y.softmax(1)[:, predicted(3)])
    np.testing.assert_allclose(grid(app)["bars"], sorted(found.weights, key=lambda one: -abs(one)), atol=1e-7)
    assert "probability" in captions(app).splitlines()  # in the line above the pictures


def zero_map() -> int:
    """An image whose map at pool1 is zero everywhere."""
    for image in range(300):
        if not captum_map(image, "pool1").any():
            return image
    raise AssertionError("none of the first 300 images has a zero map")


@pytest.mark.parametrize("step", ["relu", "enlarge"])
def test_a_map_that_is_zero_everywhere_is_named(step: str) -> None:
    app = open_walk(step=step, img=str(zero_map()), layer="pool1")
    shown = panels(app)["after" if step == "relu" else "grid"].head
    badge = "Zero everywhere: the sum is nowhere above zero, so nothing is left to show."
    assert (shown["badge"], shown["painted"]) == (badge, False)
    assert not any(alt.startswith("The map enlarged") for alt in alts(app))
    if step == "relu":
        assert "Share of the map: **none, the map is zero everywhere**" in texts(app)


@pytest.mark.parametrize("step", ["relu", "enlarge"])
def test_a_grid_of_one_cell_is_named_and_not_taken_for_a_place(step: str, start: Callable[..., None]) -> None:
    start("--model", "own_networks:tiny", "--input-size", "16")
    app = open_page("how_it_works", step=step, img="0")
    assert not app.error
    assert "layer 0, 5 channels of 1 × 1" in captions(app)
    assert any("everywhere" in panel.head["badge"] for panel in panels(app).values())


def test_of_many_channels_those_with_the_largest_shares_are_shown_and_said(start: Callable[..., None]) -> None:
    start("--model", "own_networks:wide", "--input-size", "16")
    app = open_page("how_it_works", img="0", channel="599")
    assert len(grid(app)["channels"]) == 512
    assert "These 512 of 600 channels have the largest shares of the map; choose any other by its number." in captions(app)
    assert "**Channel 599**" in texts(app)
    model = xl.shared_cache("cpu").model("own_networks:wide")
    walk = xl.walkthrough(model, xl.fit_picture(pixels()[0], model.input_size, "crop"))
    largest = sorted(np.argsort(-np.abs(walk.shares), kind="stable")[:512].tolist())
    assert sorted(grid(app)["channels"]) == largest
    sizes = np.abs(walk.weights[grid(app)["channels"]])
    assert (np.diff(sizes) <= 0).all()
    assert grid(open_page("how_it_works", img="0", channels="number"))["channels"] == largest


def test_what_is_not_finite_is_said(start: Callable[..., None]) -> None:
    start("--model", "own_networks:infinite", "--input-size", "16")
    app = open_page("how_it_works", img="0", layer="0")
    assert "Not finite: this layer's activations or gradients contain NaN or infinity" in app.error[0].value


# Section: from step to step


def test_steps_go_on_and_back_through_a_deeper_network_and_are_in_the_address() -> None:
    start = {"img": "17", "model": "resnet20", "modules": "all"}
    app = open_walk(**start)
    press(app, "Step back")
    assert query(app)["step"] == "network"
    assert app.header[0].value.startswith("0 of 6 · ")
    assert app.button[buttons(app).index("Step back")].disabled
    press(app, "Next step")
    assert query(app) == start
    for number, step in enumerate(STEPS, start=1):
        if number > 1:
            press(app, "Next step")
            assert query(app)["step"] == step
        assert not app.error
        assert not app.warning
        assert app.header[0].value.startswith(f"{number} of 6 · ")
        assert all(alts(app))
    again = open_walk(**query(app))
    assert [one.value for one in again.markdown] == [one.value for one in app.markdown]
    assert alts(again) == alts(app)
    press(app, "Step back")
    assert query(app)["step"] == "relu"
    press(app, "Forward")
    assert query(app) == start
    assert f"true {xl.CLASSES[labels()[17]]}" in captions(app)


def heading(page: Page, step: int) -> None:
    expect(page.get_by_role("heading", level=2).first).to_contain_text(f"{step} of 6", timeout=20_000)


def test_in_a_browser_keys_step_and_clicks_pick_and_switch(page: Page, root: str) -> None:
    page.goto(f"{root}/how_it_works?img=3")
    tiles = page.locator(".channel-grid button")
    expect(tiles).to_have_count(16, timeout=60_000)
    settle(page)
    _keys_step(page)
    _keys_in_a_field_are_typed(page)
    _a_click_picks_and_arrow_keys_stay_in_the_grid(page)
    _a_click_switches(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def _keys_step(page: Page) -> None:
    for key, step in (("3", 3), ("6", 6), ("Shift+ArrowLeft", 5), ("Shift+ArrowRight", 6), ("0", 0), ("1", 1)):
        page.keyboard.press(key)
        heading(page, step)
        settle(page)  # a key has its button again once the page stands
        assert address(page)["img"] == "3"  # the arrow alone would be another image


def _keys_in_a_field_are_typed(page: Page) -> None:
    field = page.get_by_role("spinbutton", name="Channel to look at")
    field.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.get_by_text("What if channel 12 were zero?")).to_be_visible()
    heading(page, 1)
    page.get_by_role("heading", level=1).click()


def _a_click_picks_and_arrow_keys_stay_in_the_grid(page: Page) -> None:
    page.locator('.channel-grid button[data-channel="4"]').click()
    expect(page.locator(".channel-grid .picked")).to_have_attribute("data-channel", "4")
    expect(page.get_by_text("What if channel 4 were zero?")).to_be_visible()
    beside = BY_SIZE[BY_SIZE.index(4) - 1]
    page.keyboard.press("ArrowLeft")
    focused = page.locator(".channel-grid button:focus")
    expect(focused).to_have_attribute("data-channel", str(beside))
    label = focused.get_attribute("aria-label") or ""
    assert label == f"Channel {beside}: largest cell {digits(SHIP.activation[beside].max())}; click to look at it"
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"What if channel {beside} were zero?")).to_be_visible()
    settle(page)
    assert (address(page)["img"], address(page)["channel"]) == ("3", str(beside))


def _a_click_switches(page: Page) -> None:
    page.locator('.channel-grid button[data-channel="0"]').click()  # the focus is in the grid: keys step all the same
    expect(page.locator(".channel-grid .picked")).to_have_attribute("data-channel", "0")
    page.keyboard.press("4")
    heading(page, 4)
    expect(page.locator(".channel-grid button:focus")).to_have_attribute("data-channel", "0")
    for channel, off in (("2", 1), ("9", 2), ("2", 1)):
        page.locator(f'.channel-grid button[data-channel="{channel}"]').click()
        expect(page.locator(".channel-grid .left-out")).to_have_count(off)
    assert (address(page)["without"], address(page)["channel"]) == ("9", "2")
    expect(page.locator(".channel-grid .left-out")).to_have_attribute("data-channel", "9")
    expect(page.locator('.channel-grid button[data-channel="9"]')).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text("The one that is off would have added")).to_be_visible()


def test_in_a_browser_a_layer_of_the_drawing_is_a_click_or_a_key_away(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{root}/how_it_works?img=3&model=resnet20&step=network")
    link = page.locator('.network-map a[data-layer="layer1.0.conv1"]')
    expect(link).to_be_visible(timeout=60_000)
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    link.click()
    page.wait_for_url("**layer=layer1.0.conv1**")
    expect(link).to_have_attribute("aria-current", "true")
    page.locator('.network-map a[data-layer="layer1.0.bn1"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**layer=layer1.0.bn1**")
    assert (address(page)["step"], address(page)["img"]) == ("network", "3")


def test_in_a_browser_the_sum_stays_in_sight_while_channels_are_switched(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{root}/how_it_works?img=3&model=resnet20&step=sum")
    tiles = page.locator(".channel-grid button")
    expect(tiles).to_have_count(64, timeout=60_000)
    settle(page)
    for place, off in ((40, 1), (2, 2)):
        tile = tiles.nth(place)
        tile.evaluate("tile => tile.scrollIntoView({block: 'end'})")
        tile.click()
        expect(page.locator(".channel-grid .left-out")).to_have_count(off)
        expect(page.get_by_text(f"**{64 - off}** of 64 channels are on".replace("**", ""))).to_be_visible()
        box = page.locator(".stage figure", has_text="The sum").locator(".place").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 720
