"""PyTorch's random numbers, which are one sequence for all threads: taken by one at a time, and put back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_taking = threading.RLock()


@contextmanager
def own_random_numbers(device: torch.device | None = None) -> Iterator[torch.Generator]:
    """Inside, the CPU's generator is this thread's alone, to be seeded at will; its state is the old one afterwards.

    device: a GPU whose generator is put back as well. Alone among those who use this function: code that draws without it is
    not kept out.
    """
    also = [device] if device is not None and device.type == "cuda" else []
    with _taking, torch.random.fork_rng(devices=also):
        yield torch.default_generator
