"""What a server of the dashboard holds while people use it: memory, cache, threads."""

import json
import threading
import urllib.request
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from benchmarks.servers import Server

EVERY = 0.5
"""Seconds between two looks at the cache."""


@dataclass(frozen=True)
class Held:
    """resident: bytes of memory that the process has. cache, limit: bytes in the cache, and its bound. threads: how many."""

    resident: int
    cache: int
    limit: int
    threads: int


class ServerWatch:
    """Looks at a server again and again while the `with` lasts, and remembers the most that its cache held."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._process = psutil.Process(server.process)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.most_cached = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def look(self) -> Held:
        """What it holds now; its model must have been loaded."""
        with urllib.request.urlopen(f"{self._server.address}/health", timeout=60) as answer:
            health = json.load(answer)
        cache = health["cache"]
        self.most_cached = max(self.most_cached, cache["bytes"])
        return Held(self._process.memory_info().rss, cache["bytes"], cache["max_bytes"], health["threads"])

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self.look()
