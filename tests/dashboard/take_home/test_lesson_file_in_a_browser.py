"""The dashboard's own lesson as one file, opened from the disk in Chromium without a network."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from scipy.stats import spearmanr

import explain_lib as xl
from dashboard.lesson.file import Lesson, parse_lesson
from dashboard.lesson.map_numbers import Brightest
from dashboard.lesson.said import number_words, outline_words, place_words
from dashboard.lesson.shelf import OWN_FOLDER
from dashboard.lesson.vocabulary import VOCABULARY, WORDED
from dashboard.topics.sanity.pairs import NAMES, untrained_place
from explain_lib.cam.postprocess import place_maps
from explain_lib.receptive_fields.centres import locate_cells
from explain_lib.trust.region import map_by_cell

ROOT = Path(__file__).parents[3]
MOST_BYTES = 5_000_000
STOPS = 15
HORSE, DEER, FROG, TRUCK = 137, 1015, 29, 9


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The file, as the README's command writes it, and what that says meanwhile."""
    out = tmp_path_factory.mktemp("lesson") / "lesson.html"
    command = [sys.executable, "-m", "explain_lib", "lesson", "grad-cam.md", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return out, done.stderr


@pytest.fixture(scope="module")
def troubles() -> list[str]:
    """What the browser complained of, and what it asked for besides the file."""
    return []


@pytest.fixture(scope="module")
def opened(browser: Browser, written: tuple[Path, str], troubles: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            troubles.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(written[0].as_uri())
    yield page
    context.close()


@pytest.fixture
def page(opened: Page) -> Page:
    """The file as it is when it has just been opened."""
    opened.set_viewport_size({"width": 1280, "height": 720})
    opened.evaluate("() => history.replaceState(null, '', location.pathname)")
    opened.reload()
    expect(opened.locator("html.ready")).to_have_count(1)
    return opened


def go_to(page: Page, stop: int) -> Locator:
    for _ in range(2 * stop - 1):  # the answer of each stop before it, too
        page.keyboard.press("PageDown")
    shown = page.locator(f"#stop-{stop}")
    expect(shown).to_be_visible()
    return shown


def picture(stop: Locator, name: str) -> Locator:
    return stop.locator(f'.drawn:not(.printed) [data-picture="{name}"]')


def own_lesson() -> Lesson:
    lesson, _ = parse_lesson((OWN_FOLDER / "grad-cam.md").read_bytes(), tuple(VOCABULARY), WORDED)
    assert lesson is not None
    return lesson


def maps_of(image: int, target: int | None = None) -> xl.GradCams:
    return xl.grad_cam(xl.load_model("resnet20"), xl.load_cifar10().pixels[image : image + 1], None, target)


# Section: the file


def test_it_is_small_and_names_nothing_outside(written: tuple[Path, str]) -> None:
    content = written[0].read_bytes()
    assert len(content) <= MOST_BYTES
    text = content.decode()
    assert "default-src 'none'" in text
    assert re.findall(r"https?://|(?:src|href)=\"(?!#|data:)|url\(|@import", text) == []
    assert [line.split(":")[0] for line in written[1].splitlines()] == [f"Stop {n} of {STOPS}" for n in range(1, STOPS + 1)]


def test_page_down_goes_through_all_stops_and_asks_for_nothing(page: Page, troubles: list[str]) -> None:
    for number, stop in enumerate(own_lesson().stops, 1):
        shown = go_to(page, 1) if number == 1 else page.locator(f"#stop-{number}")
        expect(shown.get_by_role("heading", level=1)).to_have_text(stop.title)
        assert page.locator(".screen:visible").count() == 1
        assert shown.locator(".drawn:not(.printed) canvas").count() > 1
        sizes = shown.locator(".drawn:not(.printed) .part.fits canvas").evaluate_all("all => all.map((one) => one.width)")
        assert max(sizes) > 1
        bottoms = shown.locator(".drawn:not(.printed) .part.fits .place").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().bottom)"
        )
        assert max(bottoms) <= 720
        page.keyboard.press("PageDown")
        expect(shown.locator('[data-fold="answer"]')).to_be_visible()
        page.keyboard.press("PageDown")
    expect(page.locator(f"#stop-{STOPS}")).to_be_visible()  # there is nothing after the last
    page.keyboard.press("PageUp")
    expect(page.locator(f"#stop-{STOPS - 1}")).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_role("heading", level=1)).to_have_text(own_lesson().title)
    assert troubles == []


