"""What ten thousand clicks leave behind in a server: memory, cache, threads.

Run with: python -m benchmarks.endurance [--interactions 10000] [--json FILE]

People click through all pages without a pause, and come and go: after some clicks each closes the tab, or vanishes without
a word, and somebody else comes in.
"""

import argparse
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from benchmarks.person import Person
from benchmarks.server_watch import Held, ServerWatch
from benchmarks.servers import DASHBOARD, Server, served
from benchmarks.session import Address, Session
from benchmarks.showing import Sights

PEOPLE = 4
STAY = (10, 60)
"""Fewest and most clicks of a person before the next one comes in."""

SEED = 7
GROWTH_GOAL = 1.1
REST = 45.0
"""Seconds after which nothing of those who have left may still run."""


@dataclass(frozen=True)
class Mark:
    """What the server held after so many clicks."""

    clicks: int
    held: Held


class Clicks:
    """Counts the clicks of all people, and looks at the server every so many; for several threads."""

    def __init__(self, watch: ServerWatch, total: int) -> None:
        self.total = total
        self.marks: list[Mark] = []
        self._watch = watch
        self._numbers = count(1)
        self._lock = threading.Lock()

    def one_more(self) -> bool:
        """Count a click; whether there are some left."""
        with self._lock:
            number = next(self._numbers)
            if number % (self.total // 10) == 0 and number <= self.total:
                self.marks.append(Mark(number, self._watch.look()))
                print(words(self.marks[-1]), flush=True)
            return number < self.total


def words(mark: Mark) -> str:
    """A line of the table."""
    held = mark.held
    return (
        f"{mark.clicks:7,} clicks: {held.resident / 2**20:7,.0f} MiB resident, {held.cache / 2**20:5,.1f} of "
        f"{held.limit / 2**20:,.0f} MiB in the cache, {held.threads} threads"
    )


def people(server: Server, number: int, clicks: Clicks) -> None:
    """One place in the room, which one person after the other takes."""
    for visitor in count():
        chance = random.Random(f"{SEED} {number} {visitor}")
        session = Session(server.port)
        person = Person(session, chance, Sights(), step=chance.randrange(9))
        person.open(Address("", f"img={chance.randrange(10_000)}"))
        for _ in range(chance.randint(*STAY)):
            person.click()
            if not clicks.one_more():
                session.close()
                return
        if chance.random() < 0.5:
            session.close()
        else:
            session.vanish()


def measure(total: int) -> tuple[Mark, list[Mark], Mark, int]:
    """Before the first click, after every tenth of them, some time after the last one, and the most that the cache held."""
    with served(DASHBOARD, {}) as server:
        with Session(server.port) as session:
            session.open(Address("", ""))
        with ServerWatch(server) as watch:
            clicks = Clicks(watch, total)
            before = Mark(0, watch.look())
            with ThreadPoolExecutor(PEOPLE) as room:
                list(room.map(lambda number: people(server, number, clicks), range(PEOPLE)))
            time.sleep(REST)
            return before, clicks.marks, Mark(total, watch.look()), watch.most_cached


def main() -> None:
    """Measure, print, and write the file if one is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--interactions", type=int, default=10_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args()
    before, marks, after, most_cached = measure(asked.interactions)
    print("before:", words(before), "\nafter: ", words(after))
    growth = marks[-1].held.resident / marks[0].held.resident
    reached = "reached" if growth <= GROWTH_GOAL else "MISSED"
    print(f"{growth:.3f} of the resident size after a tenth of the clicks; goal <= {GROWTH_GOAL}: {reached}")
    limit = after.held.limit
    print(f"most in the cache: {most_cached:,} of {limit:,} bytes: {'within' if most_cached <= limit else 'ABOVE'} the limit")
    if asked.json:
        marked = [asdict(mark) for mark in (before, *marks, after)]
        asked.json.write_text(json.dumps({"marks": marked, "growth": growth, "most_cached": most_cached}, indent=2) + "\n")


if __name__ == "__main__":
    main()
