"""A room full of people: many Streamlit sessions at once that click through all pages, while scans of all images run.

Run with: python -m benchmarks.room [--sessions 40] [--seconds 300] [--quick] [--json FILE]

First one person alone, without and with a scan, then the room; then a session that vanishes in the middle of a scan. At the
end one session on a fresh server opens every address that somebody saw, one by one, and must be shown the same to the bit.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.person import Click, Person
from benchmarks.scanner import SCANS, Scanner, start_scan
from benchmarks.server_watch import ServerWatch
from benchmarks.servers import DASHBOARD, Server, served
from benchmarks.session import Address, Session, SessionError
from benchmarks.showing import Sights, counts, showing, showing_all

PAUSE, SHORT_PAUSE = (2.0, 5.0), (0.2, 0.5)
"""Shortest and longest pause between two clicks, in seconds: of people in a room, and of one alone, who need not wait for the
others to have their turn, so that there are enough clicks to sum up."""

ALONE_SECONDS = 90.0
LAYER_GOAL = 1.0
"""Seconds within which 95 % of the changes of the layer are to be answered in a full room."""

SCANS_COMPARED = 3
GONE_SECONDS = 45.0
"""After so long nothing may be left of a session that vanished: a job ends 30 s after the last look at it."""

SEED = 20
SHOWN = 20
"""Faults and differences that are printed at most."""


@dataclass
class Meeting:
    """What people did and saw at the same time, and what happened that no person should meet."""

    clicks: list[Click] = field(default_factory=list)
    sights: Sights = field(default_factory=Sights)
    faults: list[str] = field(default_factory=list)
    scans: Sights = field(default_factory=Sights)
    most_cached: int = 0


def meet(server: Server, scans: Iterator[Address], people: int, seconds: float, pause: tuple[float, float]) -> Meeting:
    """So many people who come in, click with pauses for so long, and leave, beside one who makes the scans, if any."""
    found = Meeting()
    end = time.monotonic() + seconds
    with ServerWatch(server) as watch, Scanner(server, scans) as scanner, ThreadPoolExecutor(people) as room:
        list(room.map(lambda number: visit(server, number, end, pause, found), range(people)))
    found.faults += scanner.faults
    found.scans, found.most_cached = scanner.sights, watch.most_cached
    return found


def visit(server: Server, number: int, end: float, pause: tuple[float, float], found: Meeting) -> None:
    """One person, until `end` of the monotonic clock."""
    chance = random.Random(SEED + number)
    try:
        with Session(server.port) as session:
            person = Person(session, chance, found.sights, step=number)
            session.look_on(chance.uniform(0, pause[1]))
            found.clicks.append(person.open(Address("", f"img={chance.randrange(10_000)}")))
            while time.monotonic() < end:
                session.look_on(chance.uniform(*pause))
                found.clicks.append(person.click())
    except SessionError as error:
        found.faults.append(f"person {number}: {error}")


def vanish(server: Server, scan: Address) -> tuple[int, int]:
    """The server's threads before a session begins this scan and vanishes in the middle of it, and when it has long gone."""
    watch = ServerWatch(server)
    before = watch.look().threads
    session = Session(server.port)
    start_scan(session, scan)
    session.vanish()
    time.sleep(GONE_SECONDS)
    return before, watch.look().threads


def compare_serially(met: Meeting, report: Callable[[str], None]) -> list[str]:
    """What one session alone, on a fresh server, sees differently at the same addresses."""
    alone = Sights()
    alone.shown = {**met.sights.shown, **met.scans.shown}
    with served(DASHBOARD, {}) as server, Session(server.port) as session:
        for number, address in enumerate(met.sights.shown, 1):
            session.open(address)
            alone.add(address, showing(session))
            if number % 200 == 0:
                report(f"{number} of {len(met.sights.shown)} views opened again, {len(alone.unlike)} differences")
        for address in list(met.scans.shown)[:SCANS_COMPARED]:
            start_scan(session, address)
            while not session.says("done"):
                session.look_on(0.5)
            alone.add(address, showing_all(session))
    return alone.unlike


