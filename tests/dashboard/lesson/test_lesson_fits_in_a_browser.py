"""The pictures of a lesson in Chromium: whole on the screen beside question, hint and answer, which move none of them."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from running_app import settle

from dashboard.lesson.file import Lesson, parse_lesson, short_question, stop_view
from dashboard.lesson.shelf import OWN_FOLDER
from dashboard.lesson.vocabulary import VOCABULARY

SCREENS = ((1280, 720), (1440, 900), (1920, 1080))
BOXES = """() => {
  const shown = document.querySelector('.stage').querySelectorAll('.fits .place, .fits .class-bars, .fits .facts');
  return [...shown].map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.top, box.right, box.bottom]);
}"""
"""Where the pictures in question lie, with the numbers and bars beside them: left, top, right, bottom."""


PARTS = """() => [...document.querySelector('.stage').querySelectorAll('.part')]
  .map((one) => one.getBoundingClientRect().bottom)"""
"""Where each row of the stage ends, the strips of thumbnails among them."""
CONTROLS = {7: "Compare", 12: "Each cell is drawn"}
"""What the words of a stop tell to press, on the page itself."""
STRIPS = {6: "All layers, first to last", 7: "Why they differ"}
"""What the words of a stop tell to look at, below the pictures."""


def own_lesson() -> Lesson:
    lesson, _ = parse_lesson((OWN_FOLDER / "grad-cam.md").read_bytes(), tuple(VOCABULARY))
    assert lesson is not None
    return lesson


LESSON = own_lesson()


def open_stop(page: Page, root: str, number: int, *, opened: bool) -> None:
    stop = LESSON.stops[number - 1]
    view = replace(stop_view("grad-cam", stop, number, present=True), hint=opened, answer=opened)
    page.goto(f"{root}/{stop.page}?{urlencode(view.to_query())}")
    page.wait_for_function("window.hasRoomKeys", timeout=180_000)  # the guesses are computed first
    expect(page.get_by_text(f"Stop {number} of {len(LESSON.stops)}")).to_be_visible()
    settle(page)


@pytest.mark.parametrize("number", range(1, len(LESSON.stops) + 1))
def test_at_each_stop_the_pictures_are_whole_beside_question_hint_and_answer(page: Page, root: str, number: int) -> None:
    open_stop(page, root, number, opened=True)
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        rail = page.locator(".st-key-lesson").bounding_box()
        seen = page.get_by_test_id("stMain").bounding_box()
        line = page.locator(".stage .reading").first.bounding_box()
        boxes = page.evaluate(BOXES)
        assert rail is not None
        assert seen is not None
        assert seen["y"] + seen["height"] >= height - 1  # what scrolls is as high as the screen, and cuts nothing off
        assert rail["y"] <= 1
        assert line is not None
        assert rail["width"] == pytest.approx(320, abs=1)
        assert boxes
        free = caption_top(page, number, rail["x"]) - line["height"]
        for left, top, right, bottom in boxes:
            assert left >= 0
            assert top >= 0
            assert right <= rail["x"]
            assert bottom <= free
        if number in STRIPS:
            assert page.locator(".stage .row-title", has_text=STRIPS[number]).is_visible()
            assert max(page.evaluate(PARTS)) <= free
        if number in CONTROLS:
            pressed = page.get_by_test_id("stMain").get_by_role("radiogroup", name=CONTROLS[number]).bounding_box()
            assert pressed is not None
            assert pressed["y"] + pressed["height"] <= free


CAPTION = """() => { const words = document.querySelector('.st-key-lesson-caption p'), box = words.getBoundingClientRect();
  const size = parseFloat(getComputedStyle(words).fontSize);
  const whole = words.closest('.st-key-lesson-caption').getBoundingClientRect();
  return { words: words.textContent, size, lines: box.height / (1.25 * size), box: [box.left, box.right, box.top, box.bottom],
    top: whole.top, cut: words.scrollWidth - words.clientWidth }; }"""


def caption_top(page: Page, number: int, rail: float) -> float:
    """Where the question below the pictures begins; it is whole, of one line or two, and larger than the rail's words."""
    found = page.evaluate(CAPTION)
    screen = page.viewport_size
    assert screen is not None
    assert found["words"] == short_question(LESSON.stops[number - 1].question)
    left, right, top, bottom = found["box"]
    assert 0 <= left <= right <= rail
    assert found["top"] <= top <= bottom <= screen["height"]
    assert found["cut"] <= 0
    assert round(found["lines"]) in (1, 2)
    assert found["size"] >= 0.0125 * screen["width"]
    if len(found["words"]) <= 70:
        assert round(found["lines"]) == 1
        assert found["size"] >= 0.0175 * screen["width"]
    return float(found["top"])


