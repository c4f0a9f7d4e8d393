"""The device that networks run on, and how many CPU cores PyTorch takes."""

import os

import torch

from explain_lib.base.errors import InputError


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name, such as "cpu", "cuda" or "cuda:1"; for None a GPU if there is one, else the CPU.

    Raises InputError for a name that is not a device, and for a device that this machine does not have.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    right = "cpu, or cuda where there is a GPU, would be right"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device: {name!r} is no device; {right}") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device: {name!r} is not supported; {right}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device: this machine has {torch.cuda.device_count()} GPUs that PyTorch can use, not {name!r}; {right}"
        )
    return device


def spare_cores() -> None:
    """Limit PyTorch to half of the cores, at least one, in this thread and in those that start later.

    Small networks gain little from more, and the threads that serve the pages meanwhile need the other half.
    """
    half = max(1, (os.cpu_count() or 1) // 2)
    if torch.get_num_threads() > half:
        torch.set_num_threads(half)
