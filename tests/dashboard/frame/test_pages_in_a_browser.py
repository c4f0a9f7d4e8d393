"""A walk through all pages in Chromium, as a person would take it."""

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from independent_maps import captum_map, labels, logit, probabilities
from opened_page import START, pixels_of
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from running_app import address, settle

from explain_lib.pictures.rendering import png

SECTIONS = {
    "Layer explorer": "Look",
    "Class browser": "Look",
    "How it works": "How it works",
    "Training in time": "How it works",
    "Glossary": "How it works",
    "Disagreement": "Compare",
    "Eight pictures": "Compare",
    "Scan": "Compare",
    "Layer ladder": "Trust",
    "Sanity checks": "Trust",
    "Known truth": "Trust",
    "Slices": "Trust",
    "The study's guesses": "Trust",
    "Lesson": "",
}
"""The pages, and under which section of the navigation each stands; the lesson by itself."""
PAGES = tuple(SECTIONS)
NAMES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
DESK, TALL, PHONE = ({"width": width, "height": height} for width, height in ((1440, 900), (1440, 1400), (390, 844)))


@dataclass
class Visit:
    """A page in the browser, and the errors that its console logged."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        # Streamlit asks for its health below a page's own path first, when a page is opened by its address.
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            self.errors.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector("h1", timeout=60_000)
        self.settle()

    def settle(self) -> None:
        settle(self.page)
        assert not self.errors, self.errors

    def follow_navigation(self, title: str) -> None:
        section = SECTIONS.get(title)
        if section:
            self.page.get_by_role("banner").get_by_role("button", name=section, exact=True).click()
            self.page.get_by_role("menuitem", name=title, exact=True).click()
        else:
            self.page.get_by_role("banner").get_by_role("link", name=title).click()
        expect(self.page.get_by_role("heading", name=title, level=1)).to_be_visible()
        self.settle()

    def press(self, name: str) -> None:
        """Press a button; those with a key for them have it in their name."""
        self.page.get_by_role("button", name=re.compile(rf"^{name}\b")).click()
        self.settle()

    @property
    def title(self) -> str:
        return self.page.locator("h1").inner_text()

    @property
    def image_number(self) -> str:
        return self.page.get_by_role("spinbutton", name="Test image").input_value()

    @property
    def counts(self) -> str:
        return self.page.get_by_text("images ·").first.inner_text()

    def query(self) -> dict[str, str]:
        return address(self.page)

    def shows(self) -> tuple[str, str, dict[str, str], str]:
        """The page's title, the image of its field, what the address says, and the model, class and layer of the line."""
        chosen = [box.input_value() for box in self.page.locator(".st-key-context-line").get_by_role("combobox").all()]
        return self.title, self.image_number, self.query(), " ".join(chosen)

    def unfold(self, menu: str) -> None:
        """Unfold a menu of the line."""
        self.page.get_by_test_id("stPopoverButton").filter(has_text=menu).first.click()
        self.settle()

    def reset(self) -> None:
        """Go back to the start."""
        self.unfold("⚙")
        self.press("Reset")


