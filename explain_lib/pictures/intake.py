"""What a network takes of a picture of any size, and how the picture becomes that: by resizing, or by a transform.

A transform of the caller's goes from a picture to the input of a network: torchvision's, timm's, or any function. What the
network sees of a picture is shown with mean and std taken back, and a box says where it lies in the picture.
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from explain_lib.base.errors import InputError
from explain_lib.base.sheets import Sheet
from explain_lib.pictures.bands import read_bands, read_signal, read_volume
from explain_lib.pictures.channels import in_channels
from explain_lib.pictures.files import Fit, Window, fit_picture
from explain_lib.pictures.geometry import Box, box_of_parts, fitted_box, measured_box
from explain_lib.pictures.pixels import rounded_pixels, to_pixels
from explain_lib.pictures.rendering import Picture

Function = Callable[..., object]
PROBE = (97, 131)
"""Height and width of the picture on which a transform is tried: a shape that no network takes."""
BEYOND = 1.0
"""How far, in steps of 255, numbers may lie outside of 0 to 255 once mean and std are taken back."""


@dataclass(frozen=True, eq=False)
class PictureTransform:
    """A transform with the mean and std that it ends with, one number for each of its channels.

    size: (height, width) of what it gives; None as long as it was not tried. blue_first: whether it gives BGR. identity: one
    for each transform.
    """

    function: Function
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int] | None = None
    blue_first: bool = False
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def channels(self) -> int:
        """How many channels the network takes."""
        return len(self.mean)

    def tried(self) -> "PictureTransform":
        """The transform with the size that it gives a picture.

        Raises InputError if it fails, gives anything but a tensor (channels, H, W), or another one the second time.
        """
        chance = np.random.default_rng(0).integers(0, 256, (*PROBE, 3), np.uint8)
        probe = in_channels(chance, self.channels)
        first, second = self.batch(probe), self.batch(probe)
        if first.shape != second.shape or not torch.equal(first, second):
            raise InputError(
                "transform: it gives a different result for the same picture the second time; the transform for testing, "
                "without anything random, would be right"
            )
        self.pixels(probe)
        return replace(self, size=(first.shape[2], first.shape[3]))

    def batch(self, picture: NDArray[np.uint8]) -> Tensor:
        """The network's input float32 (1, C, H, W) from a picture uint8 (height, width, C). Raises InputError if it fails."""
        made = self._called(picture)
        right = f"a float tensor ({self.channels}, height, width) would be right"
        if not isinstance(made, Tensor):
            raise InputError(f"transform: it gives a {type(made).__name__}; {right}")
        if made.dim() != 3 or made.shape[0] != self.channels or not made.is_floating_point():
            raise InputError(f"transform: it gives a tensor of {made.dtype} of shape {tuple(made.shape)}; {right}")
        if self.size is not None and tuple(made.shape[1:]) != self.size:
            found, wanted = (f"{height} x {width}" for height, width in (tuple(made.shape[1:]), self.size))
            raise InputError(f"transform: it gives {found} for this picture, and {wanted} for others; one size would be right")
        return made.detach()[None].to(torch.float32)

    def pixels(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the network sees of a picture, with mean and std taken back and rounded: uint8 (H, W, C).

        Raises InputError as batch does, and for numbers that cannot be pixels with this mean and std.
        """
        values = to_pixels(self.batch(picture), self.mean, self.std)[0]
        low, high = float(values.min()), float(values.max())
        if not (low >= -BEYOND and high <= 255 + BEYOND):
            raise InputError(
                f"transform: with mean and std taken back it gives {round(low / 255, 3)} to {round(high / 255, 3)}, where "
                "pixels lie between 0 and 1; the transform's own mean and std would be right"
            )
        return rounded_pixels(values[..., ::-1] if self.blue_first else values)

    def box(self, picture: tuple[int, int]) -> Box | None:
        """Where what the network sees lies in a picture of that size (height, width); None if it cannot be told.

        Computed from torchvision's own parts, else measured with ramps of grey.
        """
        parts = _parts(self.function)
        found = None if parts is None else box_of_parts(parts, picture)
        return found or measured_box(
            lambda shown: self.batch(in_channels(shown, self.channels))[0].double().mean(0).numpy(), picture
        )

    def _called(self, picture: NDArray[np.uint8]) -> object:
        """What the function makes of a picture of Pillow's, or of an array, if it takes no picture."""
        if picture.shape[2] not in (1, 3, 4):
            return self._or_why(picture.copy(), None)
        try:
            return self.function(Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture))
        except Exception as error:  # the caller's code may raise anything; the array may be what it takes
            return self._or_why(picture.copy(), error)

    def _or_why(self, array: NDArray[np.uint8], before: Exception | None) -> object:
        """What the function makes of an array. before: why it failed on the same as a picture, which is said if this fails."""
        try:
            return self.function(array)
        except Exception as error:  # the caller's code may raise anything
            why, (height, width) = before or error, array.shape[:2]
            raise InputError(
                f"transform: it fails on a picture of {height} x {width} ({type(why).__name__}: {why}); a function from a PIL "
                "picture, or an array uint8 (H, W, C), to a tensor would be right"
            ) from why


