"""A reader's answer in Chromium: a click on the picture, the arrow keys, a tap on a phone, outlines, choices and numbers."""

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from running_app import address, settle

import explain_lib as xl

FROG = "/layer_explorer?img=29&model=resnet20&set=cifar10&lesson=grad-cam&stop=2&present=on"
HORSE = "/layer_explorer?img=137&model=resnet20&set=cifar10&lesson=grad-cam&stop=1&present=on"
CAR = "/layer_explorer?img=796&model=resnet20&set=cifar10&lesson=grad-cam&stop=5"
BOXES = """() => [...document.querySelector('.stage').querySelectorAll('.fits .place')]
  .map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.top, box.right, box.bottom].map(Math.round))"""
FAR = "They are 12 pixels apart, or 3 squares of the map."
"""From row 12, column 20 to the middle of the brightest square at row 12, column 8; squares are 4 pixels wide."""


def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_function("Boolean(window.hasRoomKeys)")
    settle(page)
    return page


def middle_of(page: Page, row: int, column: int) -> tuple[float, float]:
    """The middle of a pixel of the picture on the screen."""
    box = page.locator('[data-picture="picture"]').bounding_box()
    assert box is not None
    return box["x"] + (column + 0.5) * box["width"] / 32, box["y"] + (row + 0.5) * box["height"] / 32


def spots(page: Page, panel: str, cells: int = 32) -> dict[str, tuple[int, int]]:
    """The pixels that are marked on a panel of so many a side, or the cells, by their words."""
    found = page.locator(f'[data-picture="{panel}"] .spot').all()
    box = page.locator(f'[data-picture="{panel}"]').bounding_box()
    assert box is not None
    places = {spot.inner_text(): spot.locator(".form").bounding_box() for spot in found}
    return {
        words: (
            int(cells * (place["y"] + place["height"] / 2 - box["y"]) / box["height"]),
            int(cells * (place["x"] + place["width"] / 2 - box["x"]) / box["width"]),
        )
        for words, place in places.items()
        if place is not None
    }


def test_a_click_is_marked_and_stands_beside_the_brightest_place(page: Page, root: str) -> None:
    opened(page, root + HORSE)
    assert page.locator('[data-picture="overlay"]').get_attribute("aria-label") == "Overlay: Covered until the answer is open."
    page.mouse.click(*middle_of(page, 3, 4))
    page.wait_for_url("**said=3%2C4**")
    page.mouse.click(*middle_of(page, 12, 20))  # changed before the answer is opened
    page.wait_for_url("**said=12%2C20**")
    settle(page)
    assert spots(page, "picture") == {"you": (12, 20)}
    before = page.evaluate(BOXES)
    page.keyboard.press("a")
    expect(page.get_by_text(FAR)).to_be_visible()
    settle(page)
    assert page.evaluate(BOXES) == before
    for panel in ("picture", "overlay"):
        assert spots(page, panel) == {"you": (12, 20), "brightest": (12, 8)}
    assert spots(page, "map", 8) == {"you": (3, 5), "brightest": (3, 2)}
    page.reload()
    expect(page.get_by_text(FAR)).to_be_visible()
    settle(page)
    assert spots(page, "overlay") == {"you": (12, 20), "brightest": (12, 8)}
    page.keyboard.press("PageDown")
    page.wait_for_url("**stop=2**")
    assert "said" not in address(page)


def test_a_place_is_said_by_keys(page: Page, root: str) -> None:
    opened(page, root + HORSE)
    picture = page.locator('[data-picture="picture"]')
    assert picture.get_attribute("role") == "button"
    for _ in range(60):
        page.keyboard.press("Tab")
        if picture.evaluate("one => one === document.activeElement"):
            break
    for key in (*["ArrowUp"] * 4, *["ArrowRight"] * 4, "Enter"):  # from the middle, row 16 and column 16
        page.keyboard.press(key)
    page.wait_for_url("**said=12%2C20**")
    settle(page)
    assert spots(page, "picture") == {"you": (12, 20)}
    assert address(page)["img"] == "137"
    assert picture.evaluate("one => one === document.activeElement")  # to be changed by keys, too


