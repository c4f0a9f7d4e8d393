"""Copies of a model with randomised weights: in its last layers, or in one layer alone.

The model parameter randomisation test of Adebayo et al. 2018, "Sanity Checks for Saliency Maps" (arXiv 1810.03292,
section 3).
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Literal, get_args

from torch import Tensor, nn

from explain_lib.base.errors import InputError
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.running import needs_graph_like
from explain_lib.passes.sharing import own_random_numbers

Mode = Literal["cascading", "independent"]
MODES: tuple[Mode, ...] = get_args(Mode)
SEED, MOST_SEED = 0, 999_999
DRAWS, MOST_DRAWS = 10, 100
"""How many draws of random weights many images are seen with, unless asked, and at most."""

SPREAD = 0.02
"""The standard deviation of the weights of a module without an initialisation of its own."""

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class Step:
    """A layer with weights, by its name, and the normalisation after it, which are randomised together.

    modules: names in the network, the layer first.
    """

    name: str
    modules: tuple[str, ...]


def randomisation_steps(model: Model) -> tuple[Step, ...]:
    """The layers with weights of their own that the forward pass reaches, the last first.

    A normalisation belongs to the layer that runs before it: TutorialNet has 5 steps, ResNet-20 has 20.
    """
    groups: list[list[str]] = []
    for name in dict.fromkeys(layer.module for layer in check_model(model).layers):
        module = model.network.get_submodule(name)
        if next(module.parameters(recurse=False), None) is None:
            continue
        if groups and isinstance(module, _NORMS):
            groups[-1].append(name)
        else:
            groups.append([name])
    return tuple(Step(group[0], tuple(group)) for group in reversed(groups))


def chosen_steps(steps: Sequence[Step], depth: int, mode: Mode) -> tuple[Step, ...]:
    """The steps that are randomised at a depth: the first `depth`, or only the last of those; none at 0.

    Raises InputError for another mode, and for a depth that is not from 0 to the number of steps.
    """
    if mode not in MODES:
        raise InputError(f"mode: {mode!r}; one of {', '.join(MODES)} would be right")
    if not isinstance(depth, int) or not 0 <= depth <= len(steps):
        raise InputError(f"depth: {depth!r}; a whole number from 0 to {len(steps)} would be right")
    return tuple(steps[:depth] if mode == "cascading" else steps[max(0, depth - 1) : depth])


def randomised(model: Model, depth: int, mode: Mode = "cascading", *, seed: int = SEED) -> Model:
    """A copy of the model whose last `depth` layers are initialised anew, or only the last of those; see randomisation_steps.

    Each layer is initialised as PyTorch does before a training, by its reset_parameters; a module without that draws from
    the truncated normal distribution with standard deviation 0.02, as torchvision does for ConvNeXt. The numbers of a layer
    depend on the seed and its place alone: they are the same at every depth of the cascade, in either mode and on every
    device. The model itself, and the state of PyTorch's random numbers, stay unchanged.

    A normalisation gets weight 1, bias 0 and the running statistics 0 and 1, which change nothing. Nothing saturates by
    that: after PyTorch's initialisation of convolutions, activations become smaller, layer by layer. A network without any
    trained layer gives nearly the same probabilities for all images, those of its last bias, and deep networks without
    shortcuts keep so little of the picture that maps can be zero everywhere.

    Raises InputError as chosen_steps does.
    """
    steps = randomisation_steps(model)
    chosen = chosen_steps(steps, depth, mode)
    with model.lock:
        network = _copied(model.network)
    with own_random_numbers() as numbers:
        for step in chosen:
            for part, name in enumerate(step.modules):
                numbers.manual_seed(1000 * (seed * len(steps) + steps.index(step)) + part)
                _forget(network.get_submodule(name))
    network.to(model.device)
    return replace(model, network=network, card=None, _digests={}, _checked=set())


def _copied(network: nn.Module) -> nn.Module:
    """A copy on the CPU; of tensors with a graph, which a pass of the caller's may have stored in it, their values."""
    stored = [value for module in network.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    values = {id(value): value.detach() for value in stored if value.grad_fn is not None}
    copied = deepcopy(network, dict(values)).cpu()
    needs_graph_like(network, copied)
    return copied


def _forget(module: nn.Module) -> None:
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()
        return
    for parameter in module.parameters(recurse=False):
        nn.init.trunc_normal_(parameter, std=SPREAD)
