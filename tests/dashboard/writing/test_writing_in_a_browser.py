"""A stop written in Chromium: what is typed and what is added outlive the page, and the file that is downloaded is a lesson."""

import json
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from running_app import address, settle

from dashboard.lesson.file import parse_lesson
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.view.view import View
from dashboard.writing.kept import TITLE

VIEW = "/layer_explorer?img=7&model=captum-tutorial&layer=conv2"


def open_form(page: Page) -> None:
    page.get_by_role("button", name="Make this a stop").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(field(page, "Title")).to_be_visible()
    settle(page)


def field(page: Page, label: str):  # type: ignore[no-untyped-def]
    return page.get_by_role("dialog").get_by_role("textbox", name=label, exact=True)


def kept(page: Page, what: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(str(page.evaluate(f"localStorage.getItem('grad-cam-dashboard.{what}.1')")))
    return found


def test_a_stop_is_written_kept_by_the_browser_and_downloaded(page: Page, root: str, tmp_path: Path) -> None:
    page.goto(root + VIEW)
    settle(page)
    open_form(page)
    field(page, "Title").fill("A frog")
    field(page, "Question").fill("What is it?")
    field(page, "Hint (optional)").fill("Look {map.place}.")
    field(page, "Answer").fill("A {predicted.class}, row")
    page.get_by_role("textbox", name="Search the numbers").fill("map.peak_row")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="{map.peak_row}").click()
    expect(field(page, "Answer")).to_have_value("A {predicted.class}, row {map.peak_row}")
    expect(page.locator(".st-key-write-preview")).to_contain_text("A frog, row 6")
    page.get_by_role("button", name="Add to your lesson").click()
    expect(page.get_by_text("“A frog” is stop 1 of your lesson")).to_be_visible()
    page.reload()
    settle(page)
    open_form(page)
    expect(page.get_by_text("Your lesson · 1 stop")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the lesson").click()
    file = tmp_path / "lesson.md"
    download.value.save_as(file)
    lesson, problems = parse_lesson(file.read_bytes(), tuple(VOCABULARY), WORDED)
    assert problems == ()
    assert lesson is not None
    (stop,) = lesson.stops
    assert (lesson.title, stop.title, stop.question, stop.hint) == (TITLE, "A frog", "What is it?", "Look {map.place}.")
    assert stop.answer == "A {predicted.class}, row {map.peak_row}"
    assert (stop.page, stop.view) == ("layer_explorer", View(image=7, model="captum-tutorial", layer="conv2"))


def test_what_is_being_typed_outlives_a_reload_and_escape_and_a_step_to_another_page(page: Page, root: str) -> None:
    page.goto(root + VIEW)
    settle(page)
    open_form(page)
    field(page, "Title").press_sequentially("Half a ti")
    field(page, "Question").press_sequentially("Half a que")  # the field is not left
    page.reload()
    settle(page)
    open_form(page)
    expect(field(page, "Title")).to_have_value("Half a ti")
    expect(field(page, "Question")).to_have_value("Half a que")
    field(page, "Hint (optional)").press_sequentially("Half a hi")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    settle(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**img=8**")
    settle(page)
    open_form(page)
    expect(field(page, "Hint (optional)")).to_have_value("Half a hi")
    expect(field(page, "Question")).to_have_value("Half a que")
    page.keyboard.press("Escape")
    settle(page)
    page.goto(f"{root}/seed_gallery")
    settle(page)
    open_form(page)
    expect(field(page, "Hint (optional)")).to_have_value("Half a hi")


def test_letters_typed_while_the_page_answers_are_not_lost(page: Page, root: str) -> None:
    page.goto(root + VIEW)
    settle(page)
    open_form(page)
    field(page, "Title").fill("A title")
    field(page, "Question").click()  # leaves the title, which the server answers
    page.keyboard.type("A question that takes longer to type than the answer takes to come", delay=20)
    field(page, "Answer").click()
    settle(page)
    expect(field(page, "Question")).to_have_value("A question that takes longer to type than the answer takes to come")
    assert kept(page, "stop")["title"] == "A title"


def test_keys_in_the_form_are_none_of_the_page_behind_it(page: Page, root: str) -> None:
    page.goto(root + VIEW)
    settle(page)
    before = address(page)
    open_form(page)
    page.get_by_role("button", name="Add to your lesson").focus()
    for key in ("p", "ArrowRight", "ArrowDown", "PageDown", "?"):
        page.keyboard.press(key)
    settle(page)
    assert address(page) == before
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    settle(page)
    page.keyboard.press("p")
    page.wait_for_url("**present=on**")


def test_the_form_is_filled_in_by_keys_alone(page: Page, root: str) -> None:
    page.goto(root + VIEW)
    settle(page)
    page.get_by_role("button", name="Make this a stop").focus()
    page.keyboard.press("Enter")
    expect(field(page, "Title")).to_be_visible()
    settle(page)
    labels = ("Title", "Question", "Hint (optional)", "Answer")
    for _ in range(40):
        page.keyboard.press("Tab")
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if label in labels:
            page.keyboard.type("Words")
        if page.evaluate("document.activeElement.textContent") == "Clear the form":
            break
    values = [field(page, label).input_value() for label in labels]
    assert values == ["Words"] * 4


def test_two_tabs_of_a_browser_write_one_lesson(page: Page, root: str) -> None:
    other = page.context.new_page()
    for tab, title in ((page, "First"), (other, "Second")):
        tab.goto(root + VIEW)
        settle(tab)
        open_form(tab)
        for label, text in (("Title", title), ("Question", "Q?"), ("Answer", "A.")):
            field(tab, label).fill(text)
        tab.get_by_role("button", name="Add to your lesson").click()
        expect(tab.get_by_text(f"“{title}” is stop")).to_be_visible()
    expect(page.get_by_text("Your lesson · 2 stops")).to_be_visible()
    assert len(list(kept(page, "lesson")["stops"])) == 2  # type: ignore[call-overload]


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (390, 844)])
def test_the_form_fits_the_screen_and_axe_finds_nothing_serious(page: Page, root: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(root + VIEW)
    settle(page)
    open_form(page)
    page.get_by_text("A choice", exact=True).click()
    expect(page.get_by_role("textbox", name="Choice 1")).to_be_visible()
    field(page, "Answer").fill("## Next")
    page.get_by_role("button", name="Add to your lesson").click()
    expect(page.get_by_text("Line 1 begins with")).to_be_visible()
    settle(page)
    wide = page.evaluate("""() => [...document.querySelectorAll('[role=dialog] :is(input, textarea, button, p)')]
      .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1).map(one => one.outerHTML.slice(0, 90))""")
    assert wide == []
    found = Axe().run(page).response["violations"]
    serious = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
