"""Findings that need no run of the network: about its wrapper, weights and normalisation."""

from collections.abc import Iterator, Sequence
from math import isclose

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from explain_lib.base.words import few_names, short
from explain_lib.check_up.findings import FEW, Finding, note, problem, subject
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.weights import named_tensors, not_finite

PHOTOGRAPH_MEAN = (0.494, 0.485, 0.450)
PHOTOGRAPH_STD = (0.247, 0.243, 0.262)
"""Mean and deviation of the pixels of the 10,000 CIFAR-10 test images, in [0, 1]; other photographs differ little."""
FAR_MEAN, SMALL_STD = 2.0, 0.1

Channels = tuple[float, ...]


def wrapper_findings(network: nn.Module) -> Iterator[Finding]:
    """DataParallel and DistributedDataParallel around the network or inside it, torch.compile and TorchScript."""
    for name, module in network.named_modules():
        inside = _inside(module)
        if inside is not None:
            where = f"The module {name!r}" if name else "The network"
            path = f"network.{name}" if name else "network"
            taken = f"network.set_submodule({name!r}, {path}.{inside})" if name else f"network = network.{inside}"
            yield problem(
                "wrapper",
                f"{where} is wrapped in {type(module).__name__}, which runs copies of the layers or code made from them: "
                f"hooks on the layers are unreliable, and the layers' names begin with '{inside}.'.",
                f"Take the wrapper off before any map: {taken}.",
            )
    if _is_script(network):
        yield problem(
            "wrapper",
            "The network is TorchScript, or a part of it is: its layers take no hooks, so no layer can be explained.",
            "Use the network as it was before torch.jit.script, torch.jit.trace or torch.jit.load, built in Python, and load "
            "the same weights into it.",
        )


def _inside(module: nn.Module) -> str | None:
    """The attribute of a wrapper that holds the wrapped network; None for other modules."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return "module"
    # by name, since the module that defines the class is slow to import
    compiled = type(module).__name__ == "OptimizedModule" and "_orig_mod" in module._modules
    return "_orig_mod" if compiled else None


def _is_script(network: nn.Module) -> bool:
    return any(isinstance(module, torch.jit.ScriptModule) for module in network.modules())


def unwrapped(network: nn.Module) -> nn.Module | None:
    """The network inside all wrappers around it; None if it cannot take hooks."""
    while (inside := _inside(network)) is not None:
        network = network.get_submodule(inside)
    return None if _is_script(network) else network


def precision_findings(network: nn.Module) -> Iterator[Finding]:
    """Weights that hold no numbers yet, or are not float32."""
    empty = [name for name, tensor in named_tensors(network) if is_lazy(tensor) or tensor.is_meta]
    if empty:
        yield problem(
            "precision",
            f"{subject(empty, 'holds')} no numbers yet: a lazy layer that never ran, or one on the device 'meta'.",
            "Run a network with lazy layers once on a picture; bring one on 'meta' to a device with "
            "network.to_empty(device='cpu'); then load its weights.",
        )
        return
    kinds = {name: _kind(tensor) for name, tensor in named_tensors(network)}
    other = [name for name, kind in kinds.items() if kind is not None]
    if other:
        yield problem(
            "precision",
            f"{subject(other, 'is')} {kinds[other[0]]}: maps are made with dense weights in float32.",
            "Call network.float() before any map, and make sparse weights dense with to_dense().",
        )


def _kind(tensor: Tensor) -> str | None:
    """The layout or dtype of a weight that is not dense float32; None for dense float32 and whole numbers."""
    if tensor.layout != torch.strided:
        return "sparse"
    is_other = (tensor.is_floating_point() or tensor.is_complex()) and tensor.dtype != torch.float32
    return str(tensor.dtype).removeprefix("torch.") if is_other else None


def finite_weight_findings(network: nn.Module) -> Iterator[Finding]:
    """NaN and infinity in parameters and buffers."""
    broken = not_finite(network)
    if broken:
        behind = "it" if len(broken) == 1 else "them"
        yield problem(
            "finite",
            f"{subject(broken, 'contains')} NaN or infinity: no score and no map that depends on {behind} means anything.",
            "Load weights that are finite: an earlier checkpoint of the same training, or a new one with a lower learning "
            "rate.",
        )


def frozen_findings(network: nn.Module) -> Iterator[Finding]:
    """Parameters with requires_grad off."""
    parameters = dict(network.named_parameters())
    frozen = [name for name, parameter in parameters.items() if not parameter.requires_grad]
    if not frozen:
        return
    if len(frozen) == len(parameters):
        what, where = "All parameters are frozen (requires_grad is False)", "at every layer"
    else:
        owners = tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in frozen))
        what = f"The parameters of {few_names(owners, FEW)} are frozen (requires_grad is False)"
        where = "at every layer before the first parameter that is not"
    yield note(
        "frozen",
        f"{what}. Maps made here still work: they use gradients of activations. The package grad-cam, used by itself, fails "
        f"{where}.",
        "Nothing, for maps made here. For the package: network.requires_grad_(True) on a copy, or an input with "
        "requires_grad_().",
    )


def normalisation_findings(mean: Channels, std: Channels, card: ModelCard | None) -> Iterator[Finding]:
    """Mean and std that differ from the card, or, without a card, take a photograph far from the usual range."""
    if card is not None:
        if not (_are_close(mean, card.mean) and _are_close(std, card.std)):
            right = f"mean={_numbers(card.mean)}, std={_numbers(card.std)}"
            yield problem(
                "normalisation",
                f"Pixels are normalised with mean={_numbers(mean)}, std={_numbers(std)}, but the card of {card.name} says "
                f"{right}: the network sees other numbers than in its training.",
                f"Give it {right}; or correct the card.",
            )
        return
    usual_mean, usual_std = _photograph(len(mean))
    centres = [(usual - shift) / scale for usual, shift, scale in zip(usual_mean, mean, std, strict=True)]
    spreads = [usual / scale for usual, scale in zip(usual_std, std, strict=True)]
    if max(map(abs, centres)) > FAR_MEAN or min(spreads) < SMALL_STD:
        for_bytes = max(mean) > 1 or min(spreads) < SMALL_STD  # no mean of pixels from 0 to 1 is above 1
        yield (problem if for_bytes else note)(
            "normalisation",
            f"With mean={_numbers(mean)}, std={_numbers(std)} a photograph has a mean of {_said(centres)} and a standard "
            f"deviation of {_said(spreads)} when it reaches the network; most networks were trained with about 0 and 1."
            + (" These look like numbers for pixels from 0 to 255." if for_bytes else ""),
            "Compare mean and std with those of the training. They are for pixels from 0 to 1: divide numbers for 0 to 255 by "
            "255, or give as_model value_range=255.",
        )


def _photograph(channels: int) -> tuple[Channels, Channels]:
    """Mean and deviation of photographs: of R, G and B, or the middle of these for other channels."""
    if channels == 3:
        return PHOTOGRAPH_MEAN, PHOTOGRAPH_STD
    return (PHOTOGRAPH_MEAN[1],) * channels, (PHOTOGRAPH_STD[1],) * channels


def _are_close(one: Channels, other: Channels) -> bool:
    return len(one) == len(other) and all(isclose(a, b, abs_tol=1e-6) for a, b in zip(one, other, strict=True))


def _said(values: Sequence[float]) -> str:
    return f"({', '.join(short(value, 4) for value in values)})"


def _numbers(values: Sequence[float]) -> str:
    """Numbers as Python code has them."""
    return f"({', '.join(f'{value:.4g}' for value in values)})"
