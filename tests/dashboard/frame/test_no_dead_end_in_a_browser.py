"""Addresses that used to lead nowhere, opened in Chromium: each shows pictures at once, and says in a line what it shows."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from running_app import address, settle


@pytest.fixture
def opened(page: Page, root: str, request: pytest.FixtureRequest) -> Page:
    """The page at the address that the test names."""
    page.goto(root + request.param)
    settle(page)
    return page


def first(page: Page, selector: str) -> Locator:
    found = page.locator(selector).first
    expect(found).to_be_visible()
    return found


def top(found: Locator) -> float:
    """How far down it begins, in pixels."""
    box = found.bounding_box()
    assert box is not None
    return box["y"]


@pytest.mark.parametrize("opened", ["/disagreement?model=resnet20&img=137"], indirect=True)
def test_another_network_than_the_studys_is_compared_on_a_shared_layer_and_a_line_says_so(opened: Page) -> None:
    said = opened.get_by_text("The study's calls name layers that resnet20 does not have (relu2, pool1, conv2)")
    expect(said).to_contain_text("both programs use one shared layer instead, layer3.2.conv2.")
    assert top(said) < top(first(opened, "canvas"))
    assert address(opened) == {"model": "resnet20", "img": "137"}


@pytest.mark.parametrize("opened", ["/seed_gallery?model=resnet20&drawing=notebook"], indirect=True)
def test_the_eight_pictures_of_another_network_are_that_networks(opened: Page) -> None:
    expect(opened.get_by_text("predicted plane 66.1 %")).to_be_visible()
    expect(opened.get_by_role("alert")).to_have_count(0)
    opened.get_by_role("button", name="As the notebook drew them, on captum-tutorial").click()
    expect(opened.get_by_text("predicted ship 55.3 %")).to_be_visible()
    settle(opened)
    assert address(opened) == {"img": "3", "model": "captum-tutorial", "drawing": "notebook"}


@pytest.mark.parametrize("opened", ["/training_time?model=resnet20"], indirect=True)
def test_a_training_says_whose_it_is_before_its_first_picture(opened: Page) -> None:
    said = opened.get_by_text("tutorial, a separate training: 60 epochs, of which 5 moments were kept.")
    expect(said).to_contain_text("Of resnet20 only the trained network is available.")
    assert top(said) < top(first(opened, "canvas"))


@pytest.mark.parametrize("opened", ["/scan?class=frog"], indirect=True)
def test_a_scan_opens_with_the_charts_of_an_example(opened: Page) -> None:
    expect(opened.get_by_text("Example: the first 200 of these 1,000 images.")).to_be_visible()
    expect(opened.locator(".js-plotly-plot")).to_have_count(3)
    expect(opened.locator("[data-picture]").filter(has=opened.locator("canvas"))).to_have_count(10)
    expect(opened.get_by_role("button", name="Scan 1,000 images")).to_be_visible()


@pytest.mark.parametrize("opened", ["/layer_explorer?target=Frog&minus=hrose"], indirect=True)
def test_a_class_may_be_written_by_its_name_and_an_unknown_one_is_said(opened: Page) -> None:
    expect(opened.get_by_role("alert").first).to_contain_text("there is no class of that name; similar names: horse.")
    opened.keyboard.press("ArrowRight")
    opened.wait_for_url(re.compile(r"[?&]img=4\b"))
    assert address(opened) == {"img": "4", "model": "captum-tutorial", "target": "6"}
