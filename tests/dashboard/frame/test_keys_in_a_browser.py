"""Keys, the browser's Back, and where the focus is, in Chromium."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from running_app import address, settle

RECORD = """() => {
  window.seenAddresses = [];
  for (const name of ["pushState", "replaceState"]) {
    const real = history[name];
    history[name] = (...given) => { real.apply(history, given); window.seenAddresses.push(location.href); };
  }
}"""
SCROLLED = "() => document.querySelector('[data-testid=\"stMain\"]').scrollTop"


def open_address(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("window.hasRoomKeys")
    settle(page)


def field(page: Page) -> Locator:
    return page.get_by_role("spinbutton", name="Test image")


def press(page: Page, key: str) -> dict[str, str]:
    """What the address says once the page stands that a key leads to."""
    page.keyboard.press(key)
    page.wait_for_timeout(300)
    settle(page)
    return address(page)


# Section: steps


@pytest.mark.parametrize("every", [50, 100, 200, 350])
def test_ten_presses_are_ten_images_and_the_address_goes_only_forward(page: Page, root: str, every: int) -> None:
    open_address(page, f"{root}/layer_explorer?img=137&model=resnet20")
    page.evaluate(RECORD)
    for number in range(138, 148):
        page.keyboard.press("ArrowRight")
        assert field(page).input_value() == str(number)  # at once, whatever is drawn
        page.wait_for_timeout(every)
    page.wait_for_url(re.compile(r"img=147\b"))
    settle(page)
    images = [int(re.search(r"img=(\d+)", url)[1]) for url in page.evaluate("window.seenAddresses")]  # type: ignore[index]
    assert address(page)["img"] == field(page).input_value() == "147"
    assert images == sorted(images)
    assert images[-1] == 147


def test_image_and_layer_are_reached_together(page: Page, root: str) -> None:
    open_address(page, f"{root}/layer_explorer?img=137")
    for key in ("ArrowRight", "ArrowUp", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    settle(page)
    page.wait_for_url(re.compile("img=138.*layer=conv1"))
    assert field(page).input_value() == "138"


def test_steps_follow_a_selection_and_end_with_it(page: Page, root: str) -> None:
    open_address(page, f"{root}/class_browser?class=3&predicted=6&low=60")
    shown = page.locator(".image-grid button").evaluate_all("all => all.map(one => one.dataset.image)")
    assert press(page, "ArrowLeft")["img"] == shown[-1]  # from outside to its end
    expect(page.get_by_role("button", name="Next image")).to_be_disabled()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile(rf"img={shown[-4]}\b"))
    page.get_by_role("button", name="Next image").click()
    page.wait_for_url(re.compile(rf"img={shown[-3]}\b"))


def test_a_number_is_typed_and_left_alone(page: Page, root: str) -> None:
    open_address(page, f"{root}/layer_explorer?img=137")
    field(page).fill("999999")
    assert press(page, "Enter")["img"] == "9999"
    expect(page.get_by_text("There is no image 999,999; images are numbered 0 to 9,999.")).to_be_visible()
    assert press(page, "ArrowLeft")["img"] == "9998"  # the page has the focus again
    field(page).fill("")
    assert press(page, "Enter")["img"] == field(page).input_value() == "9998"
    field(page).fill("5")
    assert press(page, "Escape")["img"] == field(page).input_value() == "9998"
    field(page).focus()
    assert press(page, "ArrowRight")["img"] == "9998"  # in the field it moves among the digits


def test_steps_rest_with_a_modifier_in_a_list_and_under_a_dialog(page: Page, root: str) -> None:
    open_address(page, f"{root}/class_browser?img=137")
    for key in ("Control+ArrowRight", "Alt+ArrowUp", "Shift+ArrowRight"):
        assert press(page, key)["img"] == "137"
    page.get_by_role("combobox", name="True class").focus()
    for key in ("ArrowDown", "ArrowRight", "Escape"):
        assert press(page, key)["img"] == "137"


# Section: Back


def test_back_returns_to_where_the_page_was_scrolled_to(page: Page, root: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    open_address(page, f"{root}/layer_explorer?img=137")
    page.mouse.move(600, 400)
    for step in (1, 2):
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(400)
        assert page.evaluate(SCROLLED) == 120 * step
        press(page, "ArrowRight")
    page.get_by_role("link", name="Lesson").click()
    expect(page.get_by_role("heading", name="Lesson", level=1)).to_be_visible()
    settle(page)
    assert page.evaluate(SCROLLED) == 0
    for image, top in (("139", 240), ("138", 240), ("137", 120)):
        page.go_back()
        page.wait_for_timeout(300)
        settle(page)
        assert address(page)["img"] == image
        assert page.evaluate(SCROLLED) == top
    page.go_forward()
    settle(page)
    assert page.evaluate(SCROLLED) == 240


def test_each_stop_of_a_lesson_is_one_entry(page: Page, root: str) -> None:
    open_address(page, f"{root}/lesson")
    before, stops = page.evaluate("history.length"), []
    for number in (1, 2, 3):
        stops.append(page.url)
        page.get_by_role("button", name="Next stop" if stops[1:] else "Start ·").click()
        expect(page.get_by_text(f"Stop {number} of 15")).to_be_visible()
        settle(page)
        assert page.evaluate("history.length") == before + number
    for url in reversed(stops):
        page.go_back()
        settle(page)
        assert page.url == url


# Section: the focus


def _choose_dog(page: Page) -> None:
    page.get_by_role("combobox", name="True class").click()
    page.get_by_role("option", name="dog").click()


def _choose_by_keys(page: Page) -> None:
    page.get_by_role("combobox", name="True class").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)


def _mark_wrong(page: Page) -> None:
    page.get_by_role("radio", name="wrong").click()


def _mark_by_enter(page: Page) -> None:
    page.get_by_role("radio", name="wrong").focus()
    page.keyboard.press("Enter")


def _switch(page: Page) -> None:
    page.get_by_text("Average map of these").click()


def _slide(page: Page) -> None:
    box = page.get_by_test_id("stSlider").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + box["height"] - 14)


@pytest.mark.parametrize("choose", [_choose_dog, _choose_by_keys, _mark_wrong, _mark_by_enter, _switch, _slide])
def test_after_a_choice_the_pages_keys_work(page: Page, root: str, choose: Callable[[Page], None]) -> None:
    open_address(page, f"{root}/class_browser?class=3&img=8")
    before = page.url
    choose(page)
    page.wait_for_url(lambda url: url != before)
    settle(page)
    chosen = page.url
    press(page, "ArrowRight")
    page.wait_for_url(lambda url: url != chosen)
    assert address(page)["img"] != "8"
    assert re.sub(r"img=\d+", "img=8", page.url) == chosen


def test_a_list_that_takes_the_focus_back_late_does_not_keep_it(page: Page, root: str) -> None:
    open_address(page, f"{root}/class_browser?class=3&img=8")
    before = page.url
    _choose_dog(page)
    page.wait_for_url(lambda url: url != before)
    chosen = page.get_by_role("combobox", name="True class")
    chosen.evaluate("one => { one.blur(); one.focus(); }")  # as Streamlit does when it has drawn a list anew
    expect(chosen).not_to_be_focused()


def test_who_moves_a_slider_or_a_mark_by_keys_keeps_the_focus(page: Page, root: str) -> None:
    open_address(page, f"{root}/class_browser?class=3&img=8")
    page.get_by_role("slider").first.focus()
    assert press(page, "ArrowRight")["low"] == "1"
    assert press(page, "ArrowRight") == {**address(page), "low": "2", "img": "8"}
    page.get_by_role("radio", name="right").focus()
    assert press(page, "Space")["outcome"] == "right"
    expect(page.get_by_role("radio", name="right")).to_be_focused()


# Section: all keys


def test_a_question_mark_lists_all_keys_which_rest_meanwhile(page: Page, root: str) -> None:
    open_address(page, f"{root}/how_it_works?img=137&lesson=grad-cam&stop=3")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_hidden()
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    for words in ("previous image, next image", "the step of that number", "answer of the stop, then the next stop"):
        expect(keys.get_by_text(words)).to_be_visible()
    before = page.url
    for key in ("ArrowRight", "p", "4", "PageDown"):
        press(page, key)
    assert page.url == before
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    assert press(page, "4")["step"] == "sum"
    page.get_by_role("button", name="All keys").click()
    expect(keys).to_be_visible()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()


# Section: from page to page

WATCH = """() => {
  window.seenFrames = [];
  const drawn = ["stBidiComponent", "stMarkdown", "stAlert", "stImage", "stBaseButton"]
    .map((part) => `[data-testid^=${part}]:not(.st-key-context-line *, .st-key-history *)`).join();
  const main = document.querySelector('[data-testid="stMain"]');
  const look = () => {
    const boxes = document.querySelector(".page-skeleton");
    window.seenFrames.push([
      main.querySelector("h1")?.innerText.trim() ?? "",
      Boolean(boxes?.checkVisibility()),
      main.querySelectorAll(drawn).length,
    ]);
    requestAnimationFrame(look);
  };
  look();
}"""


def test_another_page_begins_with_its_own_title_over_grey_boxes(page: Page, root: str) -> None:
    open_address(page, f"{root}/layer_explorer?img=137")
    page.evaluate(WATCH)
    page.get_by_role("button", name="Compare").click()
    page.get_by_test_id("stTopNavDropdownLink").filter(has_text="Disagreement").click()
    expect(page.get_by_role("heading", name="Disagreement", level=1)).to_be_visible()
    settle(page)
    frames = [tuple(frame) for frame in page.evaluate("window.seenFrames")]
    assert not [frame for frame in frames if frame[0] == "Layer explorer" and not frame[2]]
    first = next(frame for frame in frames if frame[0] == "Disagreement")
    assert first[1] or first[2]  # grey boxes, or on a quick machine the page itself
    assert not [frame for frame in frames if frame[1] and frame[2]]  # they go as the page draws
    assert not page.locator(".page-skeleton").is_visible()
