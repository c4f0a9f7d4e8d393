"""Failed allocations: recognised, reported in a sentence, and the memory of the computation freed at once."""

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from explain_lib.base.errors import TooLargeError

REMEDY = "fewer pictures or layers at a time, smaller pictures, or a smaller network would be right"
_ALLOCATOR = re.compile("DefaultCPUAllocator|out of memory|bad_alloc")
"""Found in PyTorch's RuntimeError after a failed allocation: on the CPU, on a GPU, in its C++ libraries."""
_ASKED = re.compile(r"allocate ([\d.]+) (bytes|[KMGTPE]iB)")


@contextmanager
def enough_memory(what: str, remedy: str = REMEDY) -> Iterator[None]:
    """Raise TooLargeError in place of a failed allocation inside; other exceptions pass.

    what: the argument, a colon, and the use of the memory, as in "pixels: 64 pictures". remedy: what would be right.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _ALLOCATOR.search(str(error)):
            raise
        traceback.clear_frames(error.__traceback__)  # they keep the arrays made by then alive as long as the exception
        raise TooLargeError(f"{what} needs more memory than is available{_asked(error)}; {remedy}") from error


def _asked(error: BaseException) -> str:
    """The size of the failed allocation in words, empty if the exception does not name it."""
    found = _ASKED.search(str(error))
    if found is None:
        return ""
    number, unit = found.groups()
    if unit == "bytes":
        gibibytes = int(number) / 2**30
        number, unit = (f"{gibibytes:,.1f}", "GiB") if gibibytes >= 1 else (f"{gibibytes * 1024:.1f}", "MiB")
    return f" ({number.rstrip('.')} {unit} in one piece)"
