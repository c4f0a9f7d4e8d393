"""Streamlit collects all garbage after every run of a page, which takes as long as there are objects to look at."""

import gc
import sys
from functools import lru_cache


def pass_over_modules() -> None:
    """Let collections pass over all that lives now, if modules were imported since the last call.

    PyTorch and its like leave half a million objects that stay for good, and looking at them takes 0.2 s a run.
    """
    _freeze(len(sys.modules))


@lru_cache(maxsize=1)
def _freeze(modules: int) -> None:
    """Once for each number of modules. What is garbage already is collected first, so that nothing of it stays."""
    del modules
    gc.collect()
    gc.freeze()
