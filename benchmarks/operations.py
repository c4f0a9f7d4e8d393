"""What a person does on the pages, done in turn on the dashboard and on the bare page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks.bare.items import Item
from benchmarks.bare.ready import VARIABLE
from benchmarks.chromium import Tab
from benchmarks.inventory import Inventory
from benchmarks.servers import served

DASHBOARD, BARE, BARE_WITH_TORCH = "dashboard/app.py", "benchmarks/bare/app.py", "benchmarks/bare/app_with_torch.py"
LAYERS = ("layer-conv1", "layer-conv2")
WARM_UP = 2

Milliseconds = list[float]


@dataclass(frozen=True)
class Timing:
    """How long something took on the dashboard, and on the bare page if there is one to compare with."""

    dashboard: Milliseconds = field(default_factory=list)
    bare: Milliseconds = field(default_factory=list)


@dataclass(frozen=True)
class Address:
    """Where an operation begins on the dashboard, when it is read for the bare page and when it is measured."""

    page: str
    read: str
    measured: str


# Each operation meets images of its own, so that none of its maps has been computed before.
NEXT_IMAGE = {
    "layer_explorer": Address("layer_explorer", "/layer_explorer?img=9100", "/layer_explorer?img=1000"),
    "class_browser": Address("class_browser", "/class_browser?class=3&img=9000", "/class_browser?class=3&img=0"),
    "disagreement": Address("disagreement", "/disagreement?img=9200", "/disagreement?img=2000"),
}
NEXT_LAYER = Address("layers", "/layer_explorer?img=9300&layer=conv2", "/layer_explorer?img=3000&layer=conv2")
LARGE = ("--model", "resnet50", "--weights", "random")
"""The options of a server with a large network of a person's own, at 224 px."""
LARGE_LAYER = Address("layers_of_resnet50", "/layer_explorer?img=9300", "/layer_explorer?img=3000")
STEPS = {"1": "forward", "2": "gradient", "3": "weights", "4": "sum", "5": "ReLU", "6": "enlarge"}
"""The steps of the walk through Grad-CAM, by their keys."""
STEP_BY_STEP = Address("how_it_works", "/how_it_works?img=9400", "/how_it_works?img=6000&step=enlarge")
BY_KEY = "/layer_explorer?img=7000"
PREVIEWED = "/layer_explorer?img=7100&model=resnet20"
POINTED_AT = """async ([which, rounds]) => {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    for (const one of document.querySelectorAll(which)) {
      const start = performance.now();
      one.dispatchEvent(new PointerEvent("pointerenter"));
      times.push(performance.now() - start);
      one.dispatchEvent(new PointerEvent("pointerleave"));
      await new Promise(requestAnimationFrame);
    }
  }
  return times;
}"""
WALK = "/class_browser?class=5&img=4000"
PICK = "/class_browser?class=7&img=5000"


def read_pages(tab: Tab, inventory: Inventory) -> dict[str, list[list[Item]]]:
    """The dashboard's pages, each before and after its operation."""
    pages = {}  # the first one is what opens first
    for address in (*NEXT_IMAGE.values(), NEXT_LAYER):
        tab.open(address.read)
        tab.press_next()  # among the images of its class, whatever the address says
        before = inventory.read_page(tab)
        if address is NEXT_LAYER:
            tab.press_panel(LAYERS[0])
        else:
            tab.press_next()
        pages[address.page] = inventory.mark_changes([before, inventory.read_page(tab)])
    tab.open("/seed_gallery")
    pages["seed_gallery"] = inventory.mark_changes([inventory.read_page(tab)])
    tab.open(STEP_BY_STEP.read)
    pages[STEP_BY_STEP.page] = inventory.mark_changes([_face(tab, key, inventory) for key in STEPS])
    return pages


def read_large_page(tab: Tab, inventory: Inventory) -> dict[str, list[list[Item]]]:
    """The layer explorer with a large network, before and after another layer is chosen."""
    _open_large(tab, LARGE_LAYER.read)
    before = inventory.read_page(tab)
    tab.press_key("ArrowUp")
    return {LARGE_LAYER.page: inventory.mark_changes([before, inventory.read_page(tab)])}


def _open_large(tab: Tab, path: str) -> None:
    tab.begin(path)
    tab.wait_for_all()


