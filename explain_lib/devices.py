"""Where networks run: a GPU if there is one, else the CPU."""

import torch

from explain_lib.errors import InputError


def choose_device(name: str | None = None) -> torch.device:
    """The device of that name, such as "cpu", "cuda" or "cuda:1"; for None a GPU if there is one, the CPU else.

    Raises InputError for a name that is no device, and for a device that this machine does not have.
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
