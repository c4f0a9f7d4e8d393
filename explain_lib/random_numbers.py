"""PyTorch's random numbers, which are one sequence for all threads: taken by one at a time, and put back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_taking = threading.RLock()


@contextmanager
def own_random_numbers() -> Iterator[torch.Generator]:
    """Inside, the CPU's generator is this thread's alone, to be seeded at will; its state is the old one afterwards.

    Alone among those who use this function: code that draws without it is not kept out.
    """
    with _taking, torch.random.fork_rng(devices=[]):
        yield torch.default_generator
