"""Pictures on their way into the network."""

import numpy as np
import torch
from torchvision.transforms import Compose, Normalize, ToTensor

from explain_lib.pictures.pixels import to_input

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def test_the_input_is_torchvisions_to_the_bit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    prepare = Compose([ToTensor(), Normalize(MEAN, STD)])
    expected = torch.stack([prepare(picture) for picture in pixels])
    assert torch.equal(to_input(pixels, MEAN, STD, torch.device("cpu")), expected)


def test_the_pictures_stay_as_they_are() -> None:
    pixels = np.full((1, 2, 2, 3), 7, dtype=np.uint8)
    pixels.flags.writeable = False
    to_input(pixels, MEAN, STD, torch.device("cpu"))
    assert (pixels == 7).all()


def test_the_input_can_take_part_in_a_gradient_also_when_made_in_inference_mode() -> None:
    with torch.inference_mode():
        batch = to_input(np.zeros((1, 2, 2, 3), np.uint8), MEAN, STD, torch.device("cpu"))
    assert not batch.is_inference()
