"""What a check-up finds in a network that does not run: its wrapper, weights and normalisation."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from explain_lib.cards import ModelCard
from explain_lib.digest import named_tensors, not_finite
from explain_lib.findings import Finding
from explain_lib.layer_names import few_names

FEW = 4
PHOTOGRAPH_MEAN = (0.494, 0.485, 0.450)
PHOTOGRAPH_STD = (0.247, 0.243, 0.262)
"""Of the pixels of the 10,000 CIFAR-10 test images, in [0, 1]; photographs of other sets differ little."""
FAR_MEAN, SMALL_STD = 2.0, 0.1

Channels = tuple[float, ...]


def wrapper_findings(network: nn.Module) -> Iterator[Finding]:
    """DataParallel and DistributedDataParallel, around the network or inside it."""
    for name, module in network.named_modules():
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            kind = type(module).__name__
            where, path = (f"network.{name}", f"network.{name}") if name else ("The network", "network")
            taken = f"network.set_submodule({name!r}, {path}.module)" if name else "network = network.module"
            yield Finding(
                "wrapper",
                "problem",
                f"{where} is wrapped in {kind}: on several devices it runs copies of the layers, whose activations no hook on the "
                "layers themselves sees, and every layer's name begins with 'module.'.",
                f"Take the wrapper off before any map: {taken}.",
            )


def unwrapped(network: nn.Module) -> nn.Module:
    """The network inside all wrappers around it."""
    while isinstance(network, nn.DataParallel | nn.parallel.DistributedDataParallel):
        network = network.module
    return network


def precision_findings(network: nn.Module) -> Iterator[Finding]:
    """Weights that have no shape yet, or are not float32."""
    lazy = [name for name, tensor in named_tensors(network) if is_lazy(tensor)]
    if lazy:
        yield Finding(
            "precision",
            "problem",
            f"{few_names(lazy, FEW)} {_have(lazy)} no shape yet: lazy layers learn theirs in the first forward pass.",
            "Run the network once on a picture, load its weights, and check it up again.",
        )
        return
    tensors = {name: tensor for name, tensor in named_tensors(network) if tensor.is_floating_point() or tensor.is_complex()}
    other = [name for name, tensor in tensors.items() if tensor.dtype != torch.float32]
    if other:
        yield Finding(
            "precision",
            "problem",
            f"{few_names(other, FEW)} {_are(other)} {str(tensors[other[0]].dtype).removeprefix('torch.')}: maps are made in "
            "float32.",
            "Call network.float() before any map.",
        )


def finite_weight_findings(network: nn.Module) -> Iterator[Finding]:
    """NaN and infinity in parameters and buffers."""
    broken = not_finite(network)
    if broken:
        yield Finding(
            "finite",
            "problem",
            f"{few_names(broken, FEW)} {_hold(broken)} NaN or infinity: every score and every map behind "
            f"{'it' if len(broken) == 1 else 'them'} is NaN or without meaning.",
            "Load a checkpoint whose weights are finite: an earlier one of the same training, or train with a lower learning rate.",
        )


def frozen_findings(network: nn.Module) -> Iterator[Finding]:
    """Parameters that ask for no gradient."""
    parameters = dict(network.named_parameters())
    frozen = [name for name, parameter in parameters.items() if not parameter.requires_grad]
    if not frozen:
        return
    if len(frozen) == len(parameters):
        what = f"All {len(parameters)} parameter tensors are frozen (requires_grad is False)"
    else:
        owners = tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in frozen))
        what = f"The parameters of {few_names(owners, FEW)} are frozen (requires_grad is False)"
    yield Finding(
        "frozen",
        "note",
        f"{what}. Maps made here do not mind: they ask for gradients by activations. The package grad-cam by itself fails at "
        "every layer before the first parameter that is not frozen.",
        "Nothing for maps made here. For the package, call network.requires_grad_(True) on a copy, or hand it an input with "
        "requires_grad_().",
    )


def normalisation_findings(mean: Channels, std: Channels, card: ModelCard | None) -> Iterator[Finding]:
    """Mean and std that are not the card's; without a card, those under which a photograph is far from what is usual."""
    if card is not None:
        if (*mean, *std) != (*card.mean, *card.std):
            yield Finding(
                "normalisation",
                "problem",
                f"Pixels are normalised with mean {_numbers(mean)} and std {_numbers(std)}, and the card of {card.name} says mean "
                f"{_numbers(card.mean)} and std {_numbers(card.std)}: the network sees other numbers than those that it learnt from.",
                f"Use the card's: mean={_numbers(card.mean)}, std={_numbers(card.std)}; or put the card right.",
            )
        return
    centres = [(usual - shift) / scale for usual, shift, scale in zip(PHOTOGRAPH_MEAN, mean, std, strict=True)]
    spreads = [usual / scale for usual, scale in zip(PHOTOGRAPH_STD, std, strict=True)]
    if max(map(abs, centres)) > FAR_MEAN or min(spreads) < SMALL_STD:
        yield Finding(
            "normalisation",
            "note",
            f"With mean {_numbers(mean)} and std {_numbers(std)} a photograph comes to the network with a mean of "
            f"{_numbers(centres)} and a standard deviation of {_numbers(spreads)} in R, G and B; most networks learnt from about 0 "
            "and 1.",
            "mean and std are those of pixels from 0 to 1: divide numbers that were meant for 0 to 255 by 255, and compare them "
            "with what the network was trained with.",
        )


def _numbers(values: Sequence[float]) -> str:
    return f"({', '.join(f'{value:.4g}' for value in values)})"


def _have(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _hold(names: Sequence[str]) -> str:
    return "holds" if len(names) == 1 else "hold"
