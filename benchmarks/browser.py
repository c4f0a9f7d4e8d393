"""The dashboard in Chromium beside a bare Streamlit app with as much on its pages.

Run with: python -m benchmarks.browser [--quick] [--json FILE]

The bare app imports no PyTorch and computes nothing: it shows ready-made pictures and charts, as many as the dashboard's
pages turn out to have in the same run, of the same sizes. Times are taken inside the page, from the press to the last change.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser

from benchmarks.bare.items import Item, leaves
from benchmarks.chromium import Tab, chromium
from benchmarks.inventory import counts
from benchmarks.operations import (
    LARGE,
    NEXT_IMAGE,
    Timing,
    both,
    cold_starts,
    next_image,
    next_image_by_key,
    next_large_layer,
    next_layer,
    open_thumbnails,
    pick_thumbnail,
    previews,
    read_large_page,
    step_by_step,
    strokes,
    walk,
)
from benchmarks.rounds import Summary, summary

RATIO, START, OPEN_MS, PICK_MS, KEY_MS, FRAME_MS, COVER_MS = 1.1, 1.3, 2000.0, 300.0, 300.0, 16.0, 200.0
LARGE_RATIO = 1.3


@dataclass(frozen=True)
class Figure:
    """Something measured: milliseconds, and the goal, a ratio to the bare page or milliseconds."""

    name: str
    dashboard: Summary
    bare: Summary | None
    goal: float
    unit: Literal["ratio", "ms"]

    @property
    def ratio(self) -> float | None:
        """The medians' ratio."""
        return None if self.bare is None else self.dashboard.median / self.bare.median

    @property
    def reached(self) -> bool:
        measured = self.dashboard.median if self.unit == "ms" else self.ratio
        return measured is not None and measured <= self.goal


def figure(name: str, timing: Timing, milliseconds: float | None = None, ratio: float = RATIO) -> Figure:
    """What was timed, summed up; milliseconds: the goal, None for the ratio to the bare page."""
    ours, bare = summary(timing.dashboard), summary(timing.bare) if timing.bare else None
    return Figure(name, ours, bare, ratio, "ratio") if milliseconds is None else Figure(name, ours, bare, milliseconds, "ms")


def measure(rounds: int, starts: int, report: Callable[[str], None]) -> Iterator[Figure]:
    """All figures, each as soon as it is known."""
    with chromium() as browser, TemporaryDirectory() as folder:
        with both(browser, Path(folder), variants=2 * rounds + 8) as (dashboard, bare, inventory):
            pages = json.loads(inventory.file.read_text())["pages"]
            for name, faces in pages.items():
                report(f"{name}: {counts(faces[-1])}")
            titles = {name: _title(faces[0]) for name, faces in pages.items()}
            yield from _warm(dashboard, bare, titles, rounds)
        yield large_layer(browser, rounds, report)
        readable, whole = cold_starts(browser, inventory, starts)
        yield figure("start to the title", readable, ratio=START)
        yield figure("start to the whole first page; bare: with torch", whole, ratio=START)


def large_layer(browser: Browser, rounds: int, report: Callable[[str], None]) -> Figure:
    """Another layer of a large network: its pictures have 224 px, and all of its layers on offer stand in a strip."""
    with (
        TemporaryDirectory() as folder,
        both(browser, Path(folder), 2 * rounds + 8, LARGE, read_large_page) as (dashboard, bare, inventory),
    ):
        for name, faces in json.loads(inventory.file.read_text())["pages"].items():
            report(f"{name}: {counts(faces[-1])}")
        return figure("↑ to another layer: resnet50, 224 px", next_large_layer(dashboard, bare, rounds), ratio=LARGE_RATIO)


def _title(items: list[Item]) -> str:
    return next(str(item["words"]) for item in leaves(items) if item["kind"] == "title")


def _warm(dashboard: Tab, bare: Tab, titles: dict[str, str], rounds: int) -> Iterator[Figure]:
    for page in NEXT_IMAGE:
        yield figure(f"next image: {page}", next_image(dashboard, bare, page, rounds))
    yield figure("other layer: layer_explorer", next_layer(dashboard, bare, rounds))
    yield figure("→ to the next image's map: layer_explorer", next_image_by_key(dashboard, bare, rounds), KEY_MS)
    for what, timing in previews(dashboard, rounds).items():
        yield figure(f"preview of another {what}: layer_explorer", timing, FRAME_MS)
    for name in ("captum-tutorial", "resnet20"):
        yield figure(f"Cover it, pointer to bars: {name}", strokes(dashboard, name, rounds + 4), COVER_MS)
    for step, timing in step_by_step(dashboard, bare, max(5, rounds // 2)).items():
        yield figure(f"how it works, by key: {step}", timing, KEY_MS)
    for page, timing in walk(dashboard, bare, titles, max(3, rounds // 2)).items():
        yield figure(f"navigation to {page}", timing)
    yield figure("1,000 thumbnails: open", open_thumbnails(dashboard, max(3, rounds // 3)), OPEN_MS)
    yield figure("1,000 thumbnails: pick", pick_thumbnail(dashboard, rounds), PICK_MS)


def table(figures: Sequence[Figure]) -> str:
    """The figures, one a line."""
    head = ("milliseconds: median (quartiles)", "dashboard", "bare page", "ratio", "goal", "")
    rows = [head, *(_row(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows)


def _row(one: Figure) -> tuple[str, str, str, str, str, str]:
    goal = f"≤ {one.goal:,.0f} ms" if one.unit == "ms" else f"≤ {one.goal:.2f}"
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    return one.name, _words(one.dashboard), _words(one.bare), ratio, goal, "reached" if one.reached else "missed"


def _words(times: Summary | None) -> str:
    return "" if times is None else f"{times.median:,.0f} ({times.low:,.0f} to {times.high:,.0f})"


def as_json(figures: Sequence[Figure]) -> str:
    """The figures as a JSON list."""
    return json.dumps([asdict(one) | {"ratio": one.ratio, "reached": one.reached} for one in figures], indent=2)


def main() -> None:
    """Measure, print the table, and write the file if one is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args()
    rounds, starts = (3, 1) if asked.quick else (10, 3)
    figures: list[Figure] = []
    for one in measure(rounds, starts, lambda line: print(line, flush=True)):
        figures.append(one)
        print(" · ".join(_row(one)), flush=True)
    print(
        f"\n{table(figures)}\n{os.cpu_count()} cores; processes that wanted one in the last 5 minutes: {os.getloadavg()[1]:.1f}"
    )
    if asked.json:
        asked.json.write_text(as_json(figures) + "\n")


if __name__ == "__main__":
    main()
