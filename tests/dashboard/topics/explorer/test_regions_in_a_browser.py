"""The predicted classes of a network that segments, clicked in Chromium, by pointer and by keys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from running_app import free_port, served, settle, streamlit_command


@pytest.fixture(scope="module")
def unet_root() -> Iterator[str]:
    """A dashboard with the U-Net of tests/support, imported from the root of the project."""
    options = ["--model", "tests.support.own_networks:unet", "--input-size", "32"]
    with served([*streamlit_command(), "--", *options], free_port()) as address:
        yield address


def test_a_place_of_the_predicted_classes_is_chosen_by_pointer_and_by_keys(page: Page, unet_root: str) -> None:
    page.goto(f"{unet_root}/layer_explorer?img=3")
    regions = page.locator('[data-picture="regions"]')
    expect(regions).to_be_visible()
    settle(page)
    regions.scroll_into_view_if_needed()
    box = regions.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 16.5 / 32, box["y"] + box["height"] * 30.5 / 32)
    page.wait_for_url("**region=30%2C16**")
    settle(page)
    expect(regions.locator(".spot.said .words")).to_have_text("explained")
    regions.press("ArrowUp")
    regions.press("ArrowLeft")
    regions.press("Enter")
    page.wait_for_url("**region=29%2C15**")
    settle(page)
    page.get_by_text("wherever it is predicted").click()
    page.wait_for_url(lambda url: "region=" not in url)
