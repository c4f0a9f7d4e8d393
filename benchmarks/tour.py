"""The README's pictures of the pages, taken from the running dashboard.

Run with: make pictures, or python -m benchmarks.tour [PAGE ...]
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import skimage.data
from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from benchmarks.chromium import Tab, chromium
from benchmarks.operations import DASHBOARD
from benchmarks.servers import served

FOLDER = Path(__file__).parents[1] / "dashboard" / "assets" / "tour"
DESK: ViewportSize = {"width": 1440, "height": 1080}
PROJECTOR: ViewportSize = {"width": 1920, "height": 1080}
LITE0 = ("--model", "efficientnet-lite0", "--weights", "DEFAULT")
PHOTOGRAPHS = ("cat", "coffee", "rocket")
WIDTH = 1200
QUALITY = 80


@dataclass(frozen=True)
class Shot:
    """What a picture shows: an address, in a window; after a button was pressed and words have come up, if some are named.

    photographs: by a server with a network of photographs, on some that scikit-image brings.
    """

    address: str
    window: ViewportSize = field(default_factory=lambda: DESK)
    button: str | None = None
    until: str = ""
    photographs: bool = False


SHOTS: Mapping[str, Shot] = {
    "eight_pictures": Shot("/seed_gallery?img=3&drawing=notebook"),
    "lesson": Shot("/lesson"),
    "class_browser": Shot("/class_browser?class=8&img=1&average=on"),
    "layer_explorer": Shot("/layer_explorer?img=137&model=resnet20"),
    "how_it_works": Shot("/how_it_works?img=3&step=sum&without=1,5"),
    "layer_ladder": Shot("/layer_ladder?img=8"),
    "sanity_checks": Shot("/sanity_checks?img=13&randomised=5"),
    "training_time": Shot("/training_time?img=8&model=tutorial&epoch=2"),
    "disagreement": Shot("/disagreement?img=0"),
    "scan": Shot("/scan?class=6", button="Scan 1,000 images", until="· done"),
    "slices": Shot("/slices"),
    "known_truth": Shot("/known_truth?img=72&model=watermark&layer=conv1&method=hirescam"),
    "guesses": Shot("/guesses?img=98"),
    "glossary": Shot("/glossary?img=137&model=resnet20"),
    "photograph": Shot("/layer_explorer?img=cat.png&layer=_blocks.10&beside=image&img2=rocket.png", photographs=True),
    "presentation": Shot("/layer_explorer?img=137&model=resnet20&present=on", PROJECTOR),
}
"""What each picture shows, by the name of its file."""


def take(browser: Browser, names: list[str]) -> Iterator[Path]:
    """A picture of each page in its window, as WebP, WIDTH pixels wide."""
    FOLDER.mkdir(exist_ok=True)
    own, with_photographs = ([name for name in names if SHOTS[name].photographs is which] for which in (False, True))
    if own:
        yield from _taken(browser, own, ())
    if with_photographs:
        with TemporaryDirectory() as folder:
            for name in PHOTOGRAPHS:
                Image.fromarray(getattr(skimage.data, name)()).save(Path(folder) / f"{name}.png")
            yield from _taken(browser, with_photographs, (*LITE0, "--images", folder))


def _taken(browser: Browser, names: list[str], options: Sequence[str]) -> Iterator[Path]:
    """The same of one server with these options."""
    with served(DASHBOARD, {}, options) as server:
        tab = Tab(browser, server.address)
        for name in names:
            shot, file = SHOTS[name], FOLDER / f"{name}.webp"
            tab.page.set_viewport_size(shot.window)
            tab.open(shot.address)
            if shot.button:
                tab.press_button(shot.button)
                tab.page.get_by_text(shot.until).first.wait_for(timeout=60_000)
                tab.settle()
            with Image.open(BytesIO(tab.page.screenshot())) as picture:
                height = WIDTH * picture.height // picture.width
                small = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
            small.save(file, quality=QUALITY, method=6)
            yield file


def main() -> None:
    """Take the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tour", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"some of {', '.join(SHOTS)}; all if none is named")
    names: list[str] = parser.parse_args().pages or list(SHOTS)
    unknown = [name for name in names if name not in SHOTS]
    if unknown:
        parser.error(f"there is no picture of {', '.join(unknown)}; there are {', '.join(SHOTS)}")
    with chromium() as browser:
        for file in take(browser, names):
            print(f"{file.relative_to(FOLDER.parents[2])}: {file.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
