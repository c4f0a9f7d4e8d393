"""What a lecture asks for on the spot, in Chromium: the presses that it takes from the dashboard as it opens."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from running_app import settle

PLACE = "(panel) => document.querySelector(`[data-picture='${panel}']`).getBoundingClientRect().top"


@pytest.fixture
def landing(page: Page, root: str) -> Page:
    page.goto(root)
    page.wait_for_function("Boolean(window.hasRoomKeys)", timeout=180_000)
    settle(page)
    return page


def test_all_layers_of_the_deep_network_are_one_press_away(landing: Page) -> None:
    top = landing.evaluate(PLACE, "picture")
    assert top <= 136
    landing.locator(".link", has_text="resnet20").click()
    expect(landing.locator(".strip .panel")).to_have_count(19)
    landing.wait_for_url(re.compile("model=resnet20"))
    settle(landing)
    assert landing.evaluate(PLACE, "picture") == top


def test_the_map_of_a_random_network_is_one_press_away(landing: Page) -> None:
    landing.locator(".link", has_text="a random network").click()
    landing.wait_for_url(re.compile("sanity_checks.*randomised=5"))
    expect(landing.locator(".multiples .panel")).to_have_count(8)
    expect(landing.get_by_text("Ignored in the address")).to_have_count(0)


def test_a_cat_that_is_surely_taken_for_a_dog_is_three_presses_away(landing: Page) -> None:
    landing.locator(".link", has_text="confident mistakes").click()
    landing.wait_for_url(re.compile("class_browser.*outcome=wrong&low=90"))
    landing.get_by_role("button", name="true cat, predicted dog: 231 images").click()
    landing.get_by_role("button", name="Open resnet20: 16 images").click()
    expect(landing.get_by_text("0 predicted right")).to_contain_text("16 images")
    assert {"class=3", "predicted=5", "low=90", "model=resnet20"} <= set(landing.url.partition("?")[2].split("&"))


@pytest.fixture
def copying(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


def test_share_copies_the_address_and_says_so(copying: Page, root: str) -> None:
    copying.goto(f"{root}/layer_explorer?img=5&model=tutorial")
    copying.wait_for_function("Boolean(window.hasRoomKeys)", timeout=180_000)
    settle(copying)
    copying.get_by_role("button", name="Share").click()
    expect(copying.get_by_role("status").filter(has_text="The address is copied")).to_be_visible()
    copied = copying.evaluate("navigator.clipboard.readText()")
    assert copied == copying.get_by_test_id("stCode").inner_text().strip()
    assert "img=5&model=tutorial" in copied


def test_play_stands_above_the_pictures_of_a_training(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{root}/training_time")
    page.wait_for_function("Boolean(window.hasRoomKeys)", timeout=180_000)
    settle(page)
    play = page.get_by_role("button", name="Play")
    expect(play).to_be_in_viewport(ratio=1)
    box = play.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < page.evaluate(PLACE, "picture") <= 170
