"""Two instances behind nginx, configured as the README says: what the second one brings, and what happens when one dies.

Run with: python -m benchmarks.instances [--sessions 20] [--seconds 20] [--rounds 3]

So many sessions press → as fast as they are answered, in turns through a proxy in front of one instance and
through one in front of both. Then one instance is killed: its sessions come back to the other by their addresses.
"""

import argparse
import os
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3
from websockets.exceptions import ConnectionClosed

from benchmarks.proxy import proxied
from benchmarks.rounds import summary
from benchmarks.servers import Server, free_port, served
from benchmarks.session import HOST, Address, Session
from benchmarks.showing import Showing, different, showing

DASHBOARD = "dashboard/app.py"
PAGES = ("layer_explorer", "disagreement")
PATIENCE = 120.0


@dataclass(frozen=True)
class Visitor:
    """One tab of one browser, which has the proxy's cookie."""

    cookie: dict[str, str]
    address: Address

    def come(self, port: int) -> Session:
        """A session through the proxy on this port; no page is open yet."""
        return Session(port, self.cookie)

    def instance(self, port: int) -> int:
        """The process that answers this visitor."""
        answer = urllib3.request("GET", f"http://{HOST}:{port}/health", headers=self.cookie)
        return int(answer.json()["process"])


def visitors(count: int) -> list[Visitor]:
    """New visitors, on different pages and images."""
    return [
        Visitor({"Cookie": f"visitor={secrets.token_hex(16)}"}, Address(PAGES[number % len(PAGES)], f"img={100 * number}"))
        for number in range(count)
    ]


def press_on(port: int, seconds: float, visitor: Visitor) -> list[float]:
    """Seconds that each press of → took, for so long, without a pause."""
    with visitor.come(port) as session:
        session.open(visitor.address)
        end = time.monotonic() + seconds
        took = []
        while time.monotonic() < end:
            took.append(session.step("image", 1))
        return took


@dataclass(frozen=True)
class Round:
    """What sessions at the same time were answered: presses a second, median and 95th percentile in milliseconds."""

    rate: float
    median: float
    slow: float


def press_together(port: int, sessions: int, seconds: float) -> Round:
    """So many sessions at once through the proxy on this port."""
    with ThreadPoolExecutor(sessions) as room:
        took = sorted(one for many in room.map(partial(press_on, port, seconds), visitors(sessions)) for one in many)
    return Round(len(took) / seconds, 1000 * took[len(took) // 2], 1000 * took[int(0.95 * len(took))])


def kill_one(port: int, victim: Server, sessions: int, report: Callable[[str], None]) -> None:
    """Kill an instance under so many sessions, and say what becomes of them."""
    people = visitors(sessions)
    at = {number: person.instance(port) for number, person in enumerate(people)}
    report(f"{sessions} sessions: {sorted(Counter(at.values()).values())} on the two instances")
    with ExitStack() as stack:
        tabs = [stack.enter_context(person.come(port)) for person in people]
        before = [_seen(tab, person.address) for tab, person in zip(tabs, people, strict=True)]
        os.kill(victim.process, signal.SIGKILL)
        lost = [number for number, tab in enumerate(tabs) if not _answers(tab)]
        report(f"killed one: {len(lost)} sessions lost, all of them its own: {set(lost) == _of(at, victim.process)}")
        back = [stack.enter_context(people[number].come(port)) for number in lost]
        took = [tab.open(people[number].address) for number, tab in zip(lost, back, strict=True)]
        unlike = [different(before[number], showing(tab)) for number, tab in zip(lost, back, strict=True)]
    took_ms = summary([1000 * seconds for seconds in took])
    report(f"all back at the other: the same view for {unlike.count([])} of {len(lost)}, {took_ms.median:.0f} ms each (median)")


def _of(at: dict[int, int], process: int) -> set[int]:
    return {number for number, where in at.items() if where == process}


def _seen(tab: Session, address: Address) -> Showing:
    tab.open(address)
    return showing(tab)


def _answers(tab: Session) -> bool:
    try:
        tab.step("image", 1)
    except ConnectionClosed:
        return False
    return True


@contextmanager
def loaded() -> Iterator[Server]:
    """An instance whose model is loaded, and whose pages have been opened once."""
    with served(DASHBOARD, {}) as server:
        end = time.monotonic() + PATIENCE
        while urllib3.request("GET", f"{server.address}/health").status != 200:
            if time.monotonic() > end:
                raise RuntimeError(f"the model was not loaded within {PATIENCE:.0f} s")
            time.sleep(0.2)
        with Session(server.port) as session:
            for page in PAGES:
                session.open(Address(page, ""))
        yield server


def measure(sessions: int, seconds: float, rounds: int, report: Callable[[str], None]) -> None:
    """Everything, reported line by line."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        one, other = stack.enter_context(loaded()), stack.enter_context(loaded())
        ports = {"one instance": free_port(), "two instances": free_port()}
        for port, behind in zip(ports.values(), ([one], [one, other]), strict=True):
            stack.enter_context(proxied(Path(name) / str(port), port, [server.port for server in behind]))
        found: dict[str, list[Round]] = {words: [] for words in ports}
        for _ in range(rounds):
            for words, port in ports.items():
                found[words].append(press_together(port, sessions, seconds))
        for words, many in found.items():
            rate, median, slow = (summary([getattr(each, key) for each in many]) for key in ("rate", "median", "slow"))
            spread = f"{rate.median:.0f} presses a second ({rate.low:.0f} to {rate.high:.0f})"
            report(f"{words}: {spread}, median {median.median:.0f} ms, p95 {slow.median:.0f} ms")
        kill_one(ports["two instances"], other, sessions, report)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instances", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    measure(asked.sessions, asked.seconds, asked.rounds, lambda line: print(line, flush=True))
    print(f"processes that wanted a core in the last 5 minutes: {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
