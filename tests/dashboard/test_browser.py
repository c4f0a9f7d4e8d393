"""A walk through all pages in Chromium, as a person would take it."""

import copy
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FloatRect, Locator, Page, expect, sync_playwright
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from running_app import BROWSER_FLAGS, SETTLED, browser_path, free_port, make_command, served, streamlit_command

import explain_lib as xl
from explain_lib.pixels import to_input

expect.set_options(timeout=20_000)  # a busy machine may take seconds over a page

PAGES = ("Seed gallery", "Class browser", "Layer explorer", "Disagreement")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The dashboard as the README's first command opens it."""
    with served(make_command("run"), free_port()) as root:
        yield root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser_path(), args=list(BROWSER_FLAGS))
        yield chromium
        chromium.close()


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
        assert self.page.evaluate(SETTLED), "the page went on changing for a minute"
        boxes = self.page.locator('[data-testid="stException"]').all_inner_texts()
        assert not boxes, boxes
        assert not self.errors, self.errors

    def follow_navigation(self, title: str) -> None:
        self.page.get_by_role("banner").get_by_role("link", name=title).click()
        expect(self.page.get_by_role("heading", name=title, level=1)).to_be_visible()
        self.settle()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.settle()

    @property
    def image_number(self) -> str:
        return self.page.get_by_role("spinbutton", name="Test image").input_value()

    @property
    def caption(self) -> str:
        return self.page.get_by_text("explained:").inner_text()

    def query(self) -> dict[str, str]:
        return dict(re.findall(r"[?&]([^=]+)=([^&]*)", self.page.url))


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    visit = Visit(page, address)
    page.on("console", visit.note)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    yield visit
    page.close()


def test_every_page_opens_by_a_click_with_pictures_that_have_words(visit: Visit) -> None:
    visit.open("/")
    for title in (*PAGES[1:], PAGES[0]):
        visit.follow_navigation(title)
        assert visit.page.locator('[data-testid="stMain"] img:not([alt]), [data-testid="stMain"] img[alt=""]').count() == 0


def test_streamlit_run_from_the_root_opens_the_dashboard_too(browser: Browser) -> None:
    with served(streamlit_command(), free_port()) as root:
        page = browser.new_page()
        page.goto(root)
        expect(page.get_by_role("heading", name="Seed gallery", level=1)).to_be_visible(timeout=60_000)
        expect(page.get_by_text("frog3")).to_be_visible(timeout=60_000)
        page.close()


def test_a_row_of_the_gallery_opens_its_image_in_the_other_pages(visit: Visit) -> None:
    for title in PAGES[1:]:
        visit.open("/")
        frog2 = visit.page.locator('[data-testid="stVerticalBlock"]').filter(has_text=re.compile(r"^frog2")).last
        frog2.get_by_role("link", name=title).click()
        expect(visit.page.get_by_role("heading", name=title, level=1)).to_be_visible()
        visit.settle()
        assert visit.image_number == "5"
        assert visit.query()["img"] == "5"


def test_a_picture_of_the_browser_is_picked_by_click_and_by_key(visit: Visit) -> None:
    visit.open("/class_browser?class=3")
    pictures = visit.page.locator(".image-grid button")
    assert pictures.count() == 1000
    cats = [int(number) for number in np.flatnonzero(xl.load_cifar10().labels == 3)]
    pictures.nth(7).click()
    visit.settle()
    assert visit.image_number == str(cats[7])
    pictures.nth(7).focus()
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("Enter")
    visit.settle()
    assert visit.image_number == str(cats[8])
    assert visit.query()["img"] == str(cats[8])


def test_a_choice_in_the_explorer_is_in_the_address_and_back_undoes_it(visit: Visit) -> None:
    visit.open("/layer_explorer?img=4")
    assert "layer conv2, 10 × 10" in visit.caption
    visit.press("conv1")
    assert "layer conv1, 28 × 28" in visit.caption
    assert visit.query()["layer"] == "conv1"
    visit.page.keyboard.press("ArrowRight")
    expect(visit.page.get_by_text("image 5 ·").first).to_be_visible()
    visit.settle()
    assert visit.image_number == "5"
    visit.page.go_back()
    visit.page.go_back()
    expect(visit.page.get_by_text("layer conv2, 10 × 10")).to_be_visible()
    visit.settle()
    assert visit.image_number == "4"


