"""Single deletion: beside one pass a patch and SciPy's correlation, and beside figures measured by another program."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_torch import network_input
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from sample_networks import noise
from scipy.stats import spearmanr
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.passes.tasks import Task
from explain_lib.trust.ladder import CENTRE, RANDOM, LadderRequest, ladder_curves
from explain_lib.trust.measures import FILLS

NOISE = 0.01


def edges_of(pixels: int) -> list[int]:
    """The borders of the patches along an axis: of eight, each with the pixels y of which floor(8 y / H) is the same."""
    number = [8 * pixel // pixels for pixel in range(pixels)]
    return [number.index(patch) for patch in range(8)] + [pixels]


def patches_of(height: int, width: int) -> list[tuple[slice, slice]]:
    down, across = edges_of(height), edges_of(width)
    rows, columns = ([slice(*pair) for pair in pairwise(line)] for line in (down, across))
    return [(row, column) for row in rows for column in columns]


Score = Callable[[Tensor], float]


def plain_losses(model: xl.Model, picture: NDArray[np.uint8], image: int, score: Score) -> NDArray[np.float64]:
    """What the score loses without each patch, (3, 64) by fill: one pass through the network a patch and fill."""
    own = network_input(model, picture[None])[0]
    mean, std = (torch.tensor(values)[:, None, None] for values in (model.mean, model.std))
    grey = ((0.5 - mean) / std).expand_as(own)
    blurred = torch.from_numpy(cv2.GaussianBlur(own.permute(1, 2, 0).numpy(), (11, 11), 5).transpose(2, 0, 1))
    drawn = torch.from_numpy(np.random.default_rng((0, image)).standard_normal(own.shape))

    def asked(one: Tensor) -> float:
        with torch.no_grad():
            return score(model.network(one[None])[0].double())

    losses = np.empty((3, 64))
    for place, patch in enumerate(patches_of(*picture.shape[:2])):
        hole = torch.zeros(picture.shape[:2])
        hole[patch] = 1
        imputed = NoisyLinearImputer(noise=0)(own, 1 - hole) + (NOISE * drawn * hole).float()
        for fill, other in enumerate((grey, blurred, imputed)):
            losses[fill, place] = asked(own) - asked(torch.where(hole.bool(), other, own))
    return losses


def plain_sums(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.array([values[patch].astype(np.float64).sum() for patch in patches_of(*values.shape)])


def assert_like_the_loop(model: xl.Model, pixels: NDArray[np.uint8], image: int, layers: tuple[str, ...], index: int) -> None:
    found = ladder_curves(model, pixels, image, layers, index, layers[-1])
    losses = plain_losses(model, pixels[image], image, lambda output: float(output[index]))
    np.testing.assert_allclose(found.changes[0].reshape(3, -1), losses, atol=2e-5)
    for row, rung in enumerate(found.rows.rungs):
        sums = plain_sums(found.maps.maps[0, row])
        right = [spearmanr(sums, found.changes[0, fill].ravel()).statistic for fill in range(len(FILLS))]
        np.testing.assert_allclose(found.rows.single_deletion[0, row], right, atol=1e-9, err_msg=rung.name)
        by_loop = [spearmanr(sums, losses[fill]).statistic for fill in range(len(FILLS))]
        np.testing.assert_allclose(found.rows.single_deletion[0, row], by_loop, atol=5e-3, err_msg=rung.name)


def test_the_numbers_are_those_of_one_pass_a_patch_and_scipys_correlation(tutorial: xl.Model, images: xl.ImageSet) -> None:
    assert_like_the_loop(tutorial, images.pixels, 7, ("conv1", "conv2"), 3)


class Uneven(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 5, 5, stride=3), nn.Linear(5 * 21 * 24, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x).tanh().flatten(1))


def uneven(task: Task = "softmax") -> xl.Model:
    torch.manual_seed(4)
    std = (0.25,) * 3
    return xl.as_model(Uneven(), classes=("a", "b", "c"), input_size=(66, 75), mean=(0.5,) * 3, std=std, task=task)


@pytest.fixture(scope="module")
def wide() -> NDArray[np.uint8]:
    return np.stack([cv2.GaussianBlur(one, (9, 9), 3) for one in noise(2, 75)])[:, :66]


def test_so_they_are_row_by_row_where_patches_are_not_alike(wide: NDArray[np.uint8]) -> None:
    assert_like_the_loop(uneven(), wide, 1, ("conv",), 2)


@pytest.mark.parametrize("side", [66, 24])  # row by row, and all rows at once
def test_a_function_loses_its_own_number(side: int, wide: NDArray[np.uint8]) -> None:
    model = xl.as_model(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * (side - 2) ** 2, 3)),
        classes=("a", "b", "c"), input_size=(side, side), mean=(0.5,) * 3, std=(0.25,) * 3,
    )  # fmt: skip
    pixels = np.ascontiguousarray(wide[:, :side, :side])
    found = ladder_curves(model, pixels, 0, ("0",), lambda output: output[0] - 2 * output[1])
    losses = plain_losses(model, pixels[0], 0, lambda output: float(output[0] - 2 * output[1]))
    np.testing.assert_allclose(found.changes[0].reshape(3, -1), losses, atol=2e-5)


def test_a_target_of_a_probability_is_measured_by_it(wide: NDArray[np.uint8]) -> None:
    model = uneven()
    found = ladder_curves(model, wide, 0, ("conv",), xl.Target(1, score="probability"))
    losses = plain_losses(model, wide[0], 0, lambda output: float(output.softmax(0)[1]))
    np.testing.assert_allclose(found.changes[0].reshape(3, -1), losses, atol=1e-5)


def test_a_flat_map_has_no_number(constant_model: xl.Model, constant_pixels: NDArray[np.uint8]) -> None:
    rows = LadderRequest(constant_model, constant_pixels, np.array([0, 1]), ("conv",), 1).at_once()
    assert rows.flat[:, 0].tolist() == [False, True]
    assert np.isnan(rows.single_deletion[1, 0]).all()


def test_a_map_of_the_losses_themselves_is_right_and_its_reverse_is_wrong() -> None:
    """A linear network on a grey picture: each pixel's loss with mid grey is its weight's, and so is HiResCAM's cell."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 1, 1, bias=False), nn.Flatten(), nn.Linear(64, 2))
    model = xl.as_model(network, classes=("a", "b"), input_size=(8, 8), mean=(0.5,) * 3, std=(1.0,) * 3)
    pixels = np.random.default_rng(0).integers(130, 255, (1, 8, 8, 3), dtype=np.uint8)
    found = ladder_curves(model, pixels, 0, ("0",), 0, "0")
    names = [rung.name for rung in found.rows.rungs]
    above = found.changes[0, 0] > 0
    drawn = found.maps.maps[0, names.index("HiResCAM at 0, where it looks")]
    np.testing.assert_array_equal(drawn > 0, above)
    np.testing.assert_allclose(drawn[above], found.changes[0, 0][above], rtol=1e-3)
    ones = found.changes[0, 0].ravel()
    right = spearmanr(np.maximum(ones, 0), ones).statistic
    assert found.rows.single_deletion[0, names.index("HiResCAM at 0, where it looks"), 0] == pytest.approx(right, abs=1e-6)
    assert right > 0.85


# Section: figures measured by another program

TRIAL = {"conv2": 0.061, "Grad-CAM at conv2, where it looks": 0.090, CENTRE: 0.129, RANDOM: 0.0}
"""Images 0 to 199 of captum-tutorial, with mid grey."""


def test_the_bundled_rows_are_near_figures_measured_elsewhere() -> None:
    with np.load("checkpoints/captum-tutorial.ladder.npz") as file:
        names, values = file["names"].tolist(), file["single_deletion"][:200, :, 0].astype(np.float64)
    means = dict(zip(names, np.nanmean(values, axis=0).tolist(), strict=True))
    for name, right in TRIAL.items():
        assert means[name] == pytest.approx(right, abs=0.006), name
    lead = values[:, names.index("HiResCAM at conv2, where it looks")] - values[:, names.index(CENTRE)]
    assert np.nanmean(lead) == pytest.approx(0.047, abs=0.003)
    assert abs(means[RANDOM]) < 3 / np.sqrt(200 * 63)  # a correlation of 64 numbers by chance deviates by 1 / sqrt(63)
