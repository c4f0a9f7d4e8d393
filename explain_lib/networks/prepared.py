"""A picture of any size, as a network sees it, and the way of its maps back onto the whole picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.maps import Map
from explain_lib.networks.model import Model, check_model
from explain_lib.pictures.channels import in_channels
from explain_lib.pictures.files import Fit, Window
from explain_lib.pictures.geometry import Box


@dataclass(frozen=True)
class Prepared(Frozen):
    """A picture, and what a network takes of it.

    picture: the whole picture, uint8 (height, width, C). pixels: the part that the network sees, uint8 (1, H, W, C), which the
    pages show; where a transform gives fractions of a step of 255, rounded. batch: the network's input, float32 (1, C, H, W),
    not rounded. box: where that part lies in the picture, None if it cannot be told.
    """

    picture: NDArray[np.uint8]
    pixels: NDArray[np.uint8]
    batch: Tensor
    box: Box | None

    def on_whole(self, values: Map) -> Map:
        """A map of the part, (h, w) of any grid, on the whole picture: float32 (height, width), NaN where it is not seen.

        Raises InputError where it cannot be told which part the transform takes, and for anything but a map.
        """
        if self.box is None:
            raise InputError(
                "values: it is unknown where the transform looks: it turns, mirrors or bends pictures; a transform of "
                "resizing, cropping and padding would be right"
            )
        return self.box.on_whole(values)


def prepare(model: Model, picture: NDArray[np.uint8] | bytes, fit: Fit = "crop", window: Window | None = None) -> Prepared:
    """What a network takes of a picture of any size: by its own transform, or resized as fit_picture does.

    picture: uint8 (height, width, C), RGB for three channels, also for a network of one, which sees their grey; or the content
    of a file. fit, window: as for Model.intake. Raises InputError for anything else, and for a transform that fails on it.
    """
    intake = check_model(model).intake(fit, window)
    whole = intake.decode(picture) if isinstance(picture, bytes) else _checked(picture, model.channels)
    pixels = intake.fitted(whole)[None]
    batch = model.to_input(pixels if model.transform is None else model.transform.batch(whole))
    return Prepared(whole, pixels, batch, intake.box((whole.shape[0], whole.shape[1])))


def _checked(picture: object, channels: int) -> NDArray[np.uint8]:
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3 and picture.size:
        if picture.shape[2] == channels:
            return picture
        if (picture.shape[2], channels) == (3, 1):
            return in_channels(picture, 1)
    found = f"{picture.dtype} of shape {picture.shape}" if isinstance(picture, np.ndarray) else f"a {type(picture).__name__}"
    raise InputError(f"picture: {found}; uint8 of shape (height, width, {channels}), or the content of a file, would be right")