@contextmanager
def visiting(context: BrowserContext, root: str) -> Iterator[Visit]:
    page = context.new_page()
    page.set_default_navigation_timeout(60_000)
    visit = Visit(page, root)
    page.on("console", visit.note)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    yield visit
    page.close()


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[BrowserContext]:
    """What a person at a desk has open: one cache for all tests."""
    context = browser.new_context(viewport=DESK, permissions=["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def visit(desk: BrowserContext, root: str) -> Iterator[Visit]:
    with visiting(desk, root) as visit:
        yield visit


@pytest.fixture
def phone(browser: Browser, root: str) -> Iterator[Visit]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    with visiting(context, root) as visit:
        yield visit
    context.close()


def test_every_page_opens_by_a_click_also_on_a_dark_screen_with_pictures_that_have_words(visit: Visit) -> None:
    visit.page.emulate_media(color_scheme="dark")
    visit.open("/")
    for title in (*PAGES[1:], PAGES[0]):
        assert "seed" not in title.lower()
        visit.follow_navigation(title)
        assert visit.page.locator('[data-testid="stMain"] img:not([alt]), [data-testid="stMain"] img[alt=""]').count() == 0
        assert max(visit.page.evaluate(BACKGROUND)) < 60


BACKGROUND = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"


# Section: addresses and Back


def test_back_undoes_one_step_a_press_also_across_pages(visit: Visit) -> None:
    visit.open("/")
    first = visit.page.evaluate("history.length")
    steps: tuple[Callable[[], object], ...] = (
        lambda: visit.press("Next"),
        lambda: visit.follow_navigation("Eight pictures"),
        lambda: visit.follow_navigation("Layer explorer"),
        visit.page.locator('[data-picture="layer-conv1"]').click,
        lambda: visit.page.keyboard.press("ArrowRight"),
        lambda: visit.follow_navigation("Disagreement"),
        lambda: visit.page.get_by_text("on one shared layer").click(),
        visit.reset,
    )
    seen = [visit.shows()]
    for number, step in enumerate(steps, start=1):
        step()
        _try_until(lambda before=seen[-1]: visit.shows() != before)
        visit.settle()
        seen.append(visit.shows())
        assert visit.page.evaluate("history.length") == first + number
    image_5 = START | {"img": "5", "layer": "conv1"}
    assert [(title, number, asked) for title, number, asked, _ in seen] == [
        ("Layer explorer", "3", START),  # the bare address was completed in place
        ("Layer explorer", "4", START | {"img": "4"}),
        ("Eight pictures", "4", START | {"img": "4"}),
        ("Layer explorer", "4", START | {"img": "4"}),
        ("Layer explorer", "4", START | {"img": "4", "layer": "conv1"}),
        ("Layer explorer", "5", image_5),
        ("Disagreement", "5", image_5),
        ("Disagreement", "5", image_5 | {"a": "manual", "b": "package"}),
        ("Disagreement", "3", START),
    ]
    for before in reversed(seen[:-1]):
        visit.page.go_back()
        visit.settle()
        assert visit.shows() == before
    visit.page.go_forward()
    visit.settle()
    assert visit.shows() == seen[1]


@pytest.mark.parametrize(
    ("path", "title"),
    [("/?img=5&layer=conv1", "Layer explorer"), ("/layer_explorer?img=5&layer=conv1", "Layer explorer"),
     ("/seed_gallery?img=5&drawing=fair", "Eight pictures"), ("/seed_gallery?img=5&drawing=notebook", "Eight pictures")],
)  # fmt: skip
def test_old_addresses_open_what_they_did_also_by_back(visit: Visit, path: str, title: str) -> None:
    visit.open(path)
    before = visit.shows()
    assert (before[0], before[1]) == (title, "5")
    visit.follow_navigation("Disagreement")
    assert visit.image_number == "5"
    visit.page.go_back()
    visit.settle()
    assert visit.shows() == before
    assert visit.page.url == visit.address + path


def test_the_navigation_leads_from_the_old_address_of_the_landing_page_to_its_new_one_with_the_view(visit: Visit) -> None:
    visit.open("/layer_explorer?img=5&layer=conv1")
    before = visit.shows()
    visit.follow_navigation("Layer explorer")
    visit.page.wait_for_url(re.compile(rf"^{visit.address}/\?img=5"))
    assert visit.shows() == (*before[:2], START | before[2], before[3])


def test_the_navigation_has_its_sections_in_order_and_the_lesson_at_the_right(visit: Visit) -> None:
    visit.open("/")
    banner = visit.page.get_by_role("banner")
    places = {
        name: banner.get_by_role(role, name=name, exact=True).bounding_box()
        for name, role in (*((section, "button") for section in SECTIONS.values() if section), ("Lesson", "link"))
    }
    lefts = [box["x"] for box in places.values() if box]
    assert len(lefts) == len(places) == 5
    assert lefts == sorted(lefts)
    for section in dict.fromkeys(SECTIONS.values()):
        if section:
            banner.get_by_role("button", name=section, exact=True).click()
            listed = visit.page.get_by_role("menuitem").all_inner_texts()
            assert listed == [title for title, where in SECTIONS.items() if where == section]
            visit.page.keyboard.press("Escape")


def test_the_landing_page_leads_to_why_two_programs_disagree(visit: Visit) -> None:
    visit.open("/?img=5")
    visit.page.get_by_role("link", name="Two programs both say Grad-CAM, and disagree: see why").click()
    expect(visit.page.get_by_role("heading", name="Disagreement", level=1)).to_be_visible()
    visit.settle()
    assert visit.image_number == "5"


def test_copy_address_puts_the_address_on_the_clipboard(visit: Visit) -> None:
    visit.open("/disagreement?layer=conv1")
    visit.page.get_by_text("on one shared layer").click()
    visit.settle()
    visit.unfold("Share")
    visit.page.get_by_role("button", name="Copy address").click()
    expect(visit.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == visit.page.url
    assert visit.query() == START | {"layer": "conv1", "a": "manual", "b": "package"}
    visit.page.goto(copied)
    expect(visit.page.get_by_text("Layer conv1: sum over channels, cut at zero, divided by its maximum")).to_be_visible()


# Section: the class browser


def test_a_picture_of_the_browser_is_picked_by_click_and_by_key(visit: Visit) -> None:
    visit.open("/class_browser?class=3")
    pictures = visit.page.locator(".image-grid button")
    expect(pictures).to_have_count(1000)
    cats = [int(number) for number in np.flatnonzero(labels() == 3)]
    pictures.nth(7).click()
    visit.settle()
    assert visit.image_number == str(cats[7])
    pictures.nth(7).focus()
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("Enter")
    visit.settle()
    assert visit.image_number == str(cats[8])
    assert visit.query()["img"] == str(cats[8])


def test_under_each_picture_stand_its_true_class_and_the_prediction(visit: Visit) -> None:
    visit.open("/class_browser?class=any&predicted=5&high=25")
    shares = probabilities("captum-tutorial")
    chosen = np.flatnonzero((shares.argmax(1) == 5) & (shares.max(1) <= 0.25))
    buttons = visit.page.locator(".image-grid button")
    expect(buttons).to_have_count(len(chosen))
    words = buttons.evaluate_all(
        "all => all.map(one => [...one.querySelectorAll('span')].map(part => part.textContent).join('|'))"
    )
    for word, image in zip(words, chosen, strict=True):
        true, sure = NAMES[labels()[image]], shares[image].max() * 100
        assert word == f"|{true}|{'✓' if true == 'dog' else '✗'} dog {sure:.0f} %"


def test_a_click_on_a_cell_of_the_confusion_matrix_shows_its_images(visit: Visit) -> None:
    visit.page.set_viewport_size(TALL)
    visit.open("/class_browser?class=5&predicted=8")
    guesses = probabilities("captum-tutorial").argmax(1)
    for true, guess in ((9, 9), (5, 3)):
        _click_cell(visit, true, guess)
        asked = visit.query()
        assert (asked["class"], asked["predicted"]) == (str(true), str(guess))
        count = int(((labels() == true) & (guesses == guess)).sum())
        assert visit.counts.startswith(f"{count:,} images")
    _click_cell(visit, 5, 3)  # once more: the whole row
    assert visit.query() == START | {"class": "5"}
    assert visit.counts.startswith("1,000 images")
    visit.page.go_back()
    visit.settle()
    assert visit.query() == START | {"class": "5", "predicted": "3"}
    assert visit.counts.startswith(f"{int(((labels() == 5) & (guesses == 3)).sum()):,} images")


def _click_cell(visit: Visit, row: int, column: int) -> None:
    before = visit.page.url
    visit.page.locator(f'.confusion [data-row="{row}"][data-column="{column}"]').click()
    visit.page.wait_for_url(lambda url: url != before)
    visit.settle()


def _framed_cells(visit: Visit) -> list[tuple[int, int]]:
    cells = visit.page.locator(".confusion button.chosen").evaluate_all("all => all.map(one => ({...one.dataset}))")
    pressed = visit.page.locator('.confusion button[aria-pressed="true"]').count()
    assert pressed == len(cells)
    return [(int(cell["row"]), int(cell["column"])) for cell in cells]


def test_a_cell_of_the_confusion_matrix_says_what_it_counts_and_is_darker_for_a_larger_share(visit: Visit) -> None:
    visit.open("/class_browser?class=any")
    assert _framed_cells(visit) == []
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels(), probabilities("captum-tutorial").argmax(1)), 1)
    cells = visit.page.locator(".confusion button")
    shown = cells.evaluate_all("all => all.map(one => [one.textContent, one.title, getComputedStyle(one).backgroundColor])")
    for (text, title, _), (row, column) in zip(shown, np.ndindex(10, 10), strict=True):
        assert text == str(counts[row, column])
        assert title == f"true {NAMES[row]}, predicted {NAMES[column]}: {counts[row, column]:,} images"
    brightness = np.array([sum(map(int, re.findall(r"\d+", colour))) for _, _, colour in shown]).reshape(10, 10)
    order = np.argsort(counts.ravel(), kind="stable")  # each class has a thousand images, so counts are shares
    assert (np.diff(brightness.ravel()[order]) <= 0).all()
    assert brightness.min() < brightness.max() - 300


def test_keys_move_through_the_confusion_matrix_and_leave_the_image(visit: Visit) -> None:
    visit.open("/class_browser?class=3")
    assert _framed_cells(visit) == [(3, column) for column in range(10)]
    visit.page.locator('.confusion [tabindex="0"]').focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "Enter"):
        visit.page.keyboard.press(key)
    visit.page.wait_for_url(re.compile("predicted=1"))
    visit.settle()
    assert visit.query() == START | {"class": "4", "predicted": "1"}
    assert _framed_cells(visit) == [(4, 1)]


