"""What the network sees while pixels are removed: the pictures behind a point of a deletion, insertion or ROAD curve."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError
from explain_lib.networks.model import Model, check_model
from explain_lib.pictures.pixels import check_pixels, to_input
from explain_lib.pictures.rendering import Picture
from explain_lib.trust.faithfulness import STEPS, Fill, Orders, blur_fill, grey_fill, impute_linearly, noise_of


def removal_pictures(
    model: Model,
    picture: Picture,
    image: int,
    order: Orders,
    fill: Fill,
    steps: Sequence[int],
    *,
    from_last: bool = False,
) -> NDArray[np.uint8]:
    """A picture uint8 (H, W, 3) with k/16 of its pixels removed, for each k of `steps`: uint8 (len(steps), H, W, 3).

    image: its position in its set, to which ROAD's noise belongs. order: int64 (H * W,), the place of each pixel, see
    pixel_ranks. from_last: whether the last in order go first. The network is asked with float32; here that is rounded to
    whole numbers, and cut to 0 .. 255, which only noise can exceed. Raises InputError for steps outside 0 .. 16, and for all
    16 of them with noisy linear imputation, which needs a pixel to start from.
    """
    batch = to_input(check_pixels(picture[None], check_model(model).input_size), model.mean, model.std, torch.device("cpu"))
    last = STEPS - 1 if fill == "noisy-linear" else STEPS
    if not all(0 <= step <= last for step in steps):
        raise InputError(f"steps: {tuple(steps)}; whole numbers from 0 to {last}, in sixteenths of the pixels, would be right")
    place = order.size - 1 - order if from_last else order
    holes = [(place < round(step * order.size / STEPS)).reshape(picture.shape[:2]) for step in steps]
    filled = torch.cat([_filled(model, batch, image, missing, fill) for missing in holes])
    return _pixels(filled, model)


def _filled(model: Model, batch: Tensor, image: int, missing: NDArray[np.bool_], fill: Fill) -> Tensor:
    """The network's input (1, 3, H, W) with the missing pixels filled."""
    if fill == "noisy-linear":
        own = batch[0].numpy()
        return torch.from_numpy(impute_linearly(own, missing) + noise_of(image, own.shape) * missing)[None]
    plain = grey_fill(batch, model.mean, model.std) if fill == "grey" else blur_fill(batch)
    return torch.where(torch.from_numpy(missing), plain, batch)


def _pixels(batch: Tensor, model: Model) -> NDArray[np.uint8]:
    """Normalised input (N, 3, H, W) as pixels uint8 (N, H, W, 3)."""
    shares = batch.numpy().transpose(0, 2, 3, 1) * np.array(model.std, np.float32) + np.array(model.mean, np.float32)
    return np.asarray(np.rint(np.clip(shares * 255, 0, 255)), dtype=np.uint8)
