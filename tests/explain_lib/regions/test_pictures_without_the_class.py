"""Many pictures with a class that is predicted in some of them only: the others are left out, everywhere alike."""

from collections.abc import Callable
from typing import Any

import numpy as np
import own_networks
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy.stats import spearmanr

import explain_lib as xl
from explain_lib.audit.slices import SliceRequest
from explain_lib.cam.configuration import Configuration
from explain_lib.compare.scan import ScanRequest
from explain_lib.trust.sanity import SanityRequest

PIXELS = xl.load_cifar10().pixels[:8]
SHOWN = [0, 1, 2, 3, 6, 7]
"""The pictures in which class 1 is predicted somewhere."""


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return xl.as_model(own_networks.bright(), input_size=(32, 32), mean=(0, 0, 0), std=(1, 1, 1))


RUNS: dict[str, Callable[[xl.Model], Any]] = {
    "ladder": lambda model: xl.join_ladder_rows(list(xl.layer_ladder(model, PIXELS, range(8), ["first"], 1))),
    "sanity": lambda model: SanityRequest(model, PIXELS, np.arange(8), "first", 1, draws=1).all_rows(),
    "scan": lambda model: ScanRequest(
        model, PIXELS, np.arange(8), Configuration(), Configuration("package", xl.package_settings(("first",))), 1
    ).all_rows(),
    "scan with the scale of a batch": lambda model: ScanRequest(
        model, PIXELS, np.arange(8), Configuration(), Configuration(settings=xl.CamSettings(scale_over="batch")), 1
    ).all_rows(),
    "slices": lambda model: SliceRequest(model, PIXELS, np.arange(8), "first", 1).all_rows(),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_pictures_without_the_class_are_left_out(run: Callable[[xl.Model], Any], model: xl.Model) -> None:
    assert_array_equal(np.flatnonzero(model.predict(PIXELS)[:, 1] > 0), SHOWN)
    assert_array_equal(run(model).images, SHOWN)


def test_the_average_map_and_the_advice_are_those_of_the_others(model: xl.Model) -> None:
    mean = xl.average_map(model, PIXELS, "first", 1)
    assert mean.images == len(SHOWN)
    assert_array_equal(mean.map, xl.average_map(model, PIXELS[SHOWN], "first", 1).map)
    advice = xl.advise(model, PIXELS, layers=["first", "last"], target=1)
    assert advice.images == len(SHOWN)


@pytest.mark.parametrize("target", [1, xl.Target(1), xl.Target(0, region=xl.Predicted(1))], ids=repr)
def test_a_class_that_no_picture_shows_is_said_to_be_in_none(target: Any, model: xl.Model) -> None:
    black = np.zeros_like(PIXELS)
    for run in (
        lambda: xl.advise(model, black, layers=["first"], target=target),
        lambda: xl.average_map(model, black, "first", target),
        lambda: SanityRequest(model, black, np.arange(8), "first", target, draws=1).all_rows(),
    ):
        with pytest.raises(xl.TargetError, match="class 1 is predicted in none of the pictures, so there is no region"):
            run()


def test_a_drawn_region_and_another_task_leave_nobody_out(model: xl.Model) -> None:
    mask = np.zeros((8, 8), np.bool_)
    mask[2:5, 2:6] = True
    drawn = xl.Target(1, region=xl.region_of(mask))
    assert xl.average_map(model, PIXELS, "first", drawn).images == 8
    assert xl.average_map(model.with_task("softmax"), PIXELS, "first", 1).images == 8


# Section: the advice over a region


@pytest.mark.parametrize("where", ["predicted", "drawn"])
def test_the_advice_measures_the_class_in_its_region(where: str) -> None:
    """Single deletion by plain loops: what each grey patch takes from the class's sum over the region, beside the map there."""
    unet = xl.as_model(own_networks.unet(), input_size=(32, 32), mean=(0, 0, 0), std=(1, 1, 1))
    picture = xl.load_cifar10().pixels[3:4]
    mask = np.zeros((32, 32), np.bool_)
    mask[8:20, 4:18] = True
    target = xl.Target(1, region=xl.region_of(mask)) if where == "drawn" else xl.Target(1)
    advice = xl.advise(unet, picture, layers=["bottom"], target=target)
    found = {one.measure: one.means[0].mean for one in advice.by_measure}

    whole = torch.from_numpy(picture.transpose(0, 3, 1, 2) / np.float32(255))
    network = own_networks.unet().eval()
    region = torch.from_numpy(mask) if where == "drawn" else network(whole)[0].argmax(0) == 1
    cells = torch.tensor(xl.grad_cam(unet, picture, "bottom", target)["bottom"].map)
    enlarged = torch.nn.functional.interpolate(cells[None], (32, 32), mode="bilinear")[0, 0]

    def score(given: torch.Tensor) -> float:
        with torch.no_grad():
            return float(network(given)[0, 1][region].double().sum())

    lost, promised = [], []
    for row in range(0, 32, 4):
        for column in range(0, 32, 4):
            without = whole.clone()
            without[0, :, row : row + 4, column : column + 4] = 0.5
            lost.append(score(whole) - score(without))
            promised.append(float(enlarged[row : row + 4, column : column + 4].double().sum()))
    assert found["single-deletion"] == pytest.approx(spearmanr(promised, lost).statistic, abs=1e-6)