def test_the_picked_image_of_an_address_is_in_sight(visit: Visit) -> None:
    visit.page.set_viewport_size(TALL)
    planes = np.flatnonzero(labels() == 0)
    visit.open(f"/class_browser?class=0&img={planes[700]}")
    expect(visit.page.locator(f'.image-grid button[data-image="{planes[700]}"]')).to_be_in_viewport()
    expect(visit.page.locator(f'.image-grid button[data-image="{planes[0]}"]')).not_to_be_in_viewport()


# Section: pixels, numbers, files


def _try_until(read: Callable[[], object], seconds: float = 20.0) -> object:
    """The first answer that is not empty."""
    deadline = time.monotonic() + seconds
    while not (words := read()):
        assert time.monotonic() < deadline, "it did not appear"
        time.sleep(0.2)
    return words


def test_the_pointer_reads_exactly_what_was_computed_and_marks_its_place_in_every_map(visit: Visit, tmp_path: Path) -> None:
    visit.page.set_viewport_size(TALL)
    visit.open("/disagreement?img=2")
    with visit.page.expect_download() as maps:
        visit.page.get_by_role("button", name="Maps (.npz)").click()
    maps.value.save_as(tmp_path / "maps.npz")
    with np.load(tmp_path / "maps.npz") as file:
        taken = dict(file)
    causes = {  # float64 in the file, and float32 on the page
        f"by {name.replace('_', ' ')}": taken[f"cause_{name}"].astype(np.float32)
        for name in ("rescale_after_merge", "layers", "scale_over")
    }
    expected = {
        "a": taken["a"],
        "b": taken["b"],
        "b − a": taken["difference"],
        "|b − a|": np.abs(taken["difference"]),
        **causes,
    }
    row, column, names = 4, 24, ("map-a", "map-b", "map-signed", "map-size", "cause-layers", "picture")
    for source in ("map-signed", "cause-layers"):
        _point_at(visit, source, row, column)
        read = _reading(visit)
        assert {name: read[name] for name in expected} == {name: values[row, column] for name, values in expected.items()}
        pointed = visit.page.locator(f'[data-pointed="{row},{column}"]').evaluate_all(
            "all => all.map(one => one.dataset.picture)"
        )
        assert set(names) <= set(pointed)
    total = sum(float(read[name]) for name in causes)
    assert total == pytest.approx(float(read["b − a"]), abs=4e-5)  # epsilon is not shown


