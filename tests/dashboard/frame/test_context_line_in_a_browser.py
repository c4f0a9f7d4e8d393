"""The line above every page, and where its first picture begins, at a desk, on a small laptop and on a phone."""

import pytest
from playwright.sync_api import Page, expect
from running_app import settle

from dashboard.pages import LANDING, PAGES

HIGHEST = 48
MOST_STOPS = 8
SIZES = {"desk": (1440, 900, 170), "laptop": (1280, 720, 170), "phone": (390, 844, 220)}
"""Width, height, and where the first picture may begin at the latest, in pixels."""
ADDRESSES = [f"/{'' if page == LANDING else page}{query}" for page in PAGES for query in ("", "?img=137&model=resnet20")]
# The top of the first picture, canvas or chart of some size, its lower end, and the tab stops before it.
FIRST = """() => {
  const main = document.querySelector('[data-testid="stMain"]'), seen = [];
  const collect = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) collect(one.shadowRoot);
      if (!one.matches("img, canvas, svg.main-svg, .js-plotly-plot, [data-picture]")) continue;
      const box = one.getBoundingClientRect();
      if (box.width >= 64 && box.height >= 64) seen.push([box.top + main.scrollTop, box.bottom + main.scrollTop, one]);
    }
  };
  collect(main);
  if (!seen.length) return null;
  const [top, bottom, first] = seen.sort((a, b) => a[0] - b[0])[0];
  const stops = [...main.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')].filter((one) =>
    !one.disabled && one.tabIndex >= 0 && one.getClientRects().length
    && (first.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING));
  return [top, bottom, stops.length];
}"""


def first_picture(page: Page) -> list[float]:
    """Where it begins and ends and the tab stops before it, once that no longer changes: a page may be at work below it."""
    page.wait_for_function(f"() => ({FIRST})() !== null", timeout=120_000)
    seen: list[list[float]] = [[], []]
    while seen[-1] != seen[-2] or not seen[-1]:
        page.wait_for_timeout(700)
        seen.append(page.evaluate(FIRST) or [])
        assert len(seen) < 100, "it went on changing"
    return seen[-1]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_first_picture_begins_high_up_after_one_line(page: Page, root: str, address: str) -> None:
    page.goto(root + address)
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_function("window.hasRoomKeys", timeout=60_000)  # they take the help beside the title out of the tab order
    for name, (width, height, latest) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        top, bottom, stops = first_picture(page)
        assert top <= latest, (name, top)
        assert bottom <= height, (name, bottom)
        assert stops <= MOST_STOPS, (name, stops)
        box = page.locator(".st-key-context-line").bounding_box()
        assert box is not None
        assert box["height"] <= HIGHEST, name


def test_on_a_phone_the_line_scrolls_sideways_in_itself_to_its_end(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{root}/layer_explorer?img=3")
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    last = page.get_by_role("button", name="Present").first
    expect(last).not_to_be_in_viewport()
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 1
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollLeft") == 0


def test_the_line_is_reached_by_the_tab_key_in_its_order(page: Page, root: str) -> None:
    page.goto(f"{root}/layer_explorer?img=3")
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    page.get_by_role("combobox", name="Model").focus()
    names = []
    for _ in range(MOST_STOPS):
        names.append(
            page.evaluate("() => document.activeElement.ariaLabel || document.activeElement.innerText.split('\\n')[0]")
        )
        page.keyboard.press("Tab")
    assert [name.split()[0] for name in names] == ["Model", "Test", "Target", "Layer", "⚙", "Open", "Share", "Present"]


def test_the_purpose_of_a_page_is_behind_the_sign_beside_its_title(page: Page, root: str) -> None:
    page.goto(f"{root}/scan")
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    page.locator(".st-key-context-line h1 button").hover()
    expect(page.get_by_text(PAGES["scan"].purpose)).to_be_visible()
    assert PAGES["scan"].purpose.startswith("The same two maps")


def test_in_a_presentation_only_the_title_and_the_way_out_are_left_of_the_line(page: Page, root: str) -> None:
    page.goto(f"{root}/layer_explorer?img=3&present=on")
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)
    line = page.locator(".st-key-context-line")
    assert [words for words in line.inner_text().split("\n") if words.strip()] == ["Layer explorer", "Leave", "P"]
    line.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("combobox", name="Model")).to_be_visible()
