"""Memory that is not there: said in a sentence, and what the computation held is let go at once."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from explain_lib.base.errors import TooLargeError

REMEDY = "fewer pictures or layers at a time, smaller pictures, or a smaller network would be right"
_ALLOCATOR = re.compile("DefaultCPUAllocator|out of memory|bad_alloc")
"""What PyTorch's RuntimeError says where an allocation failed: on the CPU, on most other devices, in its C++ libraries."""
_ASKED = re.compile(r"allocate ([\d.]+) (bytes|[KMGTPE]iB)")


def is_shortage(error: BaseException) -> bool:
    """Whether an exception of Python, NumPy or PyTorch says that memory could not be had."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and _ALLOCATOR.search(str(error)) is not None


@contextmanager
def enough_memory(what: str, remedy: str = REMEDY) -> Iterator[None]:
    """Raise TooLargeError where memory cannot be had inside; other exceptions pass.

    what: the argument, a colon, and what needs the memory, as in "pixels: 64 pictures". remedy: what would be right.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_shortage(error):
            raise
        traceback.clear_frames(error.__traceback__)  # the arrays that were made by then live as long as the exception
        raise TooLargeError(f"{what} needs more memory than there is{_asked(error)}; {remedy}") from error


def _asked(error: BaseException) -> str:
    """How much was asked for in one piece, where it is said."""
    found = _ASKED.search(str(error))
    if found is None:
        return ""
    number, unit = found.groups()
    if unit == "bytes":
        gibibytes = int(number) / 2**30
        number, unit = (f"{gibibytes:,.1f}", "GiB") if gibibytes >= 1 else (f"{gibibytes * 1024:.1f}", "MiB")
    return f" ({number.rstrip('.')} {unit} in one piece)"