def _point_at(visit: Visit, name: str, row: int, column: int) -> None:
    """Hold the pointer over the middle of a cell of a panel with 32 by 32 of them."""
    panel = visit.page.locator(f'[data-picture="{name}"]')
    panel.scroll_into_view_if_needed()
    box = panel.bounding_box()
    assert box is not None
    visit.page.mouse.move(box["x"] + box["width"] * (column + 0.5) / 32, box["y"] + box["height"] * (row + 0.5) / 32)


def _reading(visit: Visit) -> dict[str, np.float32]:
    """The numbers of the first line that reads them, by their names; those of one number."""
    line = visit.page.locator(".stage .reading").first
    pairs = line.evaluate(
        "line => [...line.querySelectorAll('.label')].map(one => [one.textContent, one.nextSibling.textContent])"
    )
    return {name: np.float32(number.replace("−", "-")) for name, number in pairs if " " not in number}


def test_a_scan_runs_while_the_page_answers_stops_goes_on_and_opens_its_worst_image(visit: Visit) -> None:
    visit.open("/scan?class=any&model=resnet20&a=manual&b=package")  # long enough to be stopped, however quick the machine
    visit.page.get_by_role("button", name="Scan 10,000 images").click()
    expect(visit.page.get_by_text("images a second")).to_be_visible()
    visit.page.get_by_role("spinbutton", name="Test image").fill("17")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url(re.compile("img=17"))
    visit.page.get_by_test_id("stMainBlockContainer").get_by_role("button", name="Stop", exact=True).click()
    more = visit.page.get_by_role("button", name=re.compile("^Go on with "))
    expect(more).to_be_visible()
    expect(visit.page.get_by_text("stopped")).to_be_visible()
    visit.settle()
    more.click()
    expect(visit.page.get_by_text("10,000 of 10,000 images · done")).to_be_visible(timeout=120_000)
    visit.settle()
    worst = visit.page.locator('[data-picture^="furthest-apart-"]').first
    number = str(worst.get_attribute("data-picture")).removeprefix("furthest-apart-")
    worst.click()
    expect(visit.page.get_by_role("heading", name="Disagreement", level=1)).to_be_visible()
    visit.settle()
    assert visit.image_number == number
    assert visit.query()["model"] == "resnet20"