def _face(tab: Tab, key: str, inventory: Inventory) -> list[Item]:
    if key != "1":  # the walk begins there
        tab.press_key(key)
    return inventory.read_page(tab)


def next_image(dashboard: Tab, bare: Tab, page: str, rounds: int) -> Timing:
    """Go from one image to the next, each a new one."""
    dashboard.open(NEXT_IMAGE[page].measured)
    bare.open(f"/{page}")
    return _in_turn(lambda _: dashboard.press_next(), lambda _: bare.press_next(), rounds)


def next_image_by_key(dashboard: Tab, bare: Tab, rounds: int) -> Timing:
    """Press the arrow key to the next image, each a new one, on the layer explorer; a button on the bare page."""
    dashboard.open(BY_KEY)
    bare.open("/layer_explorer")
    return _in_turn(lambda _: dashboard.press_key("ArrowRight"), lambda _: bare.press_next(), rounds)


def step_by_step(dashboard: Tab, bare: Tab, rounds: int) -> dict[str, Timing]:
    """Go through the walk by the keys of its steps, each time on a new image."""
    dashboard.open(STEP_BY_STEP.measured)
    bare.open(f"/{STEP_BY_STEP.page}")
    timings = {step: Timing() for step in STEPS.values()}
    for number in range(1 + rounds):
        dashboard.press_next()
        for key, step in STEPS.items():
            elapsed = dashboard.press_key(key), bare.press_next()
            if number > 0:
                timings[step].dashboard.append(elapsed[0])
                timings[step].bare.append(elapsed[1])
    return timings


def next_layer(dashboard: Tab, bare: Tab, rounds: int) -> Timing:
    """Choose the other layer, each time on a new image."""
    dashboard.open(NEXT_LAYER.measured)
    bare.open("/layers")

    def choose(number: int) -> float:
        dashboard.press_next()
        return dashboard.press_panel(LAYERS[number % 2])

    return _in_turn(choose, lambda _: bare.press_next(), rounds)


def next_large_layer(dashboard: Tab, bare: Tab, rounds: int) -> Timing:
    """Press the key to the layer before, each one that was not shown yet, with a large network; a button on the bare page."""
    _open_large(dashboard, LARGE_LAYER.measured)
    bare.open(f"/{LARGE_LAYER.page}")
    return _in_turn(lambda _: dashboard.press_key("ArrowUp"), lambda _: bare.press_next(), rounds)


def previews(dashboard: Tab, rounds: int) -> dict[str, Timing]:
    """Point at layers and at classes of ResNet-20 one after the other: from the pointer to the maps that are drawn."""
    dashboard.open(PREVIEWED)
    dashboard.page.wait_for_function("() => window.gradCamStages.classes !== null")
    found = {"layer": "[data-picture^=layer-]", "class": ".class-bar"}
    return {name: Timing(dashboard.page.evaluate(POINTED_AT, [which, rounds])) for name, which in found.items()}


STROKED = """async (strokes) => {
  const { painter } = window.gradCamStages, place = document.querySelector("[data-picture=picture]"), times = [];
  const until = async (reached) => { while (!reached()) await new Promise(requestAnimationFrame); };
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const isTold = () => painter.sent === null || painter.sent === painter.code;
  const rests = () => !painter.pause && !painter.waits && !painter.changed && isTold();
  for (let number = 0; number < strokes; number++) {
    const { left, top, width, height } = place.getBoundingClientRect();
    const clientX = left + width * (2.5 + number % 3) / 16, clientY = top + height * (number % 16 + 0.5) / 16;
    const mouse = { pointerId: 1, pointerType: "mouse", button: 0, bubbles: true, clientX, clientY };
    const asked = painter.asked, start = performance.now();
    place.dispatchEvent(new PointerEvent("pointerdown", mouse));
    await until(() => painter.asked > asked && painter.taken === painter.asked);
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - start);
    window.dispatchEvent(new PointerEvent("pointerup", mouse));
    await pause(100);
    await until(rests);
    await pause(1500);
  }
  return times;
}"""
"""Cover cells, one stroke after the other, each at rest: milliseconds from the pointer to the bars that it changes."""


