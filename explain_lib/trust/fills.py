"""What stands in the place of removed pixels, in the network's input: mid grey, or the blurred picture."""

import cv2
import numpy as np
import torch
from torch import Tensor

BLUR_SIZE, BLUR_SIGMA = 11, 5.0
"""RISE's own kernel for its blurred canvas (arXiv 1806.07421), in pixels."""


def grey_fill(batch: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Mid grey, half of white, in place of every pixel of float32 (N, C, H, W)."""
    grey = torch.tensor([(0.5 - shift) / scale for shift, scale in zip(mean, std, strict=True)], dtype=torch.float32)
    return grey.to(batch.device).view(1, -1, 1, 1).expand_as(batch)


def blur_fill(batch: Tensor) -> Tensor:
    """The pictures blurred by a Gaussian of 11 x 11 pixels and deviation 5, mirrored at the border (OpenCV's default)."""
    pictures = np.ascontiguousarray(batch.cpu().numpy().transpose(0, 2, 3, 1))
    blurred = np.stack([cv2.GaussianBlur(one, (BLUR_SIZE, BLUR_SIZE), BLUR_SIGMA) for one in pictures])
    whole = blurred.reshape(pictures.shape)  # OpenCV leaves out the axis of a single channel
    return torch.from_numpy(whole.transpose(0, 3, 1, 2).copy()).to(batch.device)
