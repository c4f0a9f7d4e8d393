"""Use of a network that is not ours alone: one thread at a time, and everything is put back afterwards."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

from torch import nn

_locks: "weakref.WeakKeyDictionary[nn.Module, _NumberedLock]" = weakref.WeakKeyDictionary()
_locks_guard = threading.Lock()
_lock_numbers = count()


class _NumberedLock:
    """A lock with a place in the one order in which threads take several of them."""

    def __init__(self) -> None:
        self.number, self.lock = next(_lock_numbers), threading.RLock()


@contextmanager
def exclusive(network: nn.Module) -> Iterator[None]:
    """Nobody else runs this network with hooks inside, nor a network that shares a module with it."""
    with ExitStack() as held:
        for numbered in _locks_of(network):
            held.enter_context(numbered.lock)
        yield


def _locks_of(network: nn.Module) -> list[_NumberedLock]:
    """The locks of all modules, each once, in order; a network that has none gets one for all of its modules."""
    with _locks_guard:
        found = {_locks[module] for module in network.modules() if module in _locks} or {_NumberedLock()}
        first = min(found, key=lambda numbered: numbered.number)
        for module in network.modules():
            _locks.setdefault(module, first)
        return sorted(found, key=lambda numbered: numbered.number)


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and frozen parameters inside, everything as it was outside."""
    training = [module for module in network.modules() if module.training]
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
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
