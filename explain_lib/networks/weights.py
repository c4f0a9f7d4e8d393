"""The weights of a network: their names, a digest over them, and whether they are finite."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from explain_lib.base.errors import NetworkError
from explain_lib.base.words import few_names
from explain_lib.passes.sharing import modules_of


def named_tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, then buffers, with their names."""
    yield from network.named_parameters()
    yield from network.named_buffers()


def model_digest(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], input_size: tuple[int | str, ...]) -> str:
    """SHA-256, in hex, over parameters, buffers, the printed architecture, mean, std and input size, BGR behind it if it is so.

    The printed architecture counts because in-place operations change what hooks see.
    """
    digest = hashlib.sha256(repr((str(network), tuple(mean), tuple(std), tuple(input_size))).encode())
    for name, tensor in named_tensors(network):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def weight_stamp(network: nn.Module) -> tuple[int, ...]:
    """Numbers that change when a weight is replaced or written to, or when a layer switches between in-place and not.

    Much cheaper than the digest: PyTorch counts the writes to a tensor in `_version`, except those through `.data`.
    """
    modules = modules_of(network)
    held = [tensor for module in modules for kind in (module._parameters, module._buffers) for tensor in kind.values()]
    tensors = [tensor for tensor in held if tensor is not None]
    try:
        versions = [tensor._version for tensor in tensors]
    except RuntimeError:  # those made in inference mode have none
        versions = [_version(tensor) for tensor in tensors]
    return (*map(id, tensors), *map(Tensor.data_ptr, tensors), *versions, *map(_is_in_place, modules))


def _is_in_place(module: nn.Module) -> bool:
    has_flag = "inplace" in vars(module) or hasattr(type(module), "inplace")  # a failed lookup on the module itself is slow
    return has_flag and bool(module.inplace)


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def not_finite(network: nn.Module) -> tuple[str, ...]:
    """Names of the parameters and buffers that contain NaN or infinity."""
    return tuple(name for name, tensor in named_tensors(network) if not all_finite(tensor))


def all_finite(values: Tensor) -> bool:
    """Whether a tensor holds neither NaN nor infinity; a tenth of the time of torch.isfinite, which makes three others."""
    if values.is_complex() or values.numel() == 0:
        return bool(torch.isfinite(values).all())
    low, high = values.aminmax()  # both are NaN if any value is
    return bool(torch.isfinite(low) & torch.isfinite(high))


def network_device(network: nn.Module) -> torch.device:
    """The device of the weights of a network; the CPU for one without any."""
    return next((tensor.device for _, tensor in named_tensors(network)), torch.device("cpu"))


def check_finite_weights(network: nn.Module) -> None:
    """Raise NetworkError if a weight is NaN or infinite."""
    broken = not_finite(network)
    if broken:
        raise NetworkError(f"network: {few_names(broken, 3)} contains NaN or infinity; load weights that are finite")
