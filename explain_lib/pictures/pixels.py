"""Checks of pixels, indices and positions, and the conversion of pixels to the input of a network."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.memory import enough_memory


def check_pixels(pixels: object, input_size: tuple[int, int], argument: str = "pixels") -> NDArray[np.uint8]:
    """The pixels themselves, uint8 (N, H, W, 3). Raises InputError, naming the argument, for anything else."""
    height, width = input_size
    right = f"uint8 of shape (N, {height}, {width}, 3) would be right"
    if not isinstance(pixels, np.ndarray):
        raise InputError(f"{argument}: a {type(pixels).__name__}; a NumPy array, {right}")
    if pixels.dtype != np.uint8:
        broken = " and holds NaN" if pixels.dtype.kind == "f" and bool(np.isnan(pixels).any()) else ""
        raise InputError(f"{argument}: the dtype is {pixels.dtype}{broken}; {right}")
    if pixels.ndim != 4 or pixels.shape[3] != 3:
        raise InputError(f"{argument}: the shape is {pixels.shape}; {right}")
    if pixels.shape[1:3] != (height, width):
        raise InputError(
            f"{argument}: the pictures are {pixels.shape[1]} x {pixels.shape[2]}; {right}, nothing is resized here"
        )
    if len(pixels) == 0:
        raise InputError(f"{argument}: the batch is empty; at least one picture would be right")
    return pixels


def check_pictures(pixels: object, least: int) -> None:
    """Raise InputError for anything but pictures uint8 (N, H, W, 3) of at least `least` pixels on each side."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[3] != 3:
        raise InputError(f"pixels: {kind_of(pixels)}; uint8 of shape (N, H, W, 3) would be right")
    height, width = pixels.shape[1:3]
    if min(height, width) < least:
        raise InputError(f"pixels: the pictures are {height} x {width}; at least {least} x {least} would be right")


def as_batch(picture: object, input_size: tuple[int, int]) -> NDArray[np.uint8]:
    """One picture, uint8 (H, W, 3), as a batch of one. Raises InputError for anything else."""
    if not isinstance(picture, np.ndarray) or picture.ndim != 3:
        found = f"the shape is {picture.shape}" if isinstance(picture, np.ndarray) else f"a {type(picture).__name__}"
        raise InputError(f"picture: {found}; one picture, uint8 of shape (H, W, 3), would be right")
    return check_pixels(picture[None], input_size, "picture")


def check_index(index: object, count: int) -> int:
    """The index itself, of one of `count` pictures. Raises InputError for anything else."""
    if not isinstance(index, int | np.integer) or isinstance(index, bool) or not 0 <= index < count:
        raise InputError(f"index: {index!r}; a whole number from 0 to {count - 1} would be right")
    return int(index)


def check_positions(
    images: Sequence[int] | NDArray[np.int64], count: int, least: int = 1, argument: str = "images"
) -> NDArray[np.int64]:
    """The positions of some of `count` pictures as int64 (K,), in the order given.

    Raises InputError, naming the argument, for fewer than `least`, for anything but whole numbers from 0 to count - 1, and
    for a position that occurs twice.
    """
    chosen = np.asarray(images)
    if chosen.ndim != 1 or len(chosen) < least or chosen.dtype.kind not in "iu":
        few = "one position" if least == 1 else f"{least} positions"
        raise InputError(f"{argument}: at least {few} of pictures, as whole numbers, would be right")
    if chosen.min() < 0 or chosen.max() >= count or len(np.unique(chosen)) < len(chosen):
        raise InputError(f"{argument}: positions from 0 to {count - 1}, each at most once, would be right")
    return chosen.astype(np.int64)


def to_input(pixels: NDArray[np.uint8], mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> Tensor:
    """uint8 (N, H, W, 3) to the network's input, float32 (N, 3, H, W): (pixels / 255 - mean) / std.

    Raises TooLargeError if there is not enough memory.
    """
    shortage = enough_memory(f"pixels: {pixels.shape[0]:,} pictures of {pixels.shape[1]} x {pixels.shape[2]} as float32")
    with shortage, torch.inference_mode(False):  # a tensor made in inference mode could never take part in a gradient
        return normalise(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(device), mean, std)


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (N, 3, H, W) to float32 (N, 3, H, W): (pixels / 255 - mean) / std, in the order in which torchvision does it."""
    shift, scale = _for_each_channel(mean, pixels.device), _for_each_channel(std, pixels.device)
    return pixels.to(torch.float32).div_(255).sub_(shift).div_(scale)


@lru_cache(maxsize=64)
def _for_each_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # it is kept for passes outside inference mode
        return torch.tensor(values, device=device).view(1, -1, 1, 1)
