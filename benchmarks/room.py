"""A room full of people: many Streamlit sessions at once that click through all pages, while scans of all images run.

Run with: python -m benchmarks.room [--sessions 40] [--seconds 300] [--quick] [--json FILE]

First one person alone, then the room, both beside a session that scans; then one session on a fresh server opens every
address that somebody saw, one by one, and what it is shown must be the same to the bit.
"""

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator
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

PAUSE = (2.0, 5.0)
"""Shortest and longest pause between two clicks of a person, in seconds."""

ALONE_SECONDS = 60.0
LAYER_SECONDS, RATIO_GOAL = 1.0, 4.0
SEED = 20


@dataclass
class Meeting:
    """What people did and saw at the same time, and what happened that no person should meet."""

    clicks: list[Click] = field(default_factory=list)
    sights: Sights = field(default_factory=Sights)
    faults: list[str] = field(default_factory=list)
    scans: Sights = field(default_factory=Sights)
    most_cached: int = 0


def meet(server: Server, scans: Iterator[Address], people: int, seconds: float) -> Meeting:
    """So many people who come in, click with pauses for so long, and leave, beside one who scans."""
    found = Meeting()
    end = time.monotonic() + seconds
    with ServerWatch(server) as watch, Scanner(server, scans) as scanner, ThreadPoolExecutor(people) as room:
        list(room.map(lambda number: visit(server, number, end, found), range(people)))
    found.faults += scanner.faults
    found.scans, found.most_cached = scanner.sights, watch.most_cached
    return found


def visit(server: Server, number: int, end: float, found: Meeting) -> None:
    """One person, until `end` of the monotonic clock."""
    chance = random.Random(SEED + number)
    try:
        with Session(server.port) as session:
            person = Person(session, chance, found.sights, step=number)
            session.look_on(chance.uniform(0, PAUSE[1]))
            found.clicks.append(person.open(Address("", f"img={chance.randrange(10_000)}")))
            while time.monotonic() < end:
                session.look_on(chance.uniform(*PAUSE))
                found.clicks.append(person.click())
    except SessionError as error:
        found.faults.append(f"person {number}: {error}")


def compare_serially(met: Meeting, report: Callable[[str], None]) -> list[str]:
    """What one session alone, on a fresh server, sees differently at the same addresses."""
    alone = Sights()
    with served(DASHBOARD, {}) as server, Session(server.port) as session:
        alone.shown.update(met.sights.shown)
        for number, address in enumerate(met.sights.shown):
            session.open(address)
            alone.add(address, showing(session))
            if number % 200 == 199:
                report(f"{number + 1} of {len(met.sights.shown)} views opened again, {len(alone.unlike)} differences")
        alone.shown.update(met.scans.shown)
        for address in met.scans.shown:
            start_scan(session, address)
            while not session.says("done"):
                session.look_on(0.5)
            alone.add(address, showing_all(session))
    return alone.unlike


def percentile(clicks: list[Click], kind: str, page: str | None = None, share: float = 95) -> float:
    """Seconds within which so many percent of the clicks of a kind were answered, on one page or on all."""
    seconds = [click.seconds for click in clicks if click.kind == kind and page in (None, click.page)]
    return float(np.percentile(seconds, share)) if seconds else float("nan")


def table(alone: list[Click], together: list[Click]) -> str:
    """Median and 95th percentile of each kind of click on each page, in milliseconds."""
    rows = [f"{'milliseconds':38}{'alone: median':>15}{'p95':>8}{'n':>6}{'room: median':>15}{'p95':>8}{'n':>6}"]
    for kind in ("layer", "other", "page", "back", "open"):
        pages = sorted({click.page for click in together if click.kind == kind})
        for page in (None, *pages):
            name = f"{kind}: {'all pages' if page is None else page or 'seed_gallery'}"
            cells = "".join(_cells(clicks, kind, page) for clicks in (alone, together))
            rows.append(f"{name:38}{cells}")
    return "\n".join(rows)


def _cells(clicks: list[Click], kind: str, page: str | None) -> str:
    count = sum(click.kind == kind and page in (None, click.page) for click in clicks)
    median, slow = (percentile(clicks, kind, page, share) * 1000 for share in (50, 95))
    return f"{median:15,.0f}{slow:8,.0f}{count:6}"


def main() -> None:
    """Measure, print, and write the file if one is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.room", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--quick", action="store_true", help="6 sessions for 40 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args()
    people, seconds = (6, 40.0) if asked.quick else (asked.sessions, asked.seconds)

    def report(line: str) -> None:
        print(line, flush=True)

    with served(DASHBOARD, {}) as server:
        with Session(server.port) as session:
            for page in ("", "guesses"):
                session.open(Address(page, ""))
        scans = iter(SCANS)
        alone = meet(server, scans, 1, min(seconds, ALONE_SECONDS))
        report(f"alone: {len(alone.clicks)} clicks, {len(alone.scans.shown)} scans done")
        together = meet(server, scans, people, seconds)
    report(f"{people} sessions: {len(together.clicks)} clicks, {len(together.scans.shown)} scans done")
    report(table(alone.clicks, together.clicks))
    report(f"processes that wanted a core in the last 5 minutes: {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")
    report(f"faults: {len(together.faults)}; seen differently by two people: {len(together.sights.unlike)}")
    for line in (together.faults + together.sights.unlike)[:20]:
        report(f"  {line[:400]}")
    unlike = compare_serially(together, report)
    report(
        f"compared: {len(together.sights.shown)} views, {len(together.scans.shown)} scans: {dict(counts(together.sights.shown.values()))}, different: {len(unlike)}"
    )
    for line in unlike[:20]:
        report(f"  {line[:400]}")


if __name__ == "__main__":
    main()
