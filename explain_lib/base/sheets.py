"""Volumes and signals as sheets: a volume's slices one below the other in one picture, a signal as a picture of one row.

All that is computed of pictures is computed of sheets; the network itself is run on the volume or the signal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy
from torch.nn import functional

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map


@dataclass(frozen=True)
class Sheet:
    """The input of a network of volumes or signals. size: (slices, height, width), or (samples,)."""

    size: tuple[int, ...]

    @property
    def is_volume(self) -> bool:
        """Whether the input is a volume; else it is a signal."""
        return len(self.size) == 3

    @property
    def slices(self) -> int:
        """The number of slices; 1 for a signal."""
        return self.size[0] if self.is_volume else 1

    @property
    def picture(self) -> tuple[int, int]:
        """(height, width) of the sheet, the input size of the model."""
        slices, height, width = self.size if self.is_volume else (1, 1, *self.size)
        return slices * height, width

    @property
    def one(self) -> tuple[int, int]:
        """(height, width) of one slice; (1, samples) of a signal."""
        return self.picture[0] // self.slices, self.picture[1]

    def opened(self, batch: Tensor) -> Tensor:
        """Sheets (N, C, slices * height, width) as the network takes them: (N, C, slices, height, width) or (N, C, samples)."""
        return batch.unflatten(2, (self.slices, -1)) if self.is_volume else batch.squeeze(2)

    def closed(self, values: object) -> NDArray[np.uint8] | Tensor:
        """Volumes or signals as sheets, the pixels that the library takes.

        values: uint8 (N, slices, height, width, C) or (N, samples, C), or a normalised float tensor (N, C, slices, height,
        width) or (N, C, samples). Gives uint8 (N, H, W, C) or a tensor (N, C, H, W), with (H, W) = `picture`. Raises
        InputError for anything else.
        """
        axes = len(self.size)
        if isinstance(values, Tensor) and values.dim() == axes + 2 and tuple(values.shape[2:]) == self.size:
            return values.reshape(*values.shape[:2], *self.picture)
        if isinstance(values, np.ndarray) and values.ndim == axes + 2 and values.shape[1:-1] == self.size:
            return values.reshape(len(values), *self.picture, values.shape[-1])
        found = f"the shape is {tuple(values.shape)}" if isinstance(values, Tensor | np.ndarray) else type(values).__name__
        sides = ", ".join(map(str, self.size))
        raise InputError(f"values: {found}; uint8 (N, {sides}, C), or a float tensor (N, C, {sides}), would be right")

    def by_slice(self, values: Map, slices: int | None = None) -> Map:
        """Maps of a sheet (..., slices * h, w) as (..., slices, h, w). slices: of the maps, None for those of the input."""
        count = self.slices if slices is None else slices
        return values.reshape(*values.shape[:-2], count, -1, values.shape[-1])

    def enlarged(self, maps: Map, slices: int, mode: str) -> Map:
        """Maps float32 (N, slices * h, w) at the size of the sheet, (N, H, W).

        A volume's are enlarged over all three axes at once, so that no cell reaches over the edge of its slice into the rows of
        the next. mode: "trilinear" or "nearest", PyTorch's interpolate with align_corners=False.
        """
        volume = from_numpy(np.array(self.by_slice(maps, slices), np.float32))[:, None]
        size = [self.slices, *self.one]
        large = functional.interpolate(volume, size, mode=mode, align_corners=None if mode == "nearest" else False)
        return np.asarray(large.numpy().reshape(len(maps), *self.picture))

    def over_slices(self, values: Map, slices: int) -> Map:
        """A map (slices * h, w) with a grid for each slice of the input: float32 (input slices, h, w).

        Between the middles of its own slices it is linear, as `enlarged` has it; rows and columns stay those of the grid.
        """
        own = np.array(self.by_slice(values, slices), np.float32)
        volume = from_numpy(own)[None, None]
        size = [self.slices, *own.shape[1:]]
        return np.asarray(functional.interpolate(volume, size, mode="trilinear", align_corners=False)[0, 0].numpy())


def sheet_of_size(size: tuple[int, ...]) -> Sheet | None:
    """The sheet for an input size as it is given: three numbers for a volume, one for a signal; None for a picture's two."""
    return None if len(size) == 2 else Sheet(size)


def picture_size(size: tuple[int, ...]) -> tuple[int, int]:
    """(height, width) of the pictures for an input size as it is given, of volumes and signals that of their sheets."""
    sheet = sheet_of_size(size)
    return (size[0], size[1]) if sheet is None else sheet.picture


def size_words(size: tuple[int, ...]) -> str:
    """(16, 112, 112) as "16 × 112 × 112", (512,) as "512 samples"."""
    return f"{size[0]:,} samples" if len(size) == 1 else " × ".join(map(str, size))
