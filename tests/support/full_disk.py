"""A disk without room, for the length of a test."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may become longer than so many bytes: the system refuses to write, as it does where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def make_full(path: Path) -> None:
    """Everything that is written to this path meets Linux's device that is always full."""
    path.symlink_to("/dev/full")