def test_a_place_is_tapped_on_a_phone(browser: Browser, root: str) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = opened(phone.new_page(), root + HORSE)
    page.touchscreen.tap(*middle_of(page, 12, 20))
    page.wait_for_url("**said=12%2C20**")
    settle(page)
    page.get_by_role("button", name="Answer").tap()
    expect(page.get_by_text(FAR)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    phone.close()


# Section: an outline

LINES = (
    """panel => [...document.querySelectorAll(`[data-picture="${panel}"] .outline .line`)].map(one => one.getAttribute("d"))"""
)
"""The sides of the cells that an outline is drawn along on a panel."""


def cells_of(page: Page) -> set[tuple[int, int]]:
    return {(int(row), int(column)) for row, column in np.argwhere(xl.cover_cells(address(page).get("said", "")))}


def cell(page: Page, row: int, column: int) -> tuple[float, float]:
    """A pixel of a cell of 2 x 2, on the screen."""
    return middle_of(page, 2 * row, 2 * column)


def stroke(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    page.mouse.move(*cell(page, *start))
    page.mouse.down()
    page.mouse.move(*cell(page, *end), steps=6)
    page.mouse.up()


def wait_for(page: Page, cells: set[tuple[int, int]]) -> None:
    page.wait_for_function("() => !gradCamStages.painter.stroke")
    page.wait_for_url(lambda _: cells_of(page) == cells)
    settle(page)


def block(rows: range, columns: range) -> set[tuple[int, int]]:
    return {(row, column) for row in rows for column in columns}


def test_an_outline_is_painted_taken_back_and_stands_over_picture_and_map(page: Page, root: str) -> None:
    opened(page, root + FROG)
    stroke(page, (4, 3), (4, 8))  # the middle brush: three cells
    wait_for(page, block(range(3, 6), range(2, 10)))
    stroke(page, (8, 4), (8, 12))
    both = block(range(3, 6), range(2, 10)) | block(range(7, 10), range(3, 14))
    wait_for(page, both)
    page.keyboard.press("Control+z")
    wait_for(page, block(range(3, 6), range(2, 10)))
    page.locator('[data-tool="clear"]').click()
    page.wait_for_url(lambda _: "said" not in address(page))
    settle(page)
    assert page.evaluate(LINES, "picture") == []
    page.locator('[data-tool="undo"]').click()
    wait_for(page, block(range(3, 6), range(2, 10)))
    before, drawn = page.evaluate(BOXES)[:4], page.evaluate(LINES, "picture")
    assert len(drawn) == 2  # black, and a colour in it
    assert drawn[0].count("M") == 2 * (3 + 8)
    page.keyboard.press("a")
    expect(page.get_by_text("lies inside your outline, where chance would put 9 %")).to_be_visible()
    settle(page)
    assert page.evaluate(BOXES)[:4] == before
    assert page.evaluate(LINES, "overlay") == page.evaluate(LINES, "picture") == drawn
    page.reload()
    expect(page.get_by_text("where chance would put 9 %")).to_be_visible()
    settle(page)
    assert page.evaluate(LINES, "overlay") == drawn


def test_what_was_painted_just_before_the_answer_is_opened_counts(page: Page, root: str) -> None:
    opened(page, root + FROG)
    stroke(page, (4, 3), (4, 8))
    page.keyboard.press("a")
    expect(page.get_by_text("where chance would put 9 %")).to_be_visible()
    assert cells_of(page) == block(range(3, 6), range(2, 10))


def test_an_outline_is_painted_by_keys(page: Page, root: str) -> None:
    opened(page, root + FROG)
    page.locator('[data-tool="brush-1"]').click()
    picture = page.locator('[data-picture="picture"]')
    picture.focus()
    page.keyboard.press("ArrowRight")  # from the middle
    for key in ("Space", "ArrowDown", "Enter", "ArrowDown", "Space", "Space"):  # the last one is taken back
        page.keyboard.press(key)
    pointed = picture.get_attribute("data-pointed")
    assert pointed is not None
    row, column = map(int, pointed.split(","))
    wait_for(page, {(row - 2, column), (row - 1, column)})
    assert picture.evaluate("one => one === document.activeElement")
    assert address(page)["img"] == "29"


def test_an_outline_is_painted_by_a_finger(browser: Browser, root: str) -> None:
    phone = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = opened(phone.new_page(), root + FROG)
    session, places = phone.new_cdp_session(page), [cell(page, row, 4) for row in (10, 8, 6, 4)]

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", places[0])
    for place in places[1:]:
        touch("touchMove", place)
    page.wait_for_timeout(200)  # a finger that rests: else Chromium takes the next tap as the end of a fling
    touch("touchMove", places[-1])
    touch("touchEnd")
    wait_for(page, block(range(3, 12), range(3, 6)))
    page.get_by_role("button", name="Answer").tap()
    expect(page.get_by_text("lies inside your outline, where chance would put 11 %")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    phone.close()


# Section: a choice, a number


@pytest.mark.parametrize("keys", [("Enter", "a"), ("Space", "Escape", "a")], ids=["enter", "space"])
def test_a_choice_is_made_by_keys_and_the_page_gets_its_own_back(page: Page, root: str, keys: tuple[str, ...]) -> None:
    opened(page, root + CAR)
    page.get_by_role("radio", name="No, but deer scored higher").focus()
    page.keyboard.press(keys[0])
    page.wait_for_url("**said=3**")
    settle(page)
    for key in keys[1:]:
        page.keyboard.press(key)
    expect(page.get_by_text("You said “No, but deer scored higher”.")).to_be_visible()


def test_a_number_is_said_by_its_button(page: Page, root: str) -> None:
    opened(page, root + HORSE.replace("stop=1", "stop=6").replace("&set", "&layer=conv1&set"))
    page.get_by_role("spinbutton", name="Your number").fill("0.6")
    page.get_by_role("button", name="Say so").click()
    page.wait_for_url("**said=0.6**")
    settle(page)
    page.keyboard.press("a")
    expect(page.get_by_text("You were 0.83 too high.")).to_be_visible()
