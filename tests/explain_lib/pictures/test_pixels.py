"""Pictures on their way into the network."""

from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import Compose, Normalize, ToTensor

from explain_lib.base.errors import InputError
from explain_lib.pictures.pixels import check_positions, to_input

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


WRONG = [
    ([], "at least one"),
    ([[0]], "at least one"),
    ([0.5], "whole numbers"),
    ([0, 4], "from 0 to 3"),
    ([-1], "from 0 to 3"),
    ([1, 1], "at most once"),
]


@pytest.mark.parametrize(("chosen", "words"), WRONG)
def test_positions_outside_the_set_and_repeated_ones_are_refused(chosen: Any, words: str) -> None:
    with pytest.raises(InputError, match=f"^images: .*{words}"):
        check_positions(chosen, 4)