def percentile(clicks: list[Click], kind: str, page: str | None = None, share: float = 95) -> float:
    """Seconds within which so many percent of the clicks of a kind were answered, on one page or on all."""
    seconds = [click.seconds for click in clicks if click.kind == kind and page in (None, click.page)]
    return float(np.percentile(seconds, share)) if seconds else float("nan")


def table(meetings: Mapping[str, list[Click]]) -> str:
    """Median and 95th percentile of each kind of click on each page, in milliseconds, and how many there were."""
    rows = [f"{'milliseconds':34}" + "".join(f"{f'{name}: median':>20}{'p95':>8}{'n':>6}" for name in meetings)]
    everything = [click for clicks in meetings.values() for click in clicks]
    for kind in ("layer", "other", "page", "back", "open"):
        pages = sorted({click.page for click in everything if click.kind == kind})
        for page in (None, *pages):
            name = f"{kind}: {'all pages' if page is None else page or 'layer_explorer'}"
            rows.append(f"{name:34}" + "".join(_cells(clicks, kind, page) for clicks in meetings.values()))
    return "\n".join(rows)


def _cells(clicks: list[Click], kind: str, page: str | None) -> str:
    count = sum(click.kind == kind and page in (None, click.page) for click in clicks)
    median, slow = (percentile(clicks, kind, page, share) * 1000 for share in (50, 95))
    return f"{median:20,.0f}{slow:8,.0f}{count:6}"


def verdicts(alone: list[Click], scanning: list[Click], room: Meeting) -> dict[str, float]:
    """The figures that have a goal, and those beside them: seconds, ratios and counts."""
    slow = percentile(room.clicks, "layer")
    return {
        "layer_p95": slow,
        "layer_p95_on_the_layer_explorer": percentile(room.clicks, "layer", "layer_explorer"),
        "ratio_to_one_alone": slow / percentile(alone, "layer"),
        "ratio_to_one_alone_with_a_scan": slow / percentile(scanning, "layer"),
        "clicks": len(room.clicks),
        "views": len(room.sights.shown),
        "scans": len(room.scans.shown),
        "most_cached": room.most_cached,
        "faults": len(room.faults),
        "seen_differently_by_two": len(room.sights.unlike),
        **counts(room.sights.shown.values()),
    }


def measure(people: int, seconds: float, report: Callable[[str], None]) -> dict[str, float]:
    """Everything, reported as it becomes known."""
    scans = iter(SCANS)
    with served(DASHBOARD, {}) as server:
        with Session(server.port) as session:
            for page in ("", "guesses"):  # the first of them loads the model, the other one takes ten seconds the first time
                session.open(Address(page, ""))
        alone = meet(server, iter(()), 1, min(seconds, ALONE_SECONDS), SHORT_PAUSE)
        scanning = meet(server, scans, 1, min(seconds, ALONE_SECONDS), SHORT_PAUSE)
        room = meet(server, scans, people, seconds, PAUSE)
        report(table({"alone": alone.clicks, "alone, scan": scanning.clicks, f"{people}, scan": room.clicks}))
        report(f"cores: {os.cpu_count()}; processes that wanted one in the last 5 minutes: {os.getloadavg()[1]:.1f}")
        before, after = vanish(server, SCANS[-1])
        report(f"threads before a session vanished in the middle of a scan, and {GONE_SECONDS:.0f} s after: {before}, {after}")
    found = verdicts(alone.clicks, scanning.clicks, room) | {"threads_before": before, "threads_after": after}
    faults = [*alone.faults, *scanning.faults, *room.faults, *room.sights.unlike]
    different = compare_serially(room, report)
    report("\n".join(line[:400] for line in (*faults, *different)[:SHOWN]))
    return found | {"different": len(different)}


def main() -> None:
    """Measure, print, and write the file if one is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.room", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--quick", action="store_true", help="6 sessions for 40 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args()
    people, seconds = (6, 40.0) if asked.quick else (asked.sessions, asked.seconds)
    found = measure(people, seconds, lambda line: print(line, flush=True))
    for name, value in found.items():
        print(f"{name.replace('_', ' ')}: {value:,.3f}".removesuffix(".000"))
    reached = "reached" if found["layer_p95"] < LAYER_GOAL else "MISSED"
    print(f"95 % of the changes of the layer within {LAYER_GOAL:.0f} s: {reached}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
