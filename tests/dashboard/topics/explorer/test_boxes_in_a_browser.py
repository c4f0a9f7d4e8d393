"""The boxes of a detector in Chromium: a click chooses one, the next click on the same place the next."""

from playwright.sync_api import Browser, expect
from running_app import free_port, served, settle, streamlit_command

import explain_lib as xl
from tests.support.any_network import own_detectors

MODEL = "tests.support.any_network.own_detectors:ssd"


def crowded_place() -> tuple[float, float]:
    """The middle of a pixel in several of the boxes that are drawn, as shares down and along."""
    model = xl.as_model(own_detectors.ssd(), input_size=(32, 32), mean=(0,) * 3, std=(1,) * 3)
    found = xl.predicted_boxes(model, xl.load_cifar10().pixels[[3]]).boxes[:8]
    places = [((row + 0.5) / 32, (column + 0.5) / 32) for row in range(32) for column in range(32)]
    return max(places, key=lambda place: sum(one.box.holds(*place) for one in found))


def test_clicks_on_one_place_go_through_the_boxes_there(browser: Browser) -> None:
    down, along = crowded_place()
    with served([*streamlit_command(), "--", "--model", MODEL, "--input-size", "32"], free_port()) as root:
        page = browser.new_page()
        page.goto(f"{root}/layer_explorer?img=3")
        panel = page.locator('[data-picture="boxes"]')
        expect(panel).to_be_visible(timeout=60_000)
        settle(page)
        expect(panel.locator(".spot.box.chosen")).to_have_count(1)
        chosen = []
        for _ in range(2):
            box, before = panel.bounding_box(), page.url
            assert box is not None
            page.mouse.click(box["x"] + along * box["width"], box["y"] + down * box["height"])
            page.wait_for_url(lambda address, before=before: address != before and "region=box" in address)
            settle(page)
            chosen.append(page.url.partition("region=")[2].partition("&")[0])
        assert chosen[0] != chosen[1]
        assert page.locator('[data-picture="map"] .spot.box.chosen').count() == 1
        page.close()