def test_the_policy_lets_nothing_be_loaded(page: Page, troubles: list[str]) -> None:
    assert page.evaluate("fetch('https://example.org/').then(() => 'loaded', () => 'refused')") == "refused"
    assert any("Content Security Policy" in trouble for trouble in troubles)
    troubles.clear()


# Section: layers and classes


def number_under_pointer(stop: Locator, cell: tuple[int, int], grid: tuple[int, int]) -> np.float32:
    """The map's number on the line while the pointer is at the middle of a cell of the map itself."""
    place = picture(stop, "map")
    box = place.bounding_box()
    assert box is not None
    y, x = (side * (at + 0.5) / cells for side, at, cells in zip((box["height"], box["width"]), cell, grid, strict=True))
    place.hover(position={"x": x, "y": y})
    line = stop.locator(".drawn:not(.printed) .reading")
    expect(line.locator("b")).to_have_text(f"row {cell[0]}, column {cell[1]}")
    label = line.locator(".label", has_text="The map itself")
    return np.float32(label.locator("xpath=following-sibling::*[1]").inner_text().replace("−", "-"))


def test_every_layer_and_class_has_the_numbers_of_its_map(page: Page) -> None:
    stop = go_to(page, 2)
    page.keyboard.press("a")
    own, truck = maps_of(FROG), maps_of(FROG, TRUCK)
    layers = list(own)
    last, early = layers[-1], layers[1]
    assert number_under_pointer(stop, (3, 2), own[last].grid) == own[last].map[0, 3, 2] > 0
    picture(stop, f"layer-{early}").click()
    row, column = np.unravel_index(own[early].map[0].argmax(), own[early].grid)
    peak = (int(row), int(column))
    assert number_under_pointer(stop, peak, own[early].grid) == own[early].map[0][peak] > 0
    stop.locator(f'.drawn:not(.printed) [data-class="{TRUCK}"]').click()
    assert number_under_pointer(stop, peak, own[early].grid) == truck[early].map[0][peak] != own[early].map[0][peak]
    page.keyboard.press("ArrowUp")
    row, column = np.unravel_index(truck[layers[0]].map[0].argmax(), truck[layers[0]].grid)
    assert number_under_pointer(stop, (int(row), int(column)), truck[layers[0]].grid) == truck[layers[0]].map.max()
    shown = [picture(stop, f"layer-{name}").get_attribute("aria-pressed") for name in layers]
    assert shown == ["true"] + ["false"] * (len(layers) - 1)
    page.keyboard.press("b")
    expect(picture(stop, f"layer-{last}")).to_have_attribute("aria-pressed", "true")
    expect(stop.locator(f'.drawn:not(.printed) [data-class="{TRUCK}"]')).to_have_attribute("aria-pressed", "false")


def test_the_answer_follows_the_layer_and_a_bar_previews_its_class(page: Page) -> None:
    stop, own = go_to(page, 2), maps_of(FROG)
    page.keyboard.press("a")
    answer = stop.locator('[data-fold="answer"]')
    for layer in reversed(list(own)[-3:]):
        row, column = np.unravel_index(own[layer].map[0].argmax(), own[layer].grid)
        expect(answer).to_contain_text(f"in row {row} and column {column}, counted from 0")
        page.keyboard.press("ArrowUp")
    stop.locator(f'.drawn:not(.printed) [data-class="{TRUCK}"]').hover()
    expect(stop.locator(".drawn:not(.printed) .title.preview").first).to_contain_text("preview: truck")


def test_cells_are_stretched_by_the_switch_below(page: Page) -> None:
    stop = go_to(page, 12)
    page.keyboard.press("a")
    before = picture(stop, "overlay").locator("canvas").evaluate("canvas => canvas.toDataURL()")
    stop.get_by_role("button", name="stretched").click()
    expect(stop.get_by_role("button", name="stretched")).to_have_attribute("aria-pressed", "true")
    assert picture(stop, "overlay").locator("canvas").evaluate("canvas => canvas.toDataURL()") != before


