"""A memo: results by key, bounded in bytes, each computed once for all threads that ask for it."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast, runtime_checkable

from cachetools import LRUCache

from explain_lib.base.errors import InputError
from explain_lib.base.memory import enough_memory

Value = TypeVar("Value")

ENTRY_OVERHEAD = 1024


@runtime_checkable
class HasBytes(Protocol):
    """A value with a size in bytes: an array, a result made of arrays, or a model."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""


@dataclass(frozen=True)
class CacheStats:
    """The state of a cache: hits and misses so far, entries and bytes held now, and the limit of bytes."""

    hits: int
    misses: int
    entries: int
    bytes: int
    max_bytes: int


class Memo:
    """Results by key, bounded by their bytes and a kilobyte for each; the least recently used goes first.

    A missing entry is computed by the first thread that asks for it, while the others wait. If that fails, the first thread
    gets the exception, and the next one computes. An entry too large to keep still goes to all who waited.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes <= 0:
            raise InputError(f"max_bytes: {max_bytes}; a number of bytes above 0 would be right")
        self._entries: LRUCache[Hashable, object] = LRUCache(max_bytes, getsizeof=bytes_of)
        self._pending: dict[Hashable, Future[object]] = {}
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The entry of a key, computed if it is missing; exceptions of `compute` pass and are not kept."""
        while True:
            with self._lock:
                if key in self._entries:
                    self._hits += 1
                    return cast(Value, self._entries[key])
                pending = self._pending.get(key)
                if pending is None:
                    mine = self._pending[key] = Future()
                    self._misses += 1
                    break
            with suppress(CancelledError):  # the computation failed; this thread may be the next one
                value = pending.result()
                with self._lock:
                    self._hits += 1
                return cast(Value, value)
        return self._compute(key, mine, compute)

    def _compute(self, key: Hashable, mine: Future[object], compute: Callable[[], Value]) -> Value:
        try:
            with enough_memory("this view: what is computed for it"):
                value = compute()
            size = bytes_of(value)
            with self._lock:
                if size <= self._entries.maxsize:
                    self._entries[key] = value
            mine.set_result(value)
            return value
        finally:
            with self._lock:
                del self._pending[key]
            mine.cancel()  # changes nothing after a result

    def kept(self, key: Hashable) -> object | None:
        """The entry of a key if it is there, else None; never computes or waits, and is not counted."""
        with self._lock:
            return self._entries.get(key)

    def discard(self, key: Hashable) -> None:
        """Forget an entry, if it is there."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget every entry; the counts of hits and misses stay."""
        with self._lock:
            self._entries.clear()

    @property
    def stats(self) -> CacheStats:
        """Hits, misses, entries and bytes at this moment."""
        with self._lock:
            held = int(self._entries.currsize)
            return CacheStats(self._hits, self._misses, len(self._entries), held, int(self._entries.maxsize))


def bytes_of(value: object) -> int:
    """The size of an entry."""
    if isinstance(value, bytes):
        return ENTRY_OVERHEAD + len(value)
    if isinstance(value, tuple):
        return sum(map(bytes_of, value))
    if isinstance(value, HasBytes):
        return ENTRY_OVERHEAD + int(value.nbytes)
    raise InputError(f"value: a {type(value).__name__} cannot be cached; an array, a result, bytes or a model would be right")
