"""One who starts scans of all test images, one after the other, and looks on."""

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from benchmarks.servers import Server
from benchmarks.session import Address, Session, SessionError
from benchmarks.showing import Sights, showing_all

SCANS = tuple(
    Address("scan", f"img=3&model={model}&target={target}&evidence={evidence}&class=any&a=manual&b=package&check=on")
    for evidence in ("for", "against")
    for target in range(10)
    for model in ("tutorial", "resnet20", "captum-tutorial")
)
"""Scans of all images that have no row in common: each of another model or another target."""


def start_scan(session: Session, address: Address) -> None:
    """Open a scan's page and start it, unless it runs or is done."""
    session.open(address)
    if not (session.says("running") or session.says("waiting") or session.says("done")):
        session.press_words("Scan ", "Go on ")


class Scanner:
    """Scans as long as the `with` lasts, from its beginning on; `sights`: what finished scans showed."""

    def __init__(self, server: Server, scans: Iterator[Address]) -> None:
        """scans: those that are still to be made; whoever scans next on the same server goes on with the rest."""
        self._scans = scans
        self._session = Session(server.port)
        self._ended = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._scan)
        self.sights = Sights()
        self.faults: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._begun.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self._session.close()

    def _scan(self) -> None:
        try:
            for address in self._scans:
                start_scan(self._session, address)
                self._begun.set()
                while not (self._session.says("done") or self._ended.is_set()):
                    self._session.look_on(0.5)
                if self._ended.is_set():
                    return
                self.sights.add(address, showing_all(self._session))
            if self.sights.shown:
                self.faults.append("who scans: no scan was left before the time was over")
        except SessionError as error:
            self.faults.append(f"who scans: {error}")
        finally:
            self._begun.set()
