"""The ladder of a large picture: row by row, beside plain loops; the rows that are told, and those that are kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_torch import network_input
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
from runs import through
from sample_networks import noise
from torch import Tensor, nn
from torch.nn import functional

import explain_lib as xl
from explain_lib.base.run_context import Step
from explain_lib.passes.tasks import Task
from explain_lib.trust.faithfulness import NOISE
from explain_lib.trust.ladder import ASKED_PER_IMAGE, ASKED_PER_ROW, CurvesRequest, LadderRequest, ladder_curves

SIDE = 66
ENDS = 3  # the picture and its two fills, once for all rows
IMAGE = 1


class Stages(nn.Module):
    """stem (32 x 32), first (32 x 32), second (15 x 15), each stage one block, then a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2), nn.ReLU())
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.second(self.first(self.stem(x))).mean((2, 3)))


LAYERS = ("stem.0", "stem", "first.0", "first", "second.0", "second.1", "second")


def staged(task: Task = "softmax", side: int = SIDE) -> xl.Model:
    torch.manual_seed(30)  # every map varies
    network = Stages()
    with torch.no_grad():
        network.fc.weight.mul_(4)
    return xl.as_model(network, classes=("a", "b", "c"), input_size=(side, side), mean=(0.5,) * 3, std=(0.25,) * 3, task=task)


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return staged()


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.stack([cv2.GaussianBlur(one, (15, 15), 5) for one in noise(3, SIDE)])


def plain_curves(
    model: xl.Model, picture: NDArray[np.uint8], values: NDArray[np.float32], number: Callable[[Tensor], Tensor]
) -> tuple[NDArray[np.float64], ...]:
    """Means of deletion and insertion, (2,) by fill, and the two halves of ROAD: one pass through the network a point.

    values: the map whose highest pixels go first. number: what is measured, of the output of one picture.
    """
    batch = network_input(model, picture[None])
    own, size = batch[0], SIDE * SIDE
    order = np.argsort(-values.ravel(), kind="stable")
    grey = ((0.5 - torch.tensor(model.mean)) / torch.tensor(model.std))[:, None, None].expand_as(own)
    blurred = torch.from_numpy(cv2.GaussianBlur(own.permute(1, 2, 0).numpy(), (11, 11), 5).transpose(2, 0, 1))

    def asked(one: Tensor) -> float:
        with torch.no_grad():
            return float(number(model.network(one[None])[0]))

    def first(count: int) -> Tensor:
        gone = np.zeros(size, bool)
        gone[order[:count]] = True
        return torch.from_numpy(gone.reshape(SIDE, SIDE))

    steps = [round(step * size / 16) for step in range(17)]
    deletion = [np.mean([asked(torch.where(first(step), fill, own)) for step in steps]) for fill in (grey, blurred)]
    insertion = [np.mean([asked(torch.where(first(step), own, fill)) for step in steps]) for fill in (grey, blurred)]
    drawn = torch.from_numpy(np.random.default_rng((0, IMAGE)).standard_normal(own.shape))
    halves = []
    for holes in ([first(step) for step in steps[2:16:2]], [~first(size - step) for step in steps[2:16:2]]):
        imputed = [NoisyLinearImputer(noise=0)(own, (~hole).float()) + (NOISE * drawn * hole).float() for hole in holes]
        halves.append(np.mean([asked(one) for one in imputed]))
    return np.array(deletion), np.array(insertion), np.array(halves)


def probability_of(index: int) -> Callable[[Tensor], Tensor]:
    return lambda output: output.softmax(0)[index]


