"""A room in Chromium: its code leaves the pictures whole, can be shown large, and phones vote with a thumb."""

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running_app import free_port, served, settle, streamlit_command

SCREENS = ((1280, 720), (1440, 900), (1920, 1080))
DEER = "/layer_explorer?img=1015&model=resnet20&set=cifar10&lesson=grad-cam&present=on"
PAIRS = (
    "/sanity_checks?img=13&model=captum-tutorial&layer=conv2&set=cifar10&blind=13,60,72,220,235,252&lesson=grad-cam&stop=10"
    "&present=on"
)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
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
    assert violations(page) == []
    phone.goto(f"{open_root}/vote?room={code}")
    picture = phone.get_by_role("button", name="The picture")
    picture.tap(position={"x": 90, "y": 120})
    expect(phone.get_by_text("Your vote: this place.")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    expect(phone.get_by_test_id("stHeader")).not_to_be_visible()
    phone.reload()
    expect(phone.get_by_text("Your vote: this place.")).to_be_visible()
    expect(page.locator(".st-key-vote .vote-count")).to_have_text("1 of 1 phone has voted")
    assert violations(phone) == []
    page.keyboard.press("a")
    expect(page.locator(".spot.vote")).to_have_count(3)
    expect(phone.get_by_text("The answer is on the screen.")).to_be_visible()
    expect(phone.locator(".spot.said .form")).to_be_visible()
    expect(phone.locator(".spot.brightest .form")).to_be_visible()
    expect(phone.get_by_text("pixels apart")).to_be_visible()
    assert violations(phone) == []
    assert violations(page) == []
    phone.context.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse, one line a kind with the first place."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]


def test_a_phone_shows_both_maps_of_a_pair_and_the_vote_below_them_on_one_screen(
    page: Page, browser: Browser, open_root: str
) -> None:
    page.goto(f"{open_root}{PAIRS}")
    page.wait_for_function("Boolean(window.hasRoomKeys)", timeout=180_000)
    settle(page)
    page.keyboard.press("v")
    code = page.get_by_role("dialog").locator(".vote-address b").inner_text()
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    phone.goto(f"{open_root}/vote?room={code}")
    for name in ("A", "B"):
        expect(phone.locator(f'[data-picture="{name}"]')).to_be_in_viewport(ratio=1)
        expect(phone.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    boxes = [phone.locator(f'[data-picture="{name}"]').bounding_box() for name in ("A", "B")]
    assert len({round(box["y"]) for box in boxes if box}) == 1
    drawn = "(name) => document.querySelector(`[data-picture='${name}'] canvas`).toDataURL()"
    assert phone.evaluate(drawn, "A") != phone.evaluate(drawn, "B")
    assert violations(phone) == []
    phone.get_by_role("button", name="A", exact=True).tap()
    expect(phone.get_by_text("Your vote: A.")).to_be_visible()
    assert violations(phone) == []
    phone.context.close()


def test_a_phone_without_a_room_has_nothing_serious(browser: Browser, open_root: str) -> None:
    for scheme in SCHEMES:
        phone = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
        phone.goto(f"{open_root}/vote?room=AAAA")
        expect(phone.get_by_role("button", name="Go to the room")).to_be_visible()
        settle(phone)
        assert violations(phone) == []
        phone.context.close()