def test_keys_go_through_the_steps(page: Page) -> None:
    stop = go_to(page, 3)
    expect(stop.locator(".switches span")).to_have_text("3 of 6 · One weight for each channel")
    page.keyboard.press("5")
    expect(stop.locator(".switches span")).to_have_text("5 of 6 · Only what speaks for the answer")
    expect(picture(stop, "after")).to_be_visible()


# Section: commit, then reveal


def said_words(markdown: str) -> str:
    return markdown.replace("**", "")


def test_a_choice_stands_beside_the_right_one(page: Page) -> None:
    stop = go_to(page, 5)
    assert "That is right" not in page.locator("body").inner_text()
    assert "the network says" not in stop.inner_text()
    stop.get_by_label("No, but deer scored higher").check()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(stop.locator(".rail .said")).to_have_text("✓ You said “No, but deer scored higher”. That is right.")
    expect(stop.locator('[data-fold="answer"]')).to_contain_text("the network says deer")
    page.keyboard.press("a")
    stop.get_by_label("Yes, it found nothing that speaks for a car").check()
    stop.get_by_role("button", name="Answer").click()
    wrong = "You said “Yes, it found nothing that speaks for a car”. Right: “No, but deer scored higher”."
    expect(stop.locator(".rail .said")).to_have_text(wrong)


@pytest.mark.parametrize("said", [(3, 3), (16, 20), (30, 9)])
def test_a_place_is_covered_until_the_answer_says_how_far_off_it_was(page: Page, said: tuple[int, int]) -> None:
    stop, own = go_to(page, 1), maps_of(DEER)
    layer = list(own)[-1]
    model = xl.load_model("resnet20")
    centres = locate_cells(model, layer)
    assert centres is not None
    assert picture(stop, "map").locator("canvas").evaluate("canvas => canvas.width") == 1  # nothing is painted
    layers = stop.locator(".drawn:not(.printed) .strip canvas")
    assert layers.count() == len(own)
    assert layers.evaluate_all("all => all.map((canvas) => canvas.width)") == [1] * len(own)
    box = picture(stop, "picture").bounding_box()
    assert box is not None
    picture(stop, "picture").click(
        position={"x": (said[1] + 0.5) / 32 * box["width"], "y": (said[0] + 0.5) / 32 * box["height"]}
    )
    expect(stop.locator(".field")).to_contain_text(f"You say pixel row {said[0]}, column {said[1]}.")
    page.keyboard.press("a")
    row, column = np.unravel_index(own[layer].map[0].argmax(), own[layer].grid)
    lines = centres.rows.astype(np.float64), centres.columns.astype(np.float64)
    found = Brightest((int(row), int(column)), *lines, model.input_size)
    expect(stop.locator(".rail .said")).to_have_text(said_words(place_words(said, found)))
    for name in ("picture", "overlay", "map"):
        assert picture(stop, name).locator(".spot .words").all_inner_texts() == ["you", "brightest"]


@pytest.mark.parametrize(
    "strokes",
    [((4, 4, 9), (8, 4, 13), (11, 5, 13)), ((0, 0, 15),), ((1, 15, 15),), ()],
    ids=["frog", "an eighth", "corner", "nothing"],
)
def test_an_outline_is_painted_and_set_beside_the_map_as_a_server_does(
    page: Page, strokes: tuple[tuple[int, ...], ...]
) -> None:
    stop = go_to(page, 2)
    assert picture(stop, "map").locator("canvas").evaluate("canvas => canvas.width") == 1  # nothing is painted
    cells = np.zeros((16, 16), bool)
    for row, first, last in strokes:
        ends = [on_cell(stop, row, column) for column in (first, last)]
        page.mouse.move(*ends[0])
        page.mouse.down()
        page.mouse.move(*ends[1], steps=12)
        page.mouse.up()
        cells[max(row - 1, 0) : row + 2, max(first - 1, 0) : last + 2] = True  # the middle brush: three cells
    page.keyboard.press("a")
    layer, model = "layer3.2.conv2", xl.load_model("resnet20")
    centres = locate_cells(model, layer)
    assert centres is not None
    large = place_maps(np.array(maps_of(FROG)[layer].map), model.input_size, "torch-bilinear", centres)[0]
    expect(stop.locator(".rail .said")).to_have_text(said_words(outline_words(xl.cover_code(cells), map_by_cell(large))))
    for name in ("picture", "overlay"):
        assert picture(stop, name).locator(".outline .line").count() == (2 if strokes else 0)
    page.keyboard.press("a")
    assert picture(stop, "picture").locator(".outline .area").count() == (1 if strokes else 0)  # to be changed


