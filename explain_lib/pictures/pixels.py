"""Checks of pixels, indices and positions, and the conversion of pixels to the input of a network."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError, kind_of
from explain_lib.base.memory import enough_memory

Images: TypeAlias = NDArray[np.uint8] | Tensor
"""A batch: pixels uint8 (N, H, W, C), or a float tensor (N, C, H, W) that is normalised already, as from a DataLoader."""


def check_pixels(
    pixels: object, input_size: tuple[int, int], argument: str = "pixels", *, channels: int = 3
) -> NDArray[np.uint8]:
    """The pixels themselves, uint8 (N, H, W, channels). Raises InputError, naming the argument, for anything else."""
    height, width = input_size
    right = f"uint8 of shape (N, {height}, {width}, {channels}) would be right"
    if isinstance(pixels, Tensor):
        raise InputError(f"{argument}: a Tensor, where pixels are needed; {right}, as Model.to_pixels gives them")
    if not isinstance(pixels, np.ndarray):
        raise InputError(f"{argument}: a {type(pixels).__name__}; a NumPy array, {right}")
    if pixels.dtype != np.uint8:
        broken = " and contains NaN" if pixels.dtype.kind == "f" and bool(np.isnan(pixels).any()) else ""
        also = "; what is normalised already may come as a torch.Tensor (N, C, H, W)" if pixels.dtype.kind == "f" else ""
        raise InputError(f"{argument}: the dtype is {pixels.dtype}{broken}; {right}{also}")
    if pixels.ndim != 4 or pixels.shape[3] != channels:
        raise InputError(f"{argument}: the shape is {pixels.shape}; {right}")
    _check_extent(pixels.shape[:3], input_size, argument, right)
    return pixels


def check_images(
    images: object, input_size: tuple[int, int], argument: str = "pixels", *, channels: int = 3
) -> NDArray[np.uint8] | Tensor:
    """The batch itself, see Images. Raises InputError, naming the argument, for anything else."""
    if not isinstance(images, Tensor):
        return check_pixels(images, input_size, argument, channels=channels)
    height, width = input_size
    right = f"a float tensor of shape (N, {channels}, {height}, {width}), normalised, would be right"
    if not images.is_floating_point():
        raise InputError(f"{argument}: a tensor of {images.dtype}; {right}, or pixels as a NumPy array of uint8")
    if images.dim() != 4 or images.shape[1] != channels:
        raise InputError(f"{argument}: the shape is {tuple(images.shape)}; {right}")
    _check_extent((len(images), images.shape[2], images.shape[3]), input_size, argument, right)
    if not bool(torch.isfinite(images).all()):
        raise InputError(f"{argument}: the tensor contains NaN or infinity; numbers that are finite would be right")
    return images


def _check_extent(extent: tuple[int, ...], input_size: tuple[int, int], argument: str, right: str) -> None:
    count, height, width = extent
    if (height, width) != input_size:
        raise InputError(f"{argument}: the pictures are {height} x {width}; {right}, nothing is resized here")
    if count == 0:
        raise InputError(f"{argument}: the batch is empty; at least one picture would be right")


def check_pictures(pixels: object, least: int, *, rgb: bool = False) -> None:
    """Raise InputError for anything but pictures uint8 (N, H, W, C) of at least `least` pixels on each side.

    rgb: whether they must have three channels.
    """
    right = f"uint8 of shape (N, H, W, {3 if rgb else 'C'}) would be right"
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 4 or (rgb and pixels.shape[3] != 3):
        raise InputError(f"pixels: {kind_of(pixels)}; {right}")
    height, width = pixels.shape[1:3]
    if min(height, width) < least:
        raise InputError(f"pixels: the pictures are {height} x {width}; at least {least} x {least} would be right")


def as_batch(picture: object, input_size: tuple[int, int], *, channels: int = 3) -> NDArray[np.uint8] | Tensor:
    """One picture, uint8 (H, W, C) or a float tensor (C, H, W), as a batch of one. Raises InputError for anything else."""
    if isinstance(picture, Tensor) and picture.dim() == 3:
        return check_images(picture[None], input_size, "picture", channels=channels)
    if not isinstance(picture, np.ndarray) or picture.ndim != 3:
        shape = tuple(picture.shape) if isinstance(picture, np.ndarray | Tensor) else None
        found = f"a {type(picture).__name__}" if shape is None else f"the shape is {shape}"
        raise InputError(f"picture: {found}; one picture, uint8 of shape (H, W, {channels}), would be right")
    return check_pixels(picture[None], input_size, "picture", channels=channels)


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
    """uint8 (N, H, W, C) to the network's input, float32 (N, C, H, W): (pixels / 255 - mean) / std.

    Raises TooLargeError if there is not enough memory.
    """
    shortage = enough_memory(f"pixels: {pixels.shape[0]:,} pictures of {pixels.shape[1]} x {pixels.shape[2]} as float32")
    with shortage, torch.inference_mode(False):  # a tensor made in inference mode could never take part in a gradient
        return normalise(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy()).to(device), mean, std)


def normalise(pixels: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """uint8 (N, C, H, W) to float32 (N, C, H, W): (pixels / 255 - mean) / std, in the order in which torchvision does it."""
    shift, scale = _for_each_channel(mean, pixels.device), _for_each_channel(std, pixels.device)
    return pixels.to(torch.float32).div_(255).sub_(shift).div_(scale)


@lru_cache(maxsize=64)
def _for_each_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # it is kept for passes outside inference mode
        return torch.tensor(values, device=device).view(1, -1, 1, 1)


def to_pixels(batch: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """The network's input float32 (N, C, H, W) on the scale of pixels, float32 (N, H, W, C): (batch * std + mean) * 255."""
    shares = batch.detach().cpu().float().numpy().transpose(0, 2, 3, 1) * np.array(std, np.float32) + np.array(mean, np.float32)
    return np.asarray(shares * 255, dtype=np.float32)


def rounded_pixels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Numbers on the scale of pixels as uint8: rounded, and cut to 0 .. 255."""
    return np.asarray(np.rint(np.clip(values, 0, 255)), dtype=np.uint8)
