"""The dashboard in a room, in Chromium: keys, the presentation, and what axe-core finds on every page."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from running_app import settle

ADDRESSES = (
    "/",
    "/lesson",
    "/how_it_works?step=network&model=resnet20",
    "/how_it_works?step=forward",
    "/how_it_works?step=sum&without=1,5",
    "/layer_explorer?img=796&model=resnet20&lesson=grad-cam&stop=5&hint=on&answer=on&present=on",
    "/class_browser?average=on&low=0&high=40",
    "/layer_explorer?beside=image&sign=signed&minus=1",
    "/layer_explorer?img=7&cover=AAAAAAAAAAAP8A_wD_AP8A_wD_AP8A_w",
    "/layer_ladder?img=8",
    "/sanity_checks?model=tutorial&randomised=2",
    "/training_time?epoch=2&target2=8",
    "/disagreement?a=manual&b=package&flicker=on",
    "/scan?class=6",
    "/guesses?img=4",
)
LOOKS = {"light desk": (1440, "light"), "dark phone": (390, "dark")}


@pytest.fixture(scope="module", params=LOOKS)
def looked_at(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = LOOKS[request.param]
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield context.new_page()
    context.close()


@pytest.fixture
def beamer(page: Page) -> Page:
    page.set_viewport_size({"width": 1920, "height": 1080})
    return page


def open_address(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("h1", timeout=60_000)
    settle(page)


def press(page: Page, key: str) -> None:
    page.keyboard.press(key)
    page.wait_for_timeout(150)
    settle(page)


# Section: axe-core


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse, one line a kind with the first place."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_serious(looked_at: Page, root: str, address: str) -> None:
    open_address(looked_at, root + address)
    assert violations(looked_at) == []


def test_axe_finds_a_picture_without_words(looked_at: Page, root: str) -> None:
    open_address(looked_at, f"{root}/layer_explorer")
    looked_at.evaluate("document.querySelector('[data-picture=overlay]').removeAttribute('aria-label')")
    assert [one for one in violations(looked_at) if one.startswith("role-img-alt")]


# Section: keys


def test_arrow_keys_step_through_images_and_layers(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=3")
    for key, part in (
        ("ArrowUp", "layer=conv1"),
        ("ArrowRight", "img=4"),
        ("ArrowDown", "layer=conv2"),
        ("ArrowLeft", "img=3"),
    ):
        press(beamer, key)
        assert part in beamer.url


def test_arrow_keys_in_a_list_move_in_the_list_alone(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=3")
    beamer.get_by_role("combobox", name="Target class").click()
    press(beamer, "ArrowDown")
    press(beamer, "Enter")
    assert "target=0" in beamer.url
    assert "layer=" not in beamer.url


def test_space_home_and_end_scroll_without_a_click(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=3")

    def place(key: str) -> float:
        press(beamer, key)
        return float(beamer.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop"))

    first = place("Space")
    assert first > 500
    assert place("Shift+Space") == 0
    assert place("End") > first / 2
    assert place("Home") == 0
    beamer.get_by_role("combobox", name="Target class").focus()
    assert place("Home") == 0


def test_escape_leaves_a_slider_and_a_field_and_page_down_too_in_a_lesson(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/training_time?img=3&epoch=2&lesson=grad-cam&stop=11")
    slider = beamer.locator('.st-key-epoch input, .st-key-epoch [role="slider"]').first
    slider.focus()
    press(beamer, "ArrowLeft")
    assert "epoch=1" in beamer.url
    press(beamer, "PageDown")
    assert "answer=on" in beamer.url
    press(beamer, "PageDown")
    assert "stop=12" in beamer.url
    open_address(beamer, f"{root}/layer_explorer?img=3")
    beamer.get_by_role("spinbutton", name="Test image").focus()
    press(beamer, "p")  # typed into the field, which takes no letters
    assert "present" not in beamer.url
    press(beamer, "Escape")
    press(beamer, "p")
    assert "present=on" in beamer.url


# Section: the presentation


def test_the_presentation_hides_controls_enlarges_pictures_and_keeps_the_keys(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=3")
    overlay = beamer.locator("[data-picture=overlay]")
    before = overlay.bounding_box()
    press(beamer, "p")
    assert "present=on" in beamer.url
    after = overlay.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 1.3 * before["width"]
    for one in beamer.locator(".stage").first.locator(".fits .place, .fits .class-bars").all():
        box = one.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1920
        assert box["y"] + box["height"] <= 1080
    for hidden in (beamer.get_by_role("combobox"), beamer.get_by_role("banner"), beamer.get_by_role("radiogroup")):
        assert not any(one.is_visible() for one in hidden.all())
    shown = [button.inner_text().split()[0] for button in beamer.locator("button").all() if button.is_visible()]
    classes = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    assert shown == ["Leave", "Cover", *classes]  # the brush and the bars belong to the picture
    press(beamer, "ArrowRight")
    press(beamer, "ArrowUp")
    assert {"img=4", "layer=conv1", "present=on"} <= set(beamer.url.split("?")[1].split("&"))
    press(beamer, "p")
    assert "present" not in beamer.url
    assert beamer.get_by_role("combobox", name="Model").is_visible()


def test_the_pointer_reads_the_cell_under_it_in_a_presentation(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=3&present=on")
    place = beamer.locator("[data-picture=map]").bounding_box()
    assert place is not None
    for share, cell in ((0.05, "row 0, column 0"), (0.55, "row 5, column 5"), (0.95, "row 9, column 9")):
        beamer.mouse.move(place["x"] + share * place["width"], place["y"] + share * place["height"])
        beamer.locator(".reading").first.filter(has_text=cell).wait_for(timeout=5_000)


PARTS = """main => [...main.querySelectorAll("img, p, button, svg.main-svg")].filter(part => part.checkVisibility())
  .filter(part => part.getBoundingClientRect().right > window.innerWidth + 1).map(part => part.outerHTML.slice(0, 120))"""
"""What on the page goes beyond its right edge."""


@pytest.mark.parametrize("width", [390, 1440, 1920])
def test_nothing_of_a_presentation_goes_beyond_the_edge(beamer: Page, root: str, width: int) -> None:
    beamer.set_viewport_size({"width": width, "height": 900})
    for page in ("disagreement?img=3", "how_it_works?img=3&step=sum", "layer_explorer?img=137&model=resnet20"):
        open_address(beamer, f"{root}/{page}&present=on")
        assert beamer.locator('[data-testid="stMain"]').evaluate(PARTS) == []


def test_on_a_projector_four_pictures_stand_side_by_side(beamer: Page, root: str) -> None:
    open_address(beamer, f"{root}/layer_explorer?img=137&model=resnet20&present=on")
    names = ("The picture", "Overlay", "The map itself", "Class probabilities")
    places = [beamer.get_by_text(name, exact=True).first.bounding_box() for name in names]
    assert len({round(place["y"]) for place in places if place}) == 1
