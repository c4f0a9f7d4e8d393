"""Running a network: alone, in evaluation mode, with hooks or without. Hooks live only here."""

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from explain_lib.base.errors import NETWORK_FAILURES, ExplainError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.passes.forwarded import run_inside
from explain_lib.passes.sharing import exclusive, no_reentrant_checkpoints, nothing_stored, undisturbed

Hook = Callable[[nn.Module, tuple[object, ...], object], Tensor | None]
"""Takes a module, its inputs and its output; may return a tensor to take the place of the output, or of its first part."""


def run(network: nn.Module, batch: Tensor) -> object:
    """The output of the network.

    Raises TooLargeError if there is not enough memory, and NetworkError in place of other exceptions of the network.
    """
    try:
        with enough_memory(f"network: a forward pass over a batch of shape {tuple(batch.shape)}"):
            return network(batch)
    except ExplainError:
        raise
    except NETWORK_FAILURES as error:
        raise NetworkError(
            f"the network cannot run on a batch of shape {tuple(batch.shape)}: {type(error).__name__}: {error}"
        ) from error


@contextmanager
def alone(network: nn.Module, *, gradients: bool) -> Iterator[None]:
    """Exclude other threads from the network and set evaluation mode inside, with gradients of activations or without."""
    gradients = gradients or network in _needing_graph
    stored = nothing_stored(network, *run_inside(network)) if gradients else nullcontext()
    plain = torch.inference_mode(False)
    with exclusive(network), undisturbed(network), stored, no_reentrant_checkpoints(), plain, torch.set_grad_enabled(gradients):
        yield


_needing_graph: "weakref.WeakSet[nn.Module]" = weakref.WeakSet()
"""Networks that run only where the picture asks for a gradient: they hook a tensor in forward, or checkpoint activations."""


def needs_graph_like(network: nn.Module, other: nn.Module) -> None:
    """Note that a copy of a network, the other, runs as the network does."""
    if network in _needing_graph:
        _needing_graph.add(other)


def run_alone(network: nn.Module, batch: Tensor) -> object:
    """The output of the network, without its graph: run does it, with other threads excluded, in evaluation mode."""
    with alone(network, gradients=False):
        output = run(network, starting(network, batch))
    return output.detach() if isinstance(output, Tensor) else output


def starting(network: nn.Module, batch: Tensor) -> Tensor:
    """The batch; one that asks for a gradient where the network needs that. It is no leaf: some networks write to it."""
    return batch.detach().requires_grad_().clone() if network in _needing_graph else batch


def run_hooked(network: nn.Module, batch: Tensor, hooks: Mapping[str, Hook]) -> object:
    """The output of the network, run with hooks at the modules of these names."""
    with ExitStack() as hooked:
        for name, hook in hooks.items():
            hooked.enter_context(network.get_submodule(name).register_forward_hook(_within_tuples(hook)))
        return run(network, batch)


def first_part(output: object) -> object:
    """The first part of a tuple, as nn.MultiheadAttention gives one, if it is a tensor; any other output itself."""
    return output[0] if isinstance(output, tuple) and output and isinstance(output[0], Tensor) else output


class FirstPart(nn.Module):
    """A module that returns a tuple, for a program that hooks modules itself: its hooks see the first part."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def register_forward_hook(self, hook: Hook) -> RemovableHandle:  # type: ignore[override]  # no program gives more
        return self.module.register_forward_hook(lambda module, inputs, output: hook(module, inputs, first_part(output)))


def _within_tuples(hook: Hook) -> Callable[[nn.Module, tuple[object, ...], object], object]:
    """The hook, whose tensor takes the place of the first part of a tuple, wherever the tuple holds that."""

    def hooked(module: nn.Module, inputs: tuple[object, ...], output: object) -> object:
        made = hook(module, inputs, output)
        if made is None or not isinstance(output, tuple):
            return made
        parts = [made if part is output[0] else part for part in output]
        return type(output)(*parts) if hasattr(output, "_fields") else tuple(parts)

    return hooked


def with_graph_if_needed(network: nn.Module, passed: Callable[[], object]) -> object:
    """What a pass returns; where it fails without the graph, as one that hooks a tensor does, it is run with it ever after."""
    try:
        return passed()
    except NetworkError:
        if network in _needing_graph:
            raise
        _needing_graph.add(network)
    try:
        with torch.enable_grad():
            return passed()
    except NetworkError:
        _needing_graph.discard(network)
        raise


def note_needs_graph(network: nn.Module) -> None:
    """Note that a network runs only where the picture asks for a gradient."""
    _needing_graph.add(network)
