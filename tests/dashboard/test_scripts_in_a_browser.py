"""The scripts of the components: from addresses of their own, once a tab, also below another path and after a fault."""

import re
import urllib.request
from collections import Counter
from urllib.error import HTTPError

import pytest
from playwright.sync_api import Browser, Page, Response, expect
from running_app import free_port, served, settle, streamlit_command

STAGE = re.compile(r"/scripts/stage-[0-9a-f]{16}\.js$")


def open_address(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)


def test_each_script_is_loaded_once_whatever_one_does_and_may_be_kept_for_ever(page: Page, root: str) -> None:
    loaded: Counter[str] = Counter()
    kept: set[str] = set()

    def note(answer: Response) -> None:
        if "/scripts/" in answer.url:
            loaded[answer.url] += 1
            kept.add(answer.headers["cache-control"])

    page.on("response", note)
    open_address(page, f"{root}/disagreement?img=3")  # several stages
    page.keyboard.press("ArrowRight")
    settle(page)
    page.get_by_role("banner").get_by_text("Look", exact=True).click()
    page.get_by_role("menuitem", name="Class browser").click()
    expect(page.locator(".image-grid button").first).to_be_visible()
    settle(page)
    names = sorted(re.sub(r"-[0-9a-f]{16}\.js$", "", address.rpartition("/")[2]) for address in loaded)
    assert {"image_grid", "keyboard", "stage", "steps"} <= set(names)
    assert len(names) == len(set(names))
    assert set(loaded.values()) == {1}
    assert kept == {"public, max-age=31536000, immutable"}


def test_another_name_is_not_found(root: str) -> None:
    for name in ("stage.js", "stage-0123456789abcdef.js"):
        with pytest.raises(HTTPError, match="404"):
            urllib.request.urlopen(f"{root}/scripts/{name}")


def test_a_script_that_cannot_be_loaded_is_said_in_its_place(page: Page, root: str) -> None:
    page.route(STAGE, lambda route: route.abort())
    open_address(page, f"{root}/layer_explorer?img=3")
    expect(page.get_by_text("Part of this page could not be loaded. Reload the page.").first).to_be_visible()


def test_pictures_are_drawn_below_another_path(browser: Browser) -> None:
    with served([*streamlit_command(), "--server.baseUrlPath=room/4"], free_port(), "/room/4") as root:
        page = browser.new_page()
        open_address(page, f"{root}/layer_explorer?img=3")
        expect(page.locator('[data-picture="overlay"] canvas')).to_be_visible()
        page.close()
