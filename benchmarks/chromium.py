"""Chromium without a window, and a clock inside its pages."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
CLOCK = (Path(__file__).parent / "page_clock.js").read_text()
WINDOW = {"width": 1440, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium or Chrome, or else the one that Playwright has installed."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Tab:
    """A page in a browser window of its own; all times are milliseconds, taken inside the page."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self._browser = browser
        self.page: Page = self._blank()

    def _blank(self) -> Page:
        page = self._browser.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
        page.add_init_script(CLOCK)
        return page

    def renew(self) -> None:
        """Another page in another window, which remembers nothing of the last one."""
        self.close()
        self.page = self._blank()

    def close(self) -> None:
        self.page.context.close()

    def open(self, path: str) -> float:
        """From the start of the navigation to the last change of the page."""
        self.begin(path)
        return self._number("() => pageClock.settled(0, 1)", "elapsed")

    def begin(self, path: str) -> None:
        """Open a page, and go on once it has its title."""
        self.page.bring_to_front()
        self.page.goto(self.address + path, wait_until="commit")
        self.page.wait_for_selector("h1", timeout=90_000)

    def settle(self) -> None:
        """Wait until nothing has changed for a while."""
        self._number("() => pageClock.settled(0, 1)", "elapsed")

    def wait_for_all(self) -> None:
        """Wait until what comes after the pictures of the layer explorer is there too, the check-up last."""
        self.page.wait_for_function(
            "() => /Model check-up/.test(document.body.textContent) && !/being made/.test(document.body.textContent)",
            timeout=600_000,
        )
        self.settle()

    def press(self, target: Locator) -> float:
        """From the press to the last change of the page that follows from it."""
        self.page.bring_to_front()
        found = target.evaluate("element => pageClock.press(element)")
        self._check()
        return float(found["elapsed"])

    def press_key(self, key: str) -> float:
        """From the press of a key, an arrow or a digit, to the last change of the page that follows from it."""
        self.page.bring_to_front()
        code = f"Digit{key}" if key.isdigit() else key
        found = self.page.evaluate("([key, code]) => pageClock.pressKey(key, code)", [key, code])
        self._check()
        return float(found["elapsed"])

    def press_next(self) -> float:
        """Press the button to the next image."""
        return self.press(self._main.get_by_role("button", name="Next").first)

    def press_button(self, words: str) -> float:
        """Press the button with these words on it."""
        return self.press(self._main.get_by_role("button", name=words, exact=True))

    def press_panel(self, name: str) -> float:
        """Press the panel of that name on the stage."""
        return self.press(self._main.locator(f'[data-picture="{name}"]'))

    def follow(self, title: str) -> float:
        """Follow the navigation to the page with that title."""
        elapsed = self.press(self._navigation_link(title))
        if self.page.locator("h1").first.inner_text() != title:
            raise RuntimeError(f"the navigation did not lead to {title}")
        return elapsed

    def start(self, started: float) -> tuple[float, float]:
        """Open the first page of a server that has just started: its start to the title, and to the last change."""
        self.page.goto(self.address, wait_until="commit")
        self.page.wait_for_selector("h1", timeout=90_000)
        readable = time.time()
        settled = self._number("() => pageClock.settled(0, 1)", "moment")
        return (readable - started) * 1000, settled - started * 1000

    def _navigation_link(self, title: str) -> Locator:
        """The link to a page; of one in a section once the section's menu is open."""
        banner = self.page.get_by_role("banner")
        link = banner.get_by_role("link", name=title, exact=True)
        if link.count():
            return link
        sections = banner.get_by_test_id("stTopNavSection")
        for place in range(sections.count()):
            sections.nth(place).click()
            entry = self.page.get_by_role("menuitem", name=title, exact=True)
            if entry.count():
                return entry
            self.page.keyboard.press("Escape")
        raise RuntimeError(f"the navigation has no {title}")

    @property
    def _main(self) -> Locator:
        return self.page.get_by_test_id("stMain")

    def _number(self, script: str, key: str) -> float:
        found = self.page.evaluate(script)
        self._check()
        return float(found[key])

    def _check(self) -> None:
        errors = self.page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').all_inner_texts()
        if errors:
            raise RuntimeError(f"{self.page.url} says: {' '.join(errors)}")
