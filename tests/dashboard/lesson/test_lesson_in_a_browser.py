"""The whole lesson in Chromium by keys alone, as a teacher with a clicker would hold it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from running_app import SETTLED, address

from dashboard.lesson.file import Lesson, parse_lesson, stop_view
from dashboard.lesson.shelf import OWN_FOLDER
from dashboard.lesson.vocabulary import VOCABULARY

LOADED = "() => [...document.images].every(picture => picture.complete && picture.naturalWidth > 0)"
"""Whether every picture on the page is there."""


@pytest.fixture(scope="module")
def visit(browser: Browser, root: str) -> Iterator[tuple[Page, list[str]]]:
    """A page in a browser at a running server's lessons, and what its console has logged as errors."""
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A page that is left at once may have asked for pictures that the server no longer holds; see LOADED.
        said = f"{message.text} {message.location.get('url')}"
        if message.type == "error" and "/_stcore/" not in said and "/media/" not in said:
            errors.append(said)

    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("console", note)
    page.goto(f"{root}/lesson?present=on")
    yield page, errors
    page.close()


def own_lesson() -> Lesson:
    lesson, _ = parse_lesson((OWN_FOLDER / "grad-cam.md").read_bytes(), tuple(VOCABULARY))
    assert lesson is not None
    return lesson


def test_the_lesson_can_be_held_from_start_to_end_by_keys_alone(visit: tuple[Page, list[str]]) -> None:
    page, errors = visit
    lesson = own_lesson()
    expect(page.get_by_role("button", name="Start · 15 stops")).to_be_visible()
    for number, stop in enumerate(lesson.stops, 1):
        page.keyboard.press("PageDown")
        expect(page.get_by_text(f"Stop {number} of 15 · {stop.title}")).to_be_visible()
        # The question comes after the buttons: those that are pressed now are this stop's, and not the last one's.
        expect(page.get_by_text(" ".join(stop.question.split("**")[0].split())[:40]).first).to_be_visible()
        assert address(page) == stop_view("grad-cam", stop, number, present=True).to_query()
        assert urlsplit(page.url).path == ("/" if stop.page == "layer_explorer" else f"/{stop.page}")  # the landing page
        page.keyboard.press("PageDown")  # as a remote control has it: the answer, then the next stop
        expect(page.get_by_text("Answer:", exact=True)).to_be_visible()
        if number == 1:
            page.keyboard.press("h")
            expect(page.get_by_text("Hint:", exact=True)).to_be_visible()
    page.keyboard.press("PageUp")
    expect(page.get_by_text("Stop 14 of 15")).to_be_visible()
    assert page.evaluate(SETTLED)
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Back to this stop's view")).to_be_visible()
    assert address(page)["img"] == str(lesson.stops[13].view.image + 1)
    page.keyboard.press("b")
    expect(page.get_by_role("button", name="Back to this stop's view")).not_to_be_visible()
    assert address(page) == stop_view("grad-cam", lesson.stops[13], 14, present=True).to_query()
    page.keyboard.press("e")
    expect(page.get_by_text("Stop 14 of 15")).not_to_be_visible()
    assert "lesson" not in address(page)
    assert page.evaluate(SETTLED)
    assert page.evaluate(LOADED)
    assert errors == []


def test_every_press_counts_also_those_that_come_while_a_stop_is_opening(visit: tuple[Page, list[str]]) -> None:
    page, _ = visit
    parts = urlsplit(page.url)
    page.goto(f"{parts.scheme}://{parts.netloc}/lesson?present=on")
    expect(page.get_by_role("button", name="Start · 15 stops")).to_be_visible()
    page.wait_for_function("Boolean(window.hasRoomKeys)")
    for _ in range(8):  # the start, and three stops with their answers
        page.keyboard.press("PageDown")
        page.wait_for_timeout(80)
    expect(page.get_by_text("Stop 4 of 15")).to_be_visible()
    expect(page.get_by_text("Answer:", exact=True)).to_be_visible()
    assert page.evaluate(SETTLED)
    assert (address(page)["stop"], address(page)["answer"]) == ("4", "on")
    for _ in range(2):
        page.keyboard.press("PageUp")
    expect(page.get_by_text("Stop 2 of 15")).to_be_visible()
    assert page.evaluate(SETTLED)
    assert "answer" not in address(page)


def test_the_browsers_back_goes_to_the_stop_before_also_across_pages(visit: tuple[Page, list[str]]) -> None:
    page, _ = visit
    parts = urlsplit(page.url)
    page.goto(f"{parts.scheme}://{parts.netloc}/layer_explorer?img=137&model=resnet20&set=cifar10&lesson=grad-cam&stop=2")
    expect(page.get_by_role("button", name="Next stop")).to_be_enabled()
    page.wait_for_function("Boolean(window.keepsHistory)")
    page.get_by_role("button", name="Next stop").click()
    expect(page.get_by_text("Stop 3 of 15")).to_be_visible()
    assert page.evaluate(SETTLED)
    assert page.evaluate(SETTLED)
    page.go_back()
    expect(page.get_by_text("Stop 2 of 15")).to_be_visible()
    assert urlsplit(page.url).path == "/layer_explorer"


def test_back_takes_one_press_where_a_stop_was_left_before_the_pages_keys_were_there(visit: tuple[Page, list[str]]) -> None:
    page, _ = visit
    parts = urlsplit(page.url)
    page.route("**/scripts/keyboard-*.js", lambda _: None)
    page.goto(f"{parts.scheme}://{parts.netloc}/layer_explorer?img=137&model=resnet20&set=cifar10&lesson=grad-cam&stop=2")
    page.wait_for_function("Boolean(window.keepsHistory)")
    page.get_by_role("button", name="Next stop").click()
    expect(page.get_by_text("Stop 3 of 15")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Stop 2 of 15")).to_be_visible()
    page.unroute("**/scripts/keyboard-*.js")
