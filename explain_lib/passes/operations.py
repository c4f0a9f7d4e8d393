"""Watching PyTorch's operations while a network runs."""

from collections.abc import Iterable
from typing import TypeAlias, TypeGuard

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Operator: TypeAlias = "torch._ops.OpOverload[..., object]"


class Watching(TorchDispatchMode):
    """A context in which every operation of this thread passes through `__torch_dispatch__`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch's own lacks types

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """PyTorch's own switch: nothing is compiled here, and to import its compiler takes more than a second."""
        return False


def operator_name(func: Operator) -> str:
    """The name of an operation, without its overload: "conv2d"."""
    return str(func.overloadpacket.__name__)


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Whether a value is a tensor."""
    return isinstance(value, Tensor)


def flat(values: Iterable[object]) -> list[object]:
    """The values, with lists and tuples taken apart."""
    found: list[object] = []
    for value in values:
        found += flat(value) if isinstance(value, list | tuple) else [value]
    return found
