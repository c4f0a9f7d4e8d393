"""The picture painted over in Chromium: by pointer, by finger and by keys, with undo and clear, and its address loaded anew."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page, expect
from running_app import settle

import explain_lib as xl

OPEN = "/layer_explorer?img=7"
# What the stage says of the picture: the bars with their changes, and the numbers of the cover.
NUMBERS = """() => [...document.querySelectorAll('.class-bar, .tally .fact')].map(one => one.innerText)"""
MAP = """() => document.querySelector('[data-picture="map"] canvas').toDataURL()"""


def opened(page: Page, root: str, path: str = OPEN) -> Page:
    page.goto(root + path)
    expect(page.locator('[data-picture="picture"]')).to_be_visible()
    settle(page)
    return page


def tool(page: Page, name: str) -> Locator:
    return page.locator(f'[data-tool="{name}"]')


def cells_of(url: str) -> set[tuple[int, int]]:
    """The covered cells that an address names."""
    (code,) = parse_qs(urlsplit(url).query).get("cover", [""])
    return {(int(row), int(column)) for row, column in np.argwhere(xl.cover_cells(code))}


def wait_for_cells(page: Page, cells: set[tuple[int, int]]) -> None:
    page.wait_for_url(lambda url: cells_of(url) == cells)
    settle(page)


def middle(page: Page, row: int, column: int) -> tuple[float, float]:
    """The middle of a cell of the cover, on the screen."""
    box = page.locator('[data-picture="picture"]').bounding_box()
    assert box is not None
    return box["x"] + box["width"] * (column + 0.5) / 16, box["y"] + box["height"] * (row + 0.5) / 16


def drag(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    page.mouse.move(*middle(page, *start))
    page.mouse.down()
    page.mouse.move(*middle(page, *end), steps=4)


def row_of(row: int, columns: range) -> set[tuple[int, int]]:
    return {(row, column) for column in columns}


def test_a_stroke_is_drawn_at_once_followed_while_it_lasts_and_kept_in_the_address(page: Page, root: str) -> None:
    opened(page, root)
    whole, whole_map = page.evaluate(NUMBERS), page.evaluate(MAP)
    tool(page, "on").click()
    tool(page, "brush-1").click()
    drag(page, (8, 3), (8, 12))
    # the pointer is still down: bars and map follow, the address does not
    page.wait_for_function("Boolean(document.querySelector('.tally'))")
    page.wait_for_function("!gradCamStages.painter.waits && !gradCamStages.painter.changed")
    followed, map_followed = page.evaluate(NUMBERS), page.evaluate(MAP)
    assert followed[:10] != whole
    assert map_followed != whole_map
    assert cells_of(page.url) == set()
    page.mouse.up()
    wait_for_cells(page, row_of(8, range(3, 13)))
    assert page.evaluate(NUMBERS) == followed
    assert page.evaluate(MAP) == map_followed
    expect(page.locator(".tally")).to_contain_text("10 of 256 cells")
    drag(page, (8, 3), (8, 5))  # begun on a covered cell
    page.mouse.up()
    wait_for_cells(page, row_of(8, range(6, 13)))
    again = page.evaluate(NUMBERS)
    opened(page, "", page.url)
    assert page.evaluate(NUMBERS) == again


def test_undo_clear_and_the_browsers_back_go_through_the_strokes(page: Page, root: str) -> None:
    opened(page, root)
    tool(page, "on").click()
    tool(page, "brush-1").click()
    for row in (2, 5):
        drag(page, (row, 2), (row, 4))
        page.mouse.up()
        wait_for_cells(page, set().union(*(row_of(one, range(2, 5)) for one in (2, 5) if one <= row)))
    tool(page, "undo").click()
    wait_for_cells(page, row_of(2, range(2, 5)))
    page.keyboard.press("Control+z")
    wait_for_cells(page, set())
    expect(tool(page, "undo")).to_be_disabled()
    page.go_back()
    wait_for_cells(page, row_of(2, range(2, 5)))
    tool(page, "clear").click()
    wait_for_cells(page, set())
    expect(page.locator(".tally")).to_have_count(0)
    tool(page, "undo").click()
    wait_for_cells(page, row_of(2, range(2, 5)))


def test_keys_move_over_the_cells_and_space_covers_them(page: Page, root: str) -> None:
    opened(page, root)
    tool(page, "on").focus()
    page.keyboard.press("Enter")
    tool(page, "brush-1").click()
    place = page.locator('[data-picture="picture"]')
    place.focus()
    page.keyboard.press("ArrowRight")
    pointed = place.get_attribute("data-pointed")
    assert pointed is not None
    row, column = map(int, pointed.split(","))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    wait_for_cells(page, {(row, column), (row + 1, column)})
    assert place.evaluate("place => place === document.activeElement")
    page.keyboard.press("Space")
    wait_for_cells(page, {(row, column)})


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    yield context.new_page()
    context.close()


def test_a_finger_paints_and_does_not_scroll_the_page(phone: Page, root: str) -> None:
    opened(phone, root)
    tool(phone, "on").tap()
    tool(phone, "brush-1").tap()
    session = phone.context.new_cdp_session(phone)
    places = [middle(phone, row, 4) for row in (12, 9, 6, 3)]  # upwards, as one scrolls

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    scrolled = "document.querySelector('[data-testid=\"stMain\"]').scrollTop"
    before = phone.evaluate(scrolled)
    touch("touchStart", places[0])
    for place in places[1:]:
        touch("touchMove", place)
    touch("touchEnd")
    wait_for_cells(phone, {(row, 4) for row in range(3, 13)})
    assert phone.evaluate(scrolled) == before
    said = phone.locator(".most-changed")
    expect(said).to_be_in_viewport(ratio=1)  # the bars are below the screen
    picture, line = phone.locator('[data-picture="picture"]').bounding_box(), said.bounding_box()
    assert picture is not None
    assert line is not None
    assert 0 <= line["y"] - picture["y"] - picture["height"] < 16
    name, then, now = changes_of(phone)
    found = re.fullmatch(r"(\w+) ([\d.]+) % → ([\d.]+) %", said.inner_text())
    assert found is not None
    assert found[1] == name
    assert (float(found[2]), float(found[3])) == pytest.approx((then, now), abs=0.051)


def changes_of(page: Page) -> tuple[str, float, float]:
    """The class whose bar says the largest change, with its probability in percent before, and now."""
    model, cells = xl.load_model("captum-tutorial"), xl.cover_cells(parse_qs(urlsplit(page.url).query)["cover"][0])
    picture = np.array(xl.load_cifar10().pixels[7])
    covered = picture.copy()
    covered[np.kron(cells, np.ones((2, 2), bool)).astype(bool)] = 128
    before, now = (torch.softmax(torch.from_numpy(model.predict(one[None]).copy()), 1)[0].numpy() for one in (picture, covered))
    k = int(abs(now - before).argmax())
    return model.classes[k], 100 * float(before[k]), 100 * float(now[k])


def test_a_desk_has_the_bars_beside_the_picture_and_no_line_below_it(page: Page, root: str) -> None:
    opened(page, root, f"{OPEN}&cover=AAAAAAAAAAAP8A_wD_AP8A_wD_AP8A_w")
    expect(page.locator(".most-changed")).to_have_count(1)
    expect(page.locator(".most-changed")).not_to_be_visible()