def test_the_numbers_of_a_row_are_those_of_a_plain_loop(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    found = ladder_curves(model, pixels, IMAGE, ("first", "second"), 2)
    cams = xl.grad_cam(model, pixels[[IMAGE]], ("first", "second"), 2)
    for place, layer in enumerate(("first", "second")):
        drawn = found.maps.maps[0, place]
        large = functional.interpolate(torch.tensor(cams[layer].map)[None], (SIDE, SIDE), mode="bilinear")[0, 0]
        np.testing.assert_allclose(drawn, large, atol=1e-5 * float(large.max()))
        deletion, insertion, halves = plain_curves(model, pixels[IMAGE], drawn, probability_of(2))
        np.testing.assert_allclose(found.rows.deletion[0, place], [*deletion, halves[0]], atol=1e-5)
        np.testing.assert_allclose(found.rows.insertion[0, place], [*insertion, halves[1]], atol=1e-5)
        assert deletion.max() - deletion.min() > 1e-3  # the loop tells the fills apart


def test_a_request_for_several_pictures_has_the_rows_of_each(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    rows = LadderRequest(model, pixels, np.array([2, 0]), ("second",), None, "second").at_once()
    assert rows.images.tolist() == [2, 0]
    for place, image in enumerate((2, 0)):
        right = ladder_curves(model, pixels, image, ("second",), None, "second").rows
        assert rows.rungs == right.rungs
        np.testing.assert_array_equal(rows.deletion[place], right.deletion[0])


# Section: other targets


def first_over_second(output: Tensor) -> Tensor:
    return output[0] / output[1].abs()


def test_several_labels_are_measured_by_the_sum_of_their_probabilities(pixels: NDArray[np.uint8]) -> None:
    model, both = staged("sigmoid"), xl.Target(0, plus=(2,))
    found = ladder_curves(model, pixels, IMAGE, ("second",), both)
    cams = xl.grad_cam(model, pixels[[IMAGE]], "second", both)
    drawn = found.maps.maps[0, 0]
    assert np.corrcoef(cv2.resize(cams["second"].map[0], (SIDE, SIDE)).ravel(), drawn.ravel())[0, 1] > 0.99
    deletion, insertion, _ = plain_curves(model, pixels[IMAGE], drawn, lambda output: output.sigmoid()[[0, 2]].sum())
    np.testing.assert_allclose(found.rows.deletion[0, 0, :2], deletion, atol=1e-5)
    np.testing.assert_allclose(found.rows.insertion[0, 0, :2], insertion, atol=1e-5)
    assert found.rows.explained.tolist() == [0]


@pytest.mark.parametrize("side", [SIDE, 12])  # row by row, and all rows at once
def test_a_function_is_measured_by_its_own_number(side: int, pixels: NDArray[np.uint8]) -> None:
    model = staged(side=side)
    own = pixels[:, :side, :side].copy()
    (rows,) = xl.layer_ladder(model, own, [IMAGE], "second", first_over_second)
    batch = network_input(model, own[[IMAGE]])
    with torch.no_grad():
        whole, grey = (float(first_over_second(model.network(one)[0])) for one in (batch, torch.zeros_like(batch)))
    curves = ladder_curves(model, own, IMAGE, ("second",), first_over_second).curves
    np.testing.assert_allclose(curves.deletion[0, :, 0, [0, 16]].T, [[whole, grey]] * len(rows.rungs), rtol=1e-5)
    np.testing.assert_allclose(rows.deletion[0, :, 0], curves.deletion[0, :, 0].mean(1), rtol=1e-5)
    assert rows.explained.tolist() == [-1]
    assert len({tuple(one) for one in np.round(curves.deletion[0, :, 0], 6).tolist()}) > 2  # rows differ in between


# Section: in steps


@contextmanager
def counted(model: xl.Model) -> Iterator[list[int]]:
    """Inside, the first entry counts the pictures that are asked about, not those that are explained."""
    seen = [0]

    def count(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen[0] += len(given[0]) * (not torch.is_grad_enabled())

    handle = model.network.register_forward_pre_hook(count)
    try:
        yield seen
    finally:
        handle.remove()


def followed(cache: xl.ExplainCache, request: CurvesRequest | LadderRequest, last: int | None = None) -> list[Step]:
    """The steps that a run is told of, one a row; the run ends when `last` rows are done."""
    steps: list[Step] = []

    def follow(step: Step) -> None:
        if not steps or step.name != steps[-1].name:
            steps.append(step)
        if step.done == last:
            raise KeyboardInterrupt

    try:
        with cache.running(watch=follow):
            request.at_once()
    except KeyboardInterrupt:
        pass
    return steps


def test_ends_of_stages_come_first_and_then_the_baselines(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    assert {name for name in LAYERS if model.parts[name] == "stage end"} == {"first", "second"}
    others = ("HiResCAM at first", "LayerCAM at first", "Grad-CAM++ at first")
    placed = ("Grad-CAM at first, where it looks", "HiResCAM at first, where it looks")
    usual = ["second", "first", "random order", "centre first", "edges", "all layers averaged", "stem.0", "stem", "first.0"]
    steps = followed(xl.ExplainCache(), CurvesRequest(model, pixels, np.array([0]), LAYERS, None, "first"))
    assert [step.name for step in steps] == [*usual, "second.0", *others, *placed]  # second.1 orders the pixels as second does
    assert [step.done for step in steps] == [*range(10), *range(11, 16)]
    assert {step.total for step in steps} == {len(LAYERS) + 4 + 3 + 2}
    begun = followed(xl.ExplainCache(), CurvesRequest(model, pixels, np.array([0]), LAYERS, first="stem"), 3)
    assert [step.name for step in begun] == ["stem", "second", "first", "random order"]


def test_each_step_comes_with_the_rows_before_it(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    request = CurvesRequest(model, pixels, np.array([0]), ("stem", "first", "second"), None, "second")
    steps, right = followed(xl.ExplainCache(), request), request.compute()
    names = [rung.name for rung in right.rows.rungs]
    assert steps[0].found is None
    for step in steps[1:]:
        found = step.found
        assert isinstance(found, type(right))
        places = [names.index(rung.name) for rung in found.rows.rungs]
        assert places == sorted(places)
        assert len(places) == step.done
        np.testing.assert_array_equal(found.rows.deletion, right.rows.deletion[:, places])
        np.testing.assert_array_equal(found.rows.edges, right.rows.edges[:, places])
        np.testing.assert_array_equal(found.maps.maps, right.maps.maps[:, places])


def test_rows_that_were_measured_are_not_measured_again(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    cache, rows = xl.ExplainCache(), len(LAYERS) - 1 + 4  # two layers order the pixels alike
    request = CurvesRequest(model, pixels, np.array([0]), LAYERS)
    with counted(model) as seen:
        followed(cache, request, 4)
        assert 4 * ASKED_PER_ROW <= seen[0] - ENDS - ASKED_PER_IMAGE < 5 * ASKED_PER_ROW
        seen[0] = 0
        followed(cache, request)
        assert seen[0] == (rows - 4) * ASKED_PER_ROW + ENDS
        seen[0] = 0
        through(cache, LadderRequest(model, pixels, np.array([0]), ("stem", "first")).at_once)
        assert seen[0] == 1 * ASKED_PER_ROW + ENDS  # the average of two layers is another map


def test_layers_that_order_the_pixels_alike_are_measured_once(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    with counted(model) as seen:
        found = ladder_curves(model, pixels, 0, ("second.1", "second")).rows
    np.testing.assert_array_equal(found.deletion[:, 0], found.deletion[:, 1])
    baselines_and_average = 4  # the average of two maps that are alike orders the pixels as both do, but for rounding
    assert seen[0] - ENDS - ASKED_PER_IMAGE <= (1 + baselines_and_average) * ASKED_PER_ROW


def test_rows_stay_where_results_find_no_room(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    cache = xl.ExplainCache(max_bytes=1)
    request = CurvesRequest(model, pixels, np.array([0]), ("second",))
    through(cache, request.at_once)
    with counted(model) as seen:
        through(cache, request.at_once)
    assert seen[0] == 0
