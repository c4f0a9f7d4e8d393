"""The stage in Chromium: canvases against the server's files, one pointer for all panels, clicks, and previews."""

import base64
import json
import re
from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from independent_maps import captum_map, logit, pixels, probabilities
from numpy.typing import NDArray
from opened_page import START, pixels_of
from playwright.sync_api import Locator, Page, expect
from running_app import address, settle

CANVASES = """() => Object.fromEntries([...document.querySelectorAll('[data-picture]')].map(
    place => [place.dataset.picture, place.querySelector('canvas').toDataURL('image/png')]))"""
POINTED = """() => Object.fromEntries([...document.querySelectorAll('[data-picture]')].map(
    place => [place.dataset.picture, place.dataset.pointed ?? null]))"""


def opened(page: Page, root: str, path: str) -> Page:
    page.goto(root + path)
    expect(page.locator('[data-picture="overlay"]')).to_be_visible()
    settle(page)
    return page


def panel(page: Page, name: str) -> Locator:
    return page.locator(f'[data-picture="{name}"]')


def canvases(page: Page) -> dict[str, NDArray[np.uint8]]:
    """What every panel shows, by its name."""
    files = page.evaluate(CANVASES)
    return {name: pixels_of(base64.b64decode(file.partition(",")[2])) for name, file in files.items()}


def point(page: Page, name: str, row: int, column: int, grid: tuple[int, int]) -> None:
    """Move the pointer to the middle of a cell of a panel."""
    panel(page, name).scroll_into_view_if_needed()
    box = panel(page, name).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * (column + 0.5) / grid[1], box["y"] + box["height"] * (row + 0.5) / grid[0])


def line(page: Page) -> str:
    return page.locator(".reading").first.inner_text().replace("\n", " ")


# Section: pixels


@pytest.mark.parametrize(
    "query",
    [
        "img=3",
        "img=137&model=resnet20&palette=viridis&strength=45",
        "img=5&layer=conv1&texture=smooth&strength=100",
        "img=5&layer=pool1&modules=all&opacity=even&contour=off&strength=30",
        "img=7&sign=signed&texture=smooth&scale=strip",
        "img=3&placement=stretched",
        "img=3&cover=AAAAAAAAAAAP8A_wD_AP8A_wD_AP8A_w",
    ],
)
def test_every_canvas_has_the_pixels_of_the_file_that_is_taken_home(page: Page, root: str, query: str) -> None:
    opened(page, root, f"/layer_explorer?{query}")
    shown = canvases(page)
    with page.expect_download() as started:
        page.get_by_role("button", name="Everything (ZIP)").click()
    with ZipFile(BytesIO(started.value.path().read_bytes())) as file:
        taken = [pixels_of(file.read(name)) for name in file.namelist() if name.startswith("pictures/")]
    assert {"picture", "overlay", "map"} < set(shown)
    for name, drawn in shown.items():
        assert any(np.array_equal(drawn, other) for other in taken), name


# Section: the pointer