def strokes(dashboard: Tab, model: str, rounds: int) -> Timing:
    """Paint over a picture: from the pointer to bars and maps of what is covered."""
    dashboard.open(f"/layer_explorer?img=137&model={model}&set=cifar10")
    dashboard.wait_for_all()
    dashboard.page.locator('[data-tool="on"]').click()
    dashboard.page.locator('[data-tool="brush-1"]').click()
    return Timing(dashboard.page.evaluate(STROKED, WARM_UP + rounds)[WARM_UP:])


def _in_turn(ours: Callable[[int], float], theirs: Callable[[int], float], rounds: int) -> Timing:
    timing = Timing()
    for number in range(WARM_UP + rounds):
        turns = [(timing.dashboard, ours), (timing.bare, theirs)]
        for times, do in turns if number % 2 else reversed(turns):
            elapsed = do(number)
            if number >= WARM_UP:
                times.append(elapsed)
    return timing


def walk(dashboard: Tab, bare: Tab, titles: Mapping[str, str], rounds: int) -> dict[str, Timing]:
    """Follow the navigation round all pages, with a new image on each round."""
    dashboard.open(WALK)
    bare.open("/class_browser")
    timings = {page: Timing() for page in ("layer_explorer", "disagreement", "seed_gallery", "class_browser")}
    for number in range(1 + rounds):
        for tab in (dashboard, bare):
            tab.press_next()
        for page, timing in timings.items():
            turns = [(timing.dashboard, dashboard), (timing.bare, bare)]
            for times, tab in turns if number % 2 else reversed(turns):
                elapsed = tab.follow(titles[page])
                if number > 0:
                    times.append(elapsed)
    return timings


def open_thumbnails(dashboard: Tab, rounds: int) -> Timing:
    """Open the class browser in a new window, until it can be used."""
    timing = Timing()
    for _ in range(rounds):
        dashboard.renew()
        timing.dashboard.append(dashboard.open(PICK))
        shown = dashboard.page.locator(".image-grid button").count()
        if shown != 1000:
            raise RuntimeError(f"the class browser shows {shown} thumbnails")
    return timing


def pick_thumbnail(dashboard: Tab, rounds: int) -> Timing:
    """Pick a thumbnail, until all of what is shown of its image is on the page."""
    timing = Timing()
    dashboard.open(PICK)
    for number in range(WARM_UP + rounds):
        elapsed = dashboard.press(dashboard.page.locator(".image-grid button").nth(40 + 3 * number))
        if number >= WARM_UP:
            timing.dashboard.append(elapsed)
    return timing


def cold_starts(browser: Browser, inventory: Inventory, rounds: int) -> tuple[Timing, Timing]:
    """From the start of the process to the title; and to the whole first page, beside one that imports PyTorch too."""
    readable, whole = Timing(), Timing()
    for _ in range(rounds):
        ours = _start(browser, DASHBOARD, inventory)
        bare = _start(browser, BARE, inventory)
        with_torch = _start(browser, BARE_WITH_TORCH, inventory)
        readable.dashboard.append(ours[0])
        readable.bare.append(bare[0])
        whole.dashboard.append(ours[1])
        whole.bare.append(with_torch[1])
    return readable, whole


def _start(browser: Browser, script: str, inventory: Inventory) -> tuple[float, float]:
    with served(script, variables(inventory)) as server:
        tab = Tab(browser, server.address)
        times = tab.start(server.started)
        tab.close()
        return times


def variables(inventory: Inventory) -> dict[str, str]:
    """What the environment tells the bare app."""
    return {VARIABLE: str(inventory.file)}


Read = Callable[[Tab, Inventory], dict[str, list[list[Item]]]]


@contextmanager
def both(
    browser: Browser, folder: Path, variants: int, options: Sequence[str] = (), read: Read = read_pages
) -> Iterator[tuple[Tab, Tab, Inventory]]:
    """The dashboard and the bare app side by side, the latter with as much on its pages as the former.

    options: of the dashboard. read: reads its pages.
    """
    inventory = Inventory(folder, variants)
    with served(DASHBOARD, {}, options) as server:
        dashboard = Tab(browser, server.address)
        inventory.write(read(dashboard, inventory))
        with served(BARE, variables(inventory)) as bare_server:
            yield dashboard, Tab(browser, bare_server.address), inventory
