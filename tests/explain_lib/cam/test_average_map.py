"""The mean map of many images: by hand, and against the mean of Captum's maps."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from plain_torch import captum_signed
from runs import cancelled
from sample_networks import model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl

COUNT = 300  # more than one internal batch of 256


def captum_maps(model: xl.Model, pixels: np.ndarray, layer: str, target: int | None = None) -> np.ndarray:
    """Captum's maps of the predicted class or one class, ReLU included."""
    classes = model.predict(pixels).argmax(1).tolist() if target is None else target
    return captum_signed(model, pixels, layer, classes).clip(min=0)


def mean_of_scaled(maps: np.ndarray) -> np.ndarray:
    """One map after the other, in double precision."""
    total = np.zeros(maps.shape[1:])
    for one in maps.astype(np.float64):
        if one.max() > 0:
            total += one / one.max()
    return total / len(maps)


@pytest.mark.parametrize(("layer", "target"), [("pool1", None), ("conv2", 3)])
def test_the_average_is_the_mean_of_captums_maps_each_by_its_maximum(
    layer: str, target: int | None, tutorial: xl.Model, images: xl.ImageSet
) -> None:
    pixels = images.pixels[:COUNT]
    maps = captum_maps(tutorial, pixels, layer, target)
    found = xl.average_map(tutorial, pixels, layer, target)
    assert found.map.dtype == np.float32
    assert_allclose(found.map, mean_of_scaled(maps), atol=2e-6)
    assert found.zero == (maps.max((1, 2)) == 0).sum()
    assert found.zero > 0 or layer != "pool1"  # or the comparison with Captum would not show how they count
    assert (found.images, found.not_finite) == (COUNT, 0)


def test_the_picture_is_the_rounded_mean_of_the_pictures(tutorial: xl.Model, images: xl.ImageSet) -> None:
    found = xl.average_map(tutorial, images.pixels[:COUNT], "conv2").picture
    sums = images.pixels[:COUNT].astype(np.int64).sum(0)
    assert found.dtype == np.uint8
    assert np.abs(found - sums / COUNT).max() <= 0.5


# ConstantNet, class 0: alpha is (2, -1), the map the positive part of 2 R - G. By its maximum: [[1, .3], [0, 0]] for the
# first picture, [[0, 0], [0, 1]] for the second. Class 1: [[0, 0], [0, 1]] for the first, zero for the second.
@pytest.mark.parametrize(
    ("target", "right", "zero"), [(0, [[0.5, 0.15], [0, 0.5]], 0), (1, [[0, 0], [0, 0.5]], 1)], ids=["zero", "one"]
)
def test_an_average_of_two_is_the_one_worked_out_by_hand(
    target: int, right: list[list[float]], zero: int, constant_model: xl.Model, constant_pixels: np.ndarray
) -> None:
    found = xl.average_map(constant_model, constant_pixels, "conv", target)
    assert_allclose(found.map, right, atol=1e-6)
    assert (found.images, found.zero, found.not_finite) == (2, zero, 0)
    assert found.picture.tolist() == [[[128, 0, 0], [51, 26, 0]], [[26, 51, 0], [51, 128, 0]]]  # 127.5 and 25.5 to even


def test_only_zero_maps_average_to_zero(constant_model: xl.Model, constant_pixels: np.ndarray) -> None:
    found = xl.average_map(constant_model, constant_pixels[[1, 1, 1]], "conv", 1)
    assert_array_equal(found.map, np.zeros((2, 2), np.float32))
    assert (found.images, found.zero) == (3, 3)


class Overflowing(nn.Module):
    """One channel, 2e38 (R + G): infinite for yellow and white, finite for red; logit 0 rises with it, logit 1 falls."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 1, 1, bias=False), nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([[2e38, 2e38, 0.0]])[:, :, None, None])
            self.fc.weight.copy_(torch.tensor([[0.5], [-0.5]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).mean((2, 3)))


@pytest.fixture
def overflowing() -> xl.Model:
    return xl.as_model(Overflowing(), classes=("up", "down"), input_size=(2, 2), mean=(0, 0, 0), std=(1, 1, 1))


RED = np.zeros((2, 2, 3), np.uint8)
RED[..., 0] = [[255, 51], [0, 0]]
BLACK, WHITE = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)


def test_maps_that_are_not_finite_are_counted_and_left_out(overflowing: xl.Model) -> None:
    found = xl.average_map(overflowing, np.stack([RED, WHITE, BLACK, RED, WHITE]), "conv", 0)
    assert (found.images, found.zero, found.not_finite) == (5, 1, 2)
    assert_allclose(found.map, np.array([[1, 0.2], [0, 0]]) * 2 / 3, atol=1e-6)  # two red ones and the black one


def test_maps_that_are_not_finite_are_left_out_of_every_batch(overflowing: xl.Model) -> None:
    pixels = np.stack([WHITE] * 2 + [RED] * 254 + [WHITE] * 3)
    found = xl.average_map(overflowing, pixels, "conv", 0)
    assert (found.images, found.zero, found.not_finite) == (259, 0, 5)
    assert_allclose(found.map, [[1, 0.2], [0, 0]], atol=1e-6)


def test_without_any_finite_map_the_average_is_zero(overflowing: xl.Model) -> None:
    found = xl.average_map(overflowing, np.stack([WHITE, WHITE]), "conv", 0)
    assert_array_equal(found.map, np.zeros((2, 2), np.float32))
    assert (found.images, found.zero, found.not_finite) == (2, 0, 2)


@pytest.mark.parametrize(
    ("count", "right"), [(1, [1]), (256, [256]), (257, [256, 257]), (600, [256, 512, 600])], ids=["1", "256", "257", "600"]
)
def test_progress_tells_the_images_done_after_each_batch(count: int, right: list[int]) -> None:
    told: list[int] = []
    xl.average_map(model_of(seeded(plain)), noise(count), "body.0", progress=told.append)
    assert told == right


def test_the_run_may_end_it_before_each_batch() -> None:
    calls: list[int] = []

    def stop_at_the_second() -> None:
        calls.append(len(calls))
        if len(calls) == 2:
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        cancelled(stop_at_the_second, xl.average_map, model_of(seeded(plain)), noise(600), "body.0")
    assert calls == [0, 1]


def test_what_grad_cam_refuses_is_refused() -> None:
    with pytest.raises(xl.LayerError, match=r"layers: unknown layer 'conv9'; this network has body.0, body.2"):
        xl.average_map(model_of(seeded(plain)), noise(1), "conv9")
    with pytest.raises(xl.InputError, match=r"pixels: the batch is empty; at least one picture would be right"):
        xl.average_map(model_of(seeded(plain)), noise(1)[:0], "body.0")