def on_cell(stop: Locator, row: int, column: int) -> tuple[float, float]:
    box = picture(stop, "picture").bounding_box()
    assert box is not None
    return box["x"] + (column + 0.5) * box["width"] / 16, box["y"] + (row + 0.5) * box["height"] / 16


def test_a_number_is_set_beside_the_computed_one(page: Page) -> None:
    stop = go_to(page, 6)
    computed = correlation_of_first_and_last()
    for said in ("0.3", "-0.25", "12", "150000", "0", computed.replace("−", "-")):
        stop.get_by_role("spinbutton").fill(said)
        page.keyboard.press("Escape")
        page.keyboard.press("a")
        expect(stop.locator(".rail .said")).to_have_text(said_words(number_words(said, computed)))
        page.keyboard.press("a")


def correlation_of_first_and_last() -> str:
    """The rank correlation of the horse's first map with the last one, enlarged by OpenCV, as SciPy has it."""
    own = maps_of(HORSE)
    ends = (own[name].map[0] for name in (own.names[0], own.names[-1]))
    first, last = (cv2.resize(one, (32, 32), interpolation=cv2.INTER_LINEAR) for one in ends)
    return f"{spearmanr(first.ravel(), last.ravel()).statistic:.2f}".replace("-", "−")


def test_pairs_have_no_names_before_the_answer_and_each_has_its_own(page: Page) -> None:
    stop = go_to(page, 10)
    images = own_lesson().stops[9].view.blind
    assert len(images) == 6
    for place, image in enumerate(images):
        titles = stop.locator(".drawn:not(.printed) .part.fits .title > span")
        assert titles.all_inner_texts() == ["The picture", "A", "B"]
        page.keyboard.press("a")
        expect(stop.locator('[data-fold="answer"]')).to_contain_text(f"Here it is {NAMES[untrained_place(image)]};")
        expect(stop.locator(".drawn:not(.printed)")).to_contain_text(f"{NAMES[untrained_place(image)]}: never trained")
        page.keyboard.press("a")
        page.keyboard.press("ArrowRight")
        if place < len(images) - 1:
            chosen = stop.locator(".drawn:not(.printed) .strip .chosen [data-picture]")
            expect(chosen).to_have_attribute("data-picture", f"pair-{images[place + 1]}")


# Section: for everybody, and on paper


def violations(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in Axe().run(page).response["violations"]]


def test_axe_finds_nothing_at_any_stop(page: Page) -> None:
    assert violations(page) == []
    for _ in range(STOPS):
        page.keyboard.press("PageDown")
        for key in "ha":
            page.keyboard.press(key)
        assert violations(page) == []
    page.evaluate("document.querySelector('.screen:not([hidden]) [data-picture]').removeAttribute('aria-label')")
    assert [one for one in violations(page) if one.startswith("role-img-alt")]


def test_a_dark_phone_has_all_of_it_and_scrolls_down_only(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    for number in range(1, STOPS + 1):
        for _ in range(1 if number == 1 else 2):
            page.keyboard.press("PageDown")
        width, rail = page.evaluate(
            "[document.documentElement.scrollWidth, document.querySelector('.screen:not([hidden]) .rail').offsetHeight]"
        )
        assert width <= 390
        assert rail <= 0.43 * 844
        if number in (1, 9):
            assert violations(page) == []
    page.emulate_media(color_scheme="light")


def test_in_print_each_stop_has_a_page_with_all_open_and_no_buttons(page: Page) -> None:
    go_to(page, 2)
    page.emulate_media(media="print")
    for stop in page.locator(".stop").all():
        assert stop.locator(".rail button:visible, .switches button:visible").count() == 0
        for part in (".question", '[data-fold="hint"]', '[data-fold="answer"]', ".printed canvas >> nth=0"):
            expect(stop.locator(part).first).to_be_visible()
    first = page.locator("#stop-1")
    assert first.locator('.printed [data-picture="map"] canvas').evaluate("canvas => canvas.width") > 1  # uncovered on paper
    expect(first).to_contain_text("Computed: brightest square")
    pages = len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True)))
    page.emulate_media(media="screen")
    assert STOPS + 1 <= pages <= STOPS + 4
