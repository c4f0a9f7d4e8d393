"""A room in Chromium: its code leaves the pictures whole, can be shown large, and phones vote with a thumb."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from running_app import free_port, served, settle, streamlit_command

SCREENS = ((1280, 720), (1440, 900), (1920, 1080))
DEER = "/layer_explorer?img=1015&model=resnet20&set=cifar10&lesson=grad-cam&present=on"
BOXES = """() => [...document.querySelector('.stage').querySelectorAll('.fits .place')]
  .map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.top, box.right, box.bottom])"""


@pytest.fixture(scope="module")
def open_root() -> Iterator[str]:
    """A server that the network reaches."""
    port = free_port()
    with served([*streamlit_command(), "--server.address", "0.0.0.0"], port) as address:
        yield address


def test_the_code_is_large_and_then_beside_whole_pictures_and_a_phone_votes(
    page: Page, browser: Browser, open_root: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{open_root}{DEER}")
    page.wait_for_function("Boolean(window.hasRoomKeys)", timeout=180_000)
    settle(page)
    page.keyboard.press("v")
    large = page.get_by_role("dialog").locator(".vote-qr")
    expect(large).to_be_visible()
    assert (large.bounding_box() or {})["height"] > 0.6 * 720
    expect(large).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    code = page.locator(".st-key-vote .vote-address b").inner_text()
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        expect(page.locator(".st-key-vote .vote-qr")).to_be_in_viewport(ratio=1)
        assert (page.locator(".st-key-vote .vote-qr").bounding_box() or {})["width"] > 260
        expect(page.locator(".st-key-vote .vote-address")).to_be_in_viewport(ratio=1)
        boxes = page.evaluate(BOXES)
        assert len(boxes) == 3
        assert all(left >= 0 and top >= 0 and right <= width - 320 and bottom <= height for left, top, right, bottom in boxes)
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    phone.goto(f"{open_root}/vote?room={code}")
    picture = phone.get_by_role("button", name="The picture")
    picture.tap(position={"x": 90, "y": 120})
    expect(phone.get_by_text("Your vote: this place.")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    expect(phone.get_by_test_id("stHeader")).not_to_be_visible()
    phone.reload()
    expect(phone.get_by_text("Your vote: this place.")).to_be_visible()
    expect(page.locator(".st-key-vote .vote-count")).to_have_text("1 vote of 1 phone")
    page.keyboard.press("a")
    expect(page.locator(".spot.vote")).to_have_count(3)
    expect(phone.get_by_text("The answer is on the screen.")).to_be_visible()
    phone.context.close()