def normalisation_of(function: Function) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and std of the last Normalize in a transform; None without one that can be found."""
    for part in reversed(_parts(function) or []):
        if type(part).__name__ == "Normalize":
            mean, std = (getattr(part, name, None) for name in ("mean", "std"))
            if mean is not None and std is not None:
                return _numbers(mean), _numbers(std)
    return None


def _numbers(values: Sequence[float] | Tensor) -> tuple[float, ...]:
    return tuple(float(value) for value in torch.as_tensor(values, dtype=torch.float64).flatten())


def _parts(function: object) -> list[object] | None:
    """The parts of a Compose, those of its own parts included; None for another function."""
    held = getattr(function, "transforms", None)
    if held is None and isinstance(function, nn.Sequential):
        held = list(function)
    if isinstance(held, Sequence) and not isinstance(held, str):
        found: list[object] = []
        for part in held:
            found += _parts(part) or [part]
        return found
    return _preset(function) if type(function).__name__ == "ImageClassification" else None


def _preset(function: object) -> list[object]:
    """The parts of the transform that torchvision publishes with its weights."""
    from torchvision.transforms import CenterCrop, Normalize, Resize

    given = {name: getattr(function, name) for name in ("resize_size", "crop_size", "mean", "std")}
    return [Resize(given["resize_size"]), CenterCrop(given["crop_size"]), Normalize(given["mean"], given["std"])]


# Section: resizing, or the transform


@dataclass(frozen=True)
class Intake:
    """How a picture of any size becomes what a network sees, uint8 (H, W, C).

    size: (height, width). channels: 3 for RGB, 1 for grey, or as many as the files hold. fit: see fit_picture; a transform
    takes its place. window: for numbers of more than 8 bits, None for each picture's own range; see read_bands. sheet: for a
    network of volumes or signals, whose sheets have that size; None for one of pictures. Files hold volumes or signals then,
    a picture stands for a volume whose slices are all that picture, or for a signal of the means of its columns.
    """

    size: tuple[int, int]
    channels: int = 3
    fit: Fit = "crop"
    window: Window | None = None
    transform: PictureTransform | None = None
    sheet: Sheet | None = None

    @property
    def is_usual(self) -> bool:
        """Whether it is RGB, resized and cropped, as fit_picture does it by itself."""
        return self == Intake(self.size)

    @property
    def identity(self) -> str:
        """The same for two that make the same of every file."""
        made = None if self.transform is None else self.transform.identity
        of = "" if self.sheet is None else f" {self.sheet.size}"
        return f"{self.size}" if self.is_usual else f"{self.size} {self.channels} {self.fit} {self.window} {made}{of}"

    def read(self, content: bytes) -> Picture:
        """The picture in a file as the network sees it. Raises as read_bands and fitted do."""
        return self.fitted(self.decode(content))

    def decode(self, content: bytes) -> Picture:
        """The whole picture in a file, with the network's channels: uint8 (height, width, C). Raises as read_bands does.

        Of volumes and signals already the sheet, of the network's size; see read_volume and read_signal.
        """
        if self.sheet is None:
            return read_bands(content, self.channels, self.window)
        if self.sheet.is_volume:
            volume = read_volume(content, self.channels, self.sheet.slices, self.window)
            return np.concatenate([fit_picture(one, self.sheet.one, self.fit) for one in volume])
        return read_signal(content, self.channels, self.sheet.picture[1], self.window)

    def fitted(self, picture: NDArray[np.uint8]) -> Picture:
        """A whole picture uint8 (height, width, C) as the network sees it. Raises InputError if a transform fails on it."""
        if self.sheet is not None:
            return self._still(picture, self.sheet)
        return fit_picture(picture, self.size, self.fit) if self.transform is None else self.transform.pixels(picture)

    def _still(self, picture: NDArray[np.uint8], sheet: Sheet) -> Picture:
        """The sheet of a still picture; a sheet of this size stays as it is."""
        if picture.shape[:2] == self.size:
            return picture
        if sheet.is_volume:
            return np.tile(fit_picture(picture, sheet.one, self.fit), (sheet.slices, 1, 1))
        return fit_picture(picture, sheet.one, "stretch")

    def from_rgb(self, picture: NDArray[np.uint8]) -> Picture:
        """An RGB picture uint8 (height, width, 3) as the network sees it; see in_channels."""
        return self.fitted(in_channels(picture, self.channels))

    def box(self, picture: tuple[int, int]) -> Box | None:
        """Where what the network sees lies in a picture of that size (height, width); None if a transform hides it."""
        if self.sheet is not None:
            return None
        return fitted_box(picture, self.size, self.fit) if self.transform is None else self.transform.box(picture)

    def with_fit(self, fit: Fit, window: Window | None) -> "Intake":
        """The same with another fit, which a transform leaves without effect, and another window."""
        return replace(self, fit=fit if self.transform is None else "crop", window=window)

    @property
    def words(self) -> str:
        """How a picture becomes the input, in words for the middle of a sentence."""
        if self.transform is not None:
            return "made by the transform of the network"
        if self.sheet is not None and not self.sheet.is_volume:
            return f"brought to {self.size[1]:,} samples of 256 steps each"
        height, width = self.size if self.sheet is None else self.sheet.one
        inner = "resized to fill {} × {}; the middle {} × {} is kept"
        return {
            "crop": f"resized to fill {height} × {width}; the rest is cut off",
            "inner": inner.format(round(height * 8 / 7), round(width * 8 / 7), height, width),
            "pad": f"resized to fit into {height} × {width}, between black bars",
            "stretch": f"resized to {height} × {width}, with changed proportions",
        }[self.fit]


def set_identity(of: str, intake: Intake) -> str:
    """SHA-256, in hex, of a set of pictures as a network takes them. of: the identity of the pictures."""
    return hashlib.sha256(f"{of} {intake.identity}".encode()).hexdigest()
