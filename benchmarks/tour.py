"""The README's pictures of the pages, taken from the running dashboard.

Run with: make pictures, or python -m benchmarks.tour [PAGE ...]
"""

import argparse
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from benchmarks.chromium import Tab, chromium
from benchmarks.operations import DASHBOARD
from benchmarks.servers import served

FOLDER = Path(__file__).parents[1] / "dashboard" / "assets" / "tour"
ADDRESSES: Mapping[str, str] = {
    "seed_gallery": "/?img=3",
    "lesson": "/lesson",
    "class_browser": "/class_browser?class=8&img=1&average=on",
    "layer_explorer": "/layer_explorer?img=8&layer=relu1&modules=all",
    "how_it_works": "/how_it_works?img=3&step=sum&without=1,5",
    "layer_ladder": "/layer_ladder?img=8",
    "sanity_checks": "/sanity_checks?img=8&model=tutorial&randomised=2",
    "training_time": "/training_time?img=8&model=tutorial&epoch=2",
    "disagreement": "/disagreement?img=2",
    "scan": "/scan?class=6",
    "guesses": "/guesses?img=4",
    "presentation": "/layer_explorer?img=8&present=on",
}
"""What each picture shows, by the name of its file; names of pages but for the last."""
WINDOW: ViewportSize = {"width": 1440, "height": 1080}
WIDTH, HEIGHT = 1200, 900
QUALITY = 80


def take(browser: Browser, names: list[str]) -> Iterator[Path]:
    """A picture of each page as it opens in WINDOW, WIDTH by HEIGHT pixels of WebP."""
    FOLDER.mkdir(exist_ok=True)
    with served(DASHBOARD, {}) as server:
        tab = Tab(browser, server.address)
        for name in names:
            tab.page.set_viewport_size(WINDOW)
            tab.open(ADDRESSES[name])
            file = FOLDER / f"{name}.webp"
            with Image.open(BytesIO(tab.page.screenshot())) as picture:
                picture.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(file, quality=QUALITY, method=6)
            yield file


def main() -> None:
    """Take the pictures that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tour", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"some of {', '.join(ADDRESSES)}; all if none is named")
    names: list[str] = parser.parse_args().pages or list(ADDRESSES)
    unknown = [name for name in names if name not in ADDRESSES]
    if unknown:
        parser.error(f"there is no picture of {', '.join(unknown)}; there are {', '.join(ADDRESSES)}")
    with chromium() as browser:
        for file in take(browser, names):
            print(f"{file.relative_to(FOLDER.parents[2])}: {file.stat().st_size:,} bytes", flush=True)


if __name__ == "__main__":
    main()
