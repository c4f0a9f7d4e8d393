"""A file that is written whole or not at all."""

import os
import pickle
import struct
from contextlib import suppress
from pathlib import Path

import torch

from explain_lib.base.errors import DataError
from explain_lib.base.words import error_words


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file by the content; whoever reads it meanwhile sees the old one or the new one.

    Raises DataError if it cannot be written; then nothing of it is left, and the old one is as it was.
    """
    new = path.with_name(path.name + ".new.part")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error}); name another file, or make room") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


# Section: Files of tensors, read without running anything that is in them.

UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    pickle.UnpicklingError,
    struct.error,
)
"""What PyTorch raises on a file that is damaged, cut short, of another kind, or holds more than plain data."""


def read_tensors(path: Path) -> object:
    """What torch.save wrote, on the CPU: tensors and plain containers only.

    Raises DataError if the file cannot be read, or holds anything else.
    """
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except UNREADABLE as error:
        raise DataError(f"{path} is damaged, or holds more than tensors ({error_words(error)})") from error


def write_tensors(state: object, path: Path) -> None:
    """What read_tensors reads: torch.save, whole or not at all.

    Raises DataError if it cannot be written; then nothing of it is left, and an old file of that name is as it was.
    """
    new = path.with_suffix(".part")  # torch.save puts the name without its ending into the file
    try:
        torch.save(state, new)
        new.replace(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: what PyTorch's own writer raises where the disk is full
        raise DataError(f"{path} cannot be written ({error_words(error)}); name another folder, or make room") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