def test_the_pointer_marks_the_place_that_a_cell_looks_at(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    point(page, "map", 3, 7, (10, 10))  # it looks at 12.5 and 20.5; cells of conv1 at 2, 3, ... of which 11 and 19 come after
    found = page.evaluate(POINTED)
    assert (found["map"], found["overlay"], found["layer-conv2"]) == ("3,7",) * 3
    assert (found["layer-conv1"], found["picture"]) == ("11,19", "13,21")
    point(page, "overlay", 0, 31, (32, 32))  # beyond the outermost cells the nearest one holds
    found = page.evaluate(POINTED)
    assert (found["map"], found["overlay"], found["layer-conv1"], found["picture"]) == ("0,9", "0,9", "0,27", "0,31")
    panel(page, "overlay").focus()
    page.keyboard.press("ArrowDown")
    found = page.evaluate(POINTED)
    assert (found["map"], found["overlay"], found["picture"]) == ("1,9", "1,9", "9,25")


def test_a_switch_stretches_the_map_and_the_address_says_so(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=3")
    before = canvases(page)
    page.get_by_role("radiogroup", name="Each cell is drawn").get_by_role("radio", name="stretched").click()
    expect(page.get_by_text("Stretched over the picture, up to 5.4 px from where the cells look.")).to_be_visible()
    settle(page)
    assert "placement=stretched" in page.url
    after = canvases(page)
    assert not np.array_equal(before["overlay"], after["overlay"])
    assert np.array_equal(before["map"], after["map"])


def test_the_pointer_marks_one_place_in_all_panels_and_reads_every_number(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5&target=2&placement=stretched")
    point(page, "map", 3, 7, (10, 10))
    found = page.evaluate(POINTED)
    assert (found["map"], found["overlay"], found["layer-conv2"]) == ("3,7",) * 3
    assert found["layer-conv1"] == "9,21"  # 28 cells a side: 0.35 and 0.75 of the way
    assert found["picture"] == "11,24"
    assert line(page).startswith("row 3, column 7 of 10 × 10")
    read = [number.replace("−", "-") for number in page.locator(".reading .value").all_inner_texts()]
    red, green, blue = pixels()[5, 11, 24]
    assert read[0] == f"{red} {green} {blue}"
    right = captum_map(5, "conv2", logit(2))[3, 7]
    assert [float(number) for number in read[1:3]] == [pytest.approx(right, rel=1e-4)] * 2
    page.mouse.move(2, 2)
    assert set(page.evaluate(POINTED).values()) == {None}


def test_the_numbers_are_those_of_the_downloaded_map_in_every_digit(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5&layer=conv1")
    with page.expect_download() as started:
        page.get_by_role("button", name="Maps (.npz)").click()
    with np.load(started.value.path()) as file:
        values = file["map"]
    for row, column in ((0, 0), (4, 20), (27, 27), (13, 5)):
        point(page, "map", row, column, (28, 28))
        read = page.locator(".reading .value").nth(2).inner_text()
        assert np.float32(read.replace("−", "-")) == values[row, column]


def test_arrow_keys_move_the_mark_a_click_keeps_it_and_escape_lets_go(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    panel(page, "picture").focus()
    page.keyboard.press("Tab")  # over “Cover it” on to the overlay, as somebody without a mouse would
    page.keyboard.press("Tab")
    assert page.evaluate(POINTED)["overlay"] == "5,5"
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate(POINTED)["map"] == "3,6"
    assert address(page)["img"] == "5"
    page.keyboard.press("Escape")
    point(page, "map", 1, 2, (10, 10))
    page.mouse.down()
    page.mouse.up()
    point(page, "map", 8, 8, (10, 10))
    page.mouse.move(2, 2)
    assert page.evaluate(POINTED)["overlay"] == "1,2"
    page.keyboard.press("ArrowRight")  # the click has left the keys to the page: another image, the same place
    page.wait_for_url(re.compile("img=6"))
    settle(page)
    assert set(page.evaluate(POINTED).values()) == {None}  # the place was of the other image
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("img=5"))
    settle(page)
    assert page.evaluate(POINTED)["overlay"] == "1,2"
    page.keyboard.press("Escape")
    assert set(page.evaluate(POINTED).values()) == {None}


def test_who_chooses_by_keys_keeps_the_focus(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    slider, bar = page.locator(".slider input"), page.locator('.class-bar[data-class="2"]')
    slider.focus()
    for strength in (75, 80):
        page.keyboard.press("ArrowRight")
        page.wait_for_url(re.compile(f"strength={strength}"))
        settle(page)
        expect(slider).to_be_focused()
    bar.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("target=2"))
    settle(page)
    expect(bar).to_be_focused()


# Section: clicks


def test_a_bar_makes_its_class_the_target_and_a_thumbnail_its_layer(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    page.locator('.class-bar[data-class="2"]').click()
    page.wait_for_url(re.compile("target=2"))
    settle(page)
    expect(page.locator('.class-bar[aria-pressed="true"] .name')).to_contain_text("bird")
    panel(page, "layer-conv1").click()
    page.wait_for_url(re.compile("layer=conv1"))
    settle(page)
    assert address(page) == START | {"img": "5", "target": "2", "layer": "conv1"}


def test_the_picture_opens_the_class_browser(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    panel(page, "picture").click()
    page.wait_for_url(re.compile(r"/class_browser\?img=5&"))
    settle(page)
    page.go_back()
    expect(panel(page, "layer-conv1")).to_be_visible()
    settle(page)
    assert page.url == f"{root}/layer_explorer?img=5"


def test_the_strength_is_changed_in_the_browser_and_is_in_the_address_once_it_is_let_go(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    before = canvases(page)["overlay"]
    slider = page.locator(".slider input")
    slider.evaluate("one => { one.value = 0; one.dispatchEvent(new Event('input', { bubbles: true })); }")
    shown = canvases(page)
    assert "strength" not in address(page)
    inside = (shown["overlay"] == before).all(2)
    assert 0 < inside.mean() < 1
    edge = (shown["overlay"] != shown["picture"]).any(2)  # what is left of the map is its line
    assert set(np.unique(shown["overlay"][edge])) <= {0, 255}
    slider.evaluate("one => one.dispatchEvent(new Event('change', { bubbles: true }))")
    page.wait_for_url(re.compile("strength=0"))


# Section: previews


def test_pointing_at_a_layer_shows_its_map_named_as_a_preview_until_the_pointer_leaves(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    before, asked = canvases(page), page.url
    panel(page, "layer-conv1").hover()
    expect(page.locator(".title.preview")).to_have_text(["Overlay · preview: conv1?", "The map itself · preview: conv1?"])
    caption = page.locator('.panel:has([data-picture="map"]) .caption')
    expect(caption).to_have_text("28 × 28 cells")
    previewed = canvases(page)["map"]
    page.mouse.move(2, 2)
    expect(page.locator(".title.preview")).to_have_count(0)
    expect(caption).to_contain_text("10 × 10 cells")
    for name, drawn in canvases(page).items():
        np.testing.assert_array_equal(drawn, before[name])
    assert page.url == asked
    panel(page, "layer-conv1").click()
    page.wait_for_url(re.compile("layer=conv1"))
    settle(page)
    page.mouse.move(2, 2)
    np.testing.assert_array_equal(canvases(page)["map"], previewed)


def test_pointing_at_a_class_shows_the_map_that_it_has_as_the_target(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=137&model=resnet20")
    page.wait_for_function("() => window.gradCamStages.classes !== null")
    other = int(np.argsort(-probabilities("resnet20")[137])[1])
    bar, asked = page.locator(f'.class-bar[data-class="{other}"]'), page.url
    bar.hover()
    expect(page.locator(".title.preview")).to_have_count(2)
    previewed = canvases(page)
    assert page.url == asked
    bar.click()
    page.wait_for_url(re.compile(f"target={other}"))
    settle(page)
    page.mouse.move(2, 2)
    chosen = canvases(page)
    for name in ("overlay", "map"):
        np.testing.assert_array_equal(chosen[name], previewed[name])


def test_a_preview_of_classes_belongs_to_the_picture_that_is_shown(page: Page, root: str) -> None:
    opened(page, root, "/layer_explorer?img=5")
    page.wait_for_function("() => window.gradCamStages.classes !== null")
    first = page.evaluate("window.gradCamStages.classes.key")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("img=6"))
    settle(page)
    page.wait_for_function(f"() => window.gradCamStages.classes.key !== {json.dumps(first)}")


# Section: what a page loads


@pytest.mark.parametrize(
    ("path", "charts"),
    [
        ("/layer_explorer?img=5&beside=image", False),
        ("/seed_gallery?img=5", False),
        ("/class_browser?img=5", False),
        ("/how_it_works?img=5&step=weights", False),
        ("/lesson", False),
        ("/disagreement?img=5", True),
    ],
)
def test_only_a_page_with_a_chart_loads_the_library_of_charts(page: Page, root: str, path: str, charts: bool) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(root + path)
    page.wait_for_selector("canvas", timeout=60_000)
    settle(page)
    assert any("plotly" in url.lower() for url in asked) is charts
    assert page.locator(".js-plotly-plot").count() == (2 if charts else 0)


# Section: a press together with a fragment's own message

HELD = """(() => {
  const real = window.setTimeout;
  window.setTimeout = (call, after, ...rest) => {
    if (after !== 800) return real(call, after, ...rest);
    window.askForPreviews = call;
    return 0;
  };
})()"""
"""The class previews ask for their maps when the test says so, and not once the page is idle."""
TOGETHER = """(presses) => {
  const press = () => [...document.querySelectorAll('.class-bar')].find((bar) => bar.textContent.startsWith('frog')).click();
  for (const one of presses === 'first' ? [press, window.askForPreviews] : [window.askForPreviews, press]) one();
}"""


@pytest.mark.parametrize("press", ["first", "last"])
def test_a_press_that_comes_with_the_previews_message_draws_the_whole_page(page: Page, root: str, press: str) -> None:
    page.add_init_script(HELD)
    page.goto(f"{root}/layer_explorer?img=3")
    page.wait_for_function("Boolean(window.askForPreviews)")
    settle(page)
    page.evaluate(TOGETHER, press)
    page.wait_for_url(re.compile("target=6"))
    expect(page.locator(".stage .class-bar.target").first).to_contain_text("frog")
