"""Safe use of shared state: a network and PyTorch's random numbers, one thread at a time, restored afterwards."""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import torch
import torch.utils.checkpoint
from torch import nn

_locks: "weakref.WeakKeyDictionary[nn.Module, AbstractContextManager[object]]" = weakref.WeakKeyDictionary()
_locks_guard = threading.Lock()
_taking = threading.RLock()


def modules_of(network: nn.Module) -> list[nn.Module]:
    """Every module, each once, beginning with the network itself; several times as fast as network.modules().

    It runs before each pass, and a small network takes less than a millisecond.
    """
    found, seen = [network], {network}
    for module in found:  # the list grows during the loop
        for child in module._modules.values():
            if child is not None and child not in seen:
                seen.add(child)
                found.append(child)
    return found


@contextmanager
def exclusive(network: nn.Module) -> Iterator[None]:
    """Exclude other threads from this network, and from networks that share a module with it."""
    with ExitStack() as held:
        for lock in _locks_of(network):
            held.enter_context(lock)
        yield


def _locks_of(network: nn.Module) -> list[AbstractContextManager[object]]:
    """The locks of all modules, each once; modules without a lock get a common one.

    All threads take several locks in the same order, that of their addresses.
    """
    modules = modules_of(network)
    with _locks_guard:
        held = [_locks.get(module) for module in modules]
        found = sorted({lock for lock in held if lock is not None} or {threading.RLock()}, key=id)
        for module, lock in zip(modules, held, strict=True):
            if lock is None:
                _locks[module] = found[0]
        return found


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Set evaluation mode and freeze the parameters inside; restore both afterwards."""
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


@contextmanager
def nothing_stored(*networks: nn.Module) -> Iterator[None]:
    """Free what a forward pass stores in the modules, as self.features = x does, of the graph of the pass.

    With its graph it could not be copied, and would keep every activation.
    """
    modules = [module for network in networks for module in modules_of(network)]
    before = {id(vars(module)[name]) for module in modules for name in vars(module).keys() - _OF_EVERY_MODULE}
    try:
        yield
    finally:
        for module in modules:
            held = vars(module)
            for name in held.keys() - _OF_EVERY_MODULE:
                value = held[name]
                if id(value) not in before or isinstance(value, list | dict):
                    held[name] = without_graph(value)
            for tensors in (module._buffers, module._parameters):
                if tensors:
                    without_graph(tensors)


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
"""PyTorch's own attributes; of these only buffers and parameters hold tensors, and there are thousands in a large network."""


def without_graph(value: object) -> object:
    """A tensor without its graph; lists and dicts keep their identity, with such tensors in them; anything else itself."""
    if isinstance(value, torch.Tensor):
        return value.detach() if value.grad_fn is not None else value
    if isinstance(value, list):
        value[:] = [without_graph(one) if isinstance(one, torch.Tensor) else one for one in value]
    elif type(value) is dict:
        value.update({key: without_graph(one) for key, one in value.items() if isinstance(one, torch.Tensor)})
    elif type(value) is tuple:
        return tuple(without_graph(one) if isinstance(one, torch.Tensor) else one for one in value)
    return value


class _Straight:
    """In the place of PyTorch's reentrant checkpoints: in threads that ask for it, the function runs as if there were none."""

    def __init__(self, checkpoints: type[torch.autograd.Function]) -> None:
        self.checkpoints, self.asking, self.users = checkpoints, threading.local(), 0

    def apply(self, function: Callable[..., object], preserve: bool, *arguments: object) -> object:
        if getattr(self.asking, "depth", 0):
            return function(*arguments)
        return self.checkpoints.apply(function, preserve, *arguments)


_straight = _Straight(torch.utils.checkpoint.CheckpointFunction)


@contextmanager
def no_reentrant_checkpoints() -> Iterator[None]:
    """Run what PyTorch's reentrant activation checkpoints hold as if they were not there, in this thread.

    They run without gradients first, and anew in a backward pass of their own, in which nothing else can take part.
    """
    with _locks_guard:
        _straight.users += 1
        torch.utils.checkpoint.CheckpointFunction = _straight  # type: ignore[misc,assignment]  # it has the one method that is called
    _straight.asking.depth = getattr(_straight.asking, "depth", 0) + 1
    try:
        yield
    finally:
        _straight.asking.depth -= 1
        with _locks_guard:
            _straight.users -= 1
            if _straight.users == 0:
                torch.utils.checkpoint.CheckpointFunction = _straight.checkpoints  # type: ignore[misc,assignment]  # as it was


@contextmanager
def own_random_numbers(device: torch.device | None = None) -> Iterator[torch.Generator]:
    """Give this thread PyTorch's generator of the CPU, to be seeded at will; restore its state afterwards.

    device: a GPU whose generator is restored as well. Only users of this function are excluded meanwhile, not other code that
    draws random numbers.
    """
    also = [device] if device is not None and device.type == "cuda" else []
    with _taking, torch.random.fork_rng(devices=also):
        yield torch.default_generator