def test_a_caption_of_many_words_takes_more_lines_and_is_whole(page: Page, root: str) -> None:
    open_stop(page, root, 2, opened=False)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.evaluate(
        """() => { document.querySelector('.st-key-lesson-caption p').textContent = 'Many words of a question. '.repeat(20);
          document.dispatchEvent(new CustomEvent('page-drawn', { detail: 0 })); }"""
    )
    found = page.evaluate(CAPTION)
    assert found["lines"] > 2
    assert found["size"] == 16
    assert found["box"][3] <= 720
    assert max(bottom for _, _, _, bottom in page.evaluate(BOXES)) < found["top"]


@pytest.mark.parametrize(("width", "present"), [(1199, "on"), (1280, "off")])
def test_the_question_is_a_caption_in_a_presentation_with_a_rail_alone(page: Page, root: str, width: int, present: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{root}/layer_explorer?img=29&model=resnet20&lesson=grad-cam&stop=2&present={present}")
    page.wait_for_function("window.hasRoomKeys")
    settle(page)
    caption = page.locator(".st-key-lesson-caption")
    assert caption.count() == (present == "on")
    assert not any(one.is_visible() for one in caption.all())
    line = page.locator(".stage .reading").first
    assert line.evaluate("line => getComputedStyle(line).bottom") == "0px"


@pytest.mark.parametrize("number", range(1, len(LESSON.stops) + 1))
def test_what_a_stop_says_needs_no_scrolling_and_its_buttons_two_rows(page: Page, root: str, number: int) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    open_stop(page, root, number, opened=True)
    rail = page.locator(".st-key-lesson")
    assert rail.evaluate("(rail) => rail.scrollHeight - rail.clientHeight") <= 1
    rows = set()
    last = number == len(LESSON.stops)
    for name in ("Hide hint", "Hide answer", "End the lesson", "Previous stop", "Next stop"):
        if last and name == "Next stop":
            continue
        button = rail.get_by_role("button", name=name)
        box = button.bounding_box()
        assert box is not None
        rows.add(round(box["y"]))
    assert len(rows) == 2


@pytest.mark.parametrize("screen", [(1280, 720), (900, 700), (390, 844)], ids=["rail", "sheet", "phone"])
def test_hint_and_answer_move_no_picture_and_are_seen(page: Page, root: str, screen: tuple[int, int]) -> None:
    page.set_viewport_size({"width": screen[0], "height": screen[1]})
    open_stop(page, root, 9, opened=False)
    before = page.evaluate(BOXES)
    for key, label in (("h", "Hint:"), ("a", "Answer:")):
        page.keyboard.press(key)
        expect(page.get_by_text(label, exact=True)).to_be_visible()
        settle(page)
        assert page.evaluate(BOXES) == before
        expect(page.get_by_text(label, exact=True)).to_be_in_viewport()


def test_a_lesson_starts_as_a_presentation_and_ends_without(page: Page, root: str) -> None:
    page.goto(f"{root}/lesson")
    page.get_by_role("button", name="Start").first.click()
    expect(page.get_by_text(f"Stop 1 of {len(LESSON.stops)}")).to_be_visible()
    settle(page)
    assert "present=on" in page.url
    assert page.get_by_role("combobox", name="Target class").is_visible()  # what a hint may name
    page.get_by_role("button", name="End the lesson").click()
    page.wait_for_url(lambda url: "lesson" not in url)
    assert "present" not in page.url
