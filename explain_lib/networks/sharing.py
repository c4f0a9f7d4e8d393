"""Use of a network that is not ours alone: one thread at a time, and everything is put back afterwards."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import torch
from torch import nn

_locks: "weakref.WeakKeyDictionary[nn.Module, _NumberedLock]" = weakref.WeakKeyDictionary()
_locks_guard = threading.Lock()
_lock_numbers = count()


class _NumberedLock:
    """A lock with a place in the one order in which threads take several of them."""

    def __init__(self) -> None:
        self.number, self.lock = next(_lock_numbers), threading.RLock()


def modules_of(network: nn.Module) -> list[nn.Module]:
    """Every module, each once, beginning with the network itself; several times as fast as network.modules().

    What is done before each pass goes through here, and a small network runs in less than a millisecond.
    """
    found, seen = [network], {network}
    for module in found:  # the list grows while it is gone through
        for child in module._modules.values():
            if child is not None and child not in seen:
                seen.add(child)
                found.append(child)
    return found


@contextmanager
def exclusive(network: nn.Module) -> Iterator[None]:
    """Nobody else runs this network with hooks inside, nor a network that shares a module with it."""
    held: list[_NumberedLock] = []
    try:
        for numbered in _locks_of(network):
            numbered.lock.acquire()
            held.append(numbered)
        yield
    finally:
        for numbered in reversed(held):
            numbered.lock.release()


def _locks_of(network: nn.Module) -> list[_NumberedLock]:
    """The locks of all modules, each once, in order; a network that has none gets one for all of its modules."""
    modules = modules_of(network)
    with _locks_guard:
        held = [_locks.get(module) for module in modules]
        found = sorted({lock for lock in held if lock is not None} or {_NumberedLock()}, key=lambda lock: lock.number)
        for module, lock in zip(modules, held, strict=True):
            if lock is None:
                _locks[module] = found[0]
        return found


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and frozen parameters inside, everything as it was outside."""
    modules = modules_of(network)
    training = [module for module in modules if module.training]
    parameters = (parameter for module in modules for parameter in module._parameters.values())
    learning = [parameter for parameter in parameters if parameter is not None and parameter.requires_grad]
    try:
        for module in training:
            module.training = False
        for parameter in learning:
            parameter.requires_grad_(False)
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in learning:
            parameter.requires_grad_(True)


# Section: PyTorch's random numbers, which are one sequence for all threads: taken by one at a time, and put back.

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