def test_image_and_layer_are_carried_to_the_next_page(visit: Visit) -> None:
    visit.open("/layer_explorer?img=17&layer=conv1")
    visit.follow_navigation("Disagreement")
    assert visit.image_number == "17"
    visit.page.get_by_text("On one shared layer").click()
    expect(visit.page.get_by_text("Layer conv1, sum over channels, cut at zero, divided by its maximum")).to_be_visible()
    visit.settle()


def test_the_original_on_the_page_has_the_pixels_of_the_data_set(visit: Visit) -> None:
    visit.open("/disagreement?img=6")
    shown = _picture(visit, "Test image 6")
    scale = shown.shape[0] // 32
    np.testing.assert_array_equal(shown, xl.load_cifar10().pixels[6].repeat(scale, 0).repeat(scale, 1))


def _picture(visit: Visit, alt: str) -> NDArray[np.uint8]:
    source = visit.page.get_by_alt_text(alt).get_attribute("src")
    assert source is not None
    answer = visit.page.request.get(source if source.startswith("http") else visit.address + source)
    return np.asarray(Image.open(BytesIO(answer.body())).convert("RGB"))


def test_the_pointer_reads_both_maps_and_their_difference(visit: Visit) -> None:
    visit.open("/disagreement?img=6&setup=shared&layer=conv1&target=1")
    expected = _package_map(image=6, layer="conv1", target=1)
    for title in ("a · manual Grad-CAM", "b − a · signed difference"):
        row, column, a, b, difference = _read_pixel(visit, title)
        assert b == pytest.approx(expected[row, column], abs=6e-5)
        assert difference == pytest.approx(b - a, abs=1.1e-4)


def _package_map(image: int, layer: str, target: int) -> NDArray[np.float32]:
    model, pixels = xl.load_model("captum-tutorial"), xl.load_cifar10().pixels[image : image + 1]
    batch = to_input(pixels, model.mean, model.std, model.device)
    network = copy.deepcopy(model.network)  # the package leaves gradients behind
    cam = GradCAM(network, [network.get_submodule(layer)])
    maps: NDArray[np.float32] = cam(batch, [ClassifierOutputTarget(target)])
    return maps[0]


def _read_pixel(visit: Visit, title: str) -> tuple[int, int, float, float, float]:
    card = visit.page.locator('[data-testid="stVerticalBlock"]').filter(has_text=re.compile(f"^{re.escape(title)}")).last
    plot = card.locator(".nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    words = _try_until(lambda: _hover(visit, card.locator(".hoverlayer"), box))
    numbers = [float(text.replace("−", "-")) for text in re.findall(r"[-−]?\d+(?:\.\d+)?", words)]
    row, column, a, b, difference = numbers
    return int(row), int(column), a, b, difference


def _hover(visit: Visit, layer: Locator, box: FloatRect) -> str:
    visit.page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    visit.page.mouse.move(box["x"] + box["width"] * 0.33, box["y"] + box["height"] * 0.52)
    return " ".join(layer.locator("text").all_text_contents())


def _try_until(read: Callable[[], str], seconds: float = 10.0) -> str:
    deadline = time.monotonic() + seconds
    while not (words := read()):
        assert time.monotonic() < deadline, "no numbers appeared under the pointer"
        time.sleep(0.2)
    return words


def test_a_phone_never_scrolls_sideways(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/class_browser", "/layer_explorer", "/disagreement"):
        visit.open(path)
        assert visit.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth + 1"), path


def test_on_a_phone_the_navigation_leaves_the_new_page_in_sight(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open("/")
    visit.page.get_by_test_id("stExpandSidebarButton").click()
    visit.page.get_by_test_id("stSidebar").get_by_role("link", name="Disagreement").click()
    expect(visit.page.get_by_role("heading", name="Disagreement", level=1)).to_be_visible()
    expect(visit.page.get_by_test_id("stSidebar")).not_to_be_in_viewport()


def test_the_picked_image_of_an_address_is_in_sight(visit: Visit) -> None:
    visit.open("/class_browser?class=0&img=9991")
    expect(visit.page.locator('.image-grid button[data-image="9991"]')).to_be_in_viewport()
    expect(visit.page.locator('.image-grid button[data-image="3"]')).not_to_be_in_viewport()


def test_an_address_of_nonsense_opens_the_default_and_says_what_it_ignored(visit: Visit) -> None:
    visit.open("/layer_explorer?img=99999&layer=conv9")
    words = visit.page.get_by_role("alert").inner_text()
    assert "img=99999: the images are 0 to 9,999." in words
    assert "layer=conv9: the layers with a grid are conv1, relu1" in words
    assert visit.image_number == "3"