def test_a_download_is_a_file_with_the_map(visit: Visit) -> None:
    visit.open("/layer_explorer?img=5&layer=relu1&target=2")
    with visit.page.expect_download() as started:
        visit.page.get_by_role("button", name="Maps (.npz)").click()
    assert started.value.suggested_filename == "image5-captum-tutorial-relu1-bird.npz"
    with np.load(started.value.path()) as file:
        np.testing.assert_allclose(file["map"], captum_map(5, "relu1", logit(2)), rtol=1e-4, atol=1e-7)


def test_flicker_shows_a_and_b_in_turn_in_one_place(visit: Visit) -> None:
    visit.open("/disagreement?img=6&a=manual;layers=conv1&b=package;layers=conv1&target=1&flicker=on")
    panel = visit.page.locator('figure:has([data-picture="flicker"])')
    box = panel.locator("canvas").bounding_box()
    assert box is not None
    assert box["width"] >= 200
    seen = {}
    for _ in range(20):
        visit.page.wait_for_timeout(100)
        seen[panel.locator(".title").inner_text()] = panel.locator("canvas").evaluate("canvas => canvas.toDataURL()")
    assert set(seen) == {"a · manual Grad-CAM", "b · package grad-cam"}
    for name, letter in zip(sorted(seen), "ab", strict=True):
        side = visit.page.locator(f'[data-picture="map-{letter}"] canvas').evaluate("canvas => canvas.toDataURL()")
        shown, alone = (pixels_of(base64.b64decode(file.partition(",")[2])) for file in (seen[name], side))
        cells = [drawn[:: len(drawn) // 32, :: len(drawn) // 32] for drawn in (shown, alone)]
        np.testing.assert_array_equal(*cells)
    assert panel.locator("canvas").bounding_box() == box


def test_what_is_unfolded_stays_unfolded_while_it_is_changed(visit: Visit) -> None:
    visit.open("/disagreement")
    visit.page.get_by_text("Set up both sides").click()
    visit.settle()
    visit.page.get_by_text("relu", exact=True).first.click()
    visit.settle()
    assert "relu=false" in visit.query()["a"]
    expect(visit.page.get_by_role("button", name="Swap a and b")).to_be_visible()
    visit.press("Swap a and b")
    assert "relu=false" in visit.query()["b"]
    expect(visit.page.get_by_role("button", name="Swap a and b")).to_be_visible()


# Section: screens


def test_a_phone_never_scrolls_sideways_even_with_everything_unfolded(phone: Visit) -> None:
    for path in (
        "/",
        "/class_browser?average=on&high=25",
        "/layer_explorer?beside=model&model2=resnet20",
        "/disagreement?flicker=on&steps=layers,scale_over",
        "/scan",
        "/guesses",
        "/layer_ladder?modules=all&measure=road",
        "/sanity_checks?model=tutorial",
        "/training_time",
        "/how_it_works?step=weights&model=resnet20",
        "/how_it_works?step=sum&without=2,9",
        "/how_it_works?step=enlarge",
    ):
        phone.open(path)
        summaries = phone.page.locator('[data-testid="stExpander"] summary')
        for place in range(summaries.count()):
            summaries.nth(place).click()
            phone.settle()  # an overtaken run takes its pictures with it
        wide, screen = phone.page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
        assert screen <= PHONE["width"] + 1, path  # a page that is too wide makes a phone zoom out
        assert wide <= screen + 1, path
        main = phone.page.evaluate(
            "() => { const m = document.querySelector('[data-testid=\"stMain\"]'); return m.scrollWidth - m.clientWidth }"
        )
        assert main <= 1, path


def test_on_a_phone_the_navigation_leaves_the_new_page_in_sight(phone: Visit) -> None:
    phone.open("/")
    phone.page.get_by_test_id("stExpandSidebarButton").click()
    phone.page.get_by_test_id("stSidebar").get_by_role("link", name="Disagreement").click()
    expect(phone.page.get_by_role("heading", name="Disagreement", level=1)).to_be_visible()
    expect(phone.page.get_by_test_id("stSidebar")).not_to_be_in_viewport()


# Section: a picture of one's own


def test_a_picture_from_a_file_is_explained_and_its_address_shows_it_to_another(visit: Visit, browser: Browser) -> None:
    own = np.random.default_rng(3).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    visit.open("/layer_explorer?layer=conv1")
    visit.unfold("Open")
    visit.page.locator('input[type="file"]').set_input_files({"name": "own.png", "mimeType": "image/png", "buffer": png(own)})
    expect(visit.page.locator('[data-picture="own-seen"]')).to_be_visible()
    visit.settle()
    expect(visit.page.get_by_text("A picture of your own")).to_be_hidden()  # the menu has folded up
    assert visit.query()["set"] == hashlib.sha256(png(own)).hexdigest()
    with visiting(browser.new_context(viewport=DESK), visit.address) as other:
        other.open(visit.page.url.removeprefix(visit.address))
        for one in (visit, other):
            file = one.page.locator('[data-picture="own-seen"] canvas').evaluate("canvas => canvas.toDataURL()")
            shown = pixels_of(base64.b64decode(file.partition(",")[2]))
            times = len(shown) // len(own)
            np.testing.assert_array_equal(shown, own.repeat(times, 0).repeat(times, 1))
        expect(other.page.get_by_text("your picture · predicted").first).to_be_visible()
