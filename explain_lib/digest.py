"""The digest of a model: what its maps depend on, as one SHA-256."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


def named_tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, then buffers, with their names."""
    yield from network.named_parameters()
    yield from network.named_buffers()


def model_digest(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], input_size: tuple[int, int]) -> str:
    """SHA-256, in hex, over parameters, buffers, the printed architecture, mean, std and input size.

    The printed architecture counts because in-place or not changes what hooks see.
    """
    digest = hashlib.sha256(repr((str(network), tuple(mean), tuple(std), tuple(input_size))).encode())
    for name, tensor in named_tensors(network):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def weight_stamp(network: nn.Module) -> tuple[int, ...]:
    """Numbers that change when a weight is replaced or written to, or a layer is switched between in-place and not.

    Much cheaper than the digest; PyTorch counts each write to a tensor in `_version`, those through `.data` excepted.
    """
    stamp = [number for _, tensor in named_tensors(network) for number in (id(tensor), tensor.data_ptr(), _version(tensor))]
    stamp.extend(bool(getattr(module, "inplace", False)) for module in network.modules())
    return tuple(stamp)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def not_finite(network: nn.Module) -> tuple[str, ...]:
    """Names of the parameters and buffers that hold NaN or infinity."""
    return tuple(name for name, tensor in named_tensors(network) if not bool(torch.isfinite(tensor).all()))
