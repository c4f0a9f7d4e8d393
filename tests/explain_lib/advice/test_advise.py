"""What is measured for the advice: beside plain loops and the ladder, with candidates that drop out, and stopped."""

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_torch import network_input
from runs import through
from sample_networks import noise
from scipy import stats
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.advice.candidates import candidates
from explain_lib.advice.choice import choose_layer
from explain_lib.advice.measuring import ASKED_FOR_ALL, ASKED_PER_CANDIDATE, AdviceRequest, rows_of_ladder
from explain_lib.base.run_context import Step
from explain_lib.trust.faithfulness import NOISE, impute_linearly
from explain_lib.trust.ladder import join_ladder_rows, layer_ladder
from explain_lib.work.jobs import Jobs

SIDE = 66


class Stages(nn.Module):
    """stem, first and second, each of one block, then a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU())
        self.first = nn.Sequential(nn.Conv2d(4, 4, 3, stride=2), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2), nn.ReLU())
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.second(self.first(self.stem(x))).mean((2, 3)))


class Headed(Stages):
    """The same, with a convolution as its last stage."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.Identity()
        self.head = nn.Conv2d(4, 6, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.head(self.first(self.stem(x))).mean((2, 3)))


@pytest.fixture(scope="module")
def model() -> xl.Model:
    torch.manual_seed(30)
    network = Stages()
    with torch.no_grad():
        network.fc.weight.mul_(4)
    return xl.as_model(network, classes=("a", "b", "c"), input_size=(SIDE, SIDE), mean=(0.5,) * 3, std=(0.25,) * 3)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.stack([cv2.GaussianBlur(one, (15, 15), 5) for one in noise(12, SIDE)])


def plain_numbers(model: xl.Model, picture: NDArray[np.uint8], image: int, layer: str, target: int) -> list[float]:
    """Single deletion and insertion on grey, and ROAD, one pass through the network at a time."""
    own = network_input(model, picture[None])[0]
    grey = ((0.5 - torch.tensor(model.mean)) / torch.tensor(model.std))[:, None, None].expand_as(own)
    cells = torch.tensor(xl.grad_cam(model, picture[None], layer, target)[layer].map)[None]
    drawn = nn.functional.interpolate(cells, (SIDE, SIDE), mode="bilinear", align_corners=False)[0, 0].numpy()
    order = np.argsort(-drawn.ravel(), kind="stable")
    noisy = NOISE * np.random.default_rng((0, image)).standard_normal(tuple(own.shape))

    def asked(one: Tensor, number: Callable[[Tensor], Tensor]) -> float:
        with torch.no_grad():
            return float(number(model.network(one[None].float())[0]))

    def probability(output: Tensor) -> Tensor:
        return output.softmax(0)[target]

    def first(count: int) -> NDArray[np.bool_]:
        gone = np.zeros(SIDE * SIDE, bool)
        gone[order[:count]] = True
        return gone.reshape(SIDE, SIDE)

    def imputed(hole: NDArray[np.bool_]) -> float:
        return asked(torch.tensor(impute_linearly(own.numpy(), hole) + noisy * hole), probability)

    steps = [round(step * SIDE * SIDE / 16) for step in range(17)]
    insertion = np.mean([asked(torch.where(torch.tensor(first(step)), own, grey), probability) for step in steps])
    morf = np.mean([imputed(first(step)) for step in steps[2:16:2]])
    lerf = np.mean([imputed(~first(SIDE * SIDE - step)) for step in steps[2:16:2]])
    sums, losses = [], []
    patch = np.arange(SIDE) * 8 // SIDE
    for row in range(8):
        for column in range(8):
            inside = (patch == row)[:, None] & (patch == column)[None]
            sums.append(drawn[inside].astype(float).sum())
            without = torch.where(torch.tensor(inside), grey, own)
            losses.append(asked(own, lambda output: output[target]) - asked(without, lambda output: output[target]))
    return [float(stats.spearmanr(sums, losses).statistic), float(insertion), float(lerf - morf) / 2]


def test_the_numbers_are_those_of_a_plain_loop(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    found = AdviceRequest(model, pixels, np.array([4]), ("first", "second"), 2).all_rows()
    for place, layer in enumerate(("first", "second")):
        right = plain_numbers(model, pixels[4], 4, layer, 2)
        np.testing.assert_allclose(found.values[0, place], right, atol=2e-5)
    assert not np.allclose(found.values[0, 0], found.values[0, 1], atol=1e-3)


def test_a_ladder_has_the_same_numbers(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    ladder = join_ladder_rows(list(layer_ladder(model, pixels, [1, 3], ("stem", "first", "second"))))
    found, own = (
        rows_of_ladder(ladder, ("second", "first")),
        AdviceRequest(model, pixels, np.array([1, 3]), ("first", "second")),
    )
    assert found.layers == ("first", "second")
    np.testing.assert_allclose(found.values, own.all_rows().values, atol=1e-6)


def test_only_the_pictures_that_are_announced_go_through_the_network(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    request = AdviceRequest(model, pixels, np.array([2]), ("first", "second"), 0)
    seen: list[int] = []
    hook = model.network.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    request.all_rows()
    assert request.pictures == ASKED_FOR_ALL + 2 * ASKED_PER_CANDIDATE
    assert sum(seen) == request.pictures + 1  # and one for the maps
    seen.clear()
    AdviceRequest(model, pixels, np.array([2]), ("stem", "stem.1"), 0).all_rows()
    hook.remove()
    assert sum(seen) == ASKED_FOR_ALL + ASKED_PER_CANDIDATE + 1  # one output under two names has the same map


def test_the_ends_of_stages_are_the_candidates_where_none_is_named(model: xl.Model) -> None:
    assert candidates(model) == ("stem", "first", "second")
    assert candidates(xl.load_model("tutorial")) == ("relu1", "relu2")
    assert candidates(xl.load_model("resnet20")) == ("layer1", "layer2", "layer3")
    assert candidates(model, "first.0") == ("first.0",)
    resnet18 = xl.load_own_model("resnet18", "random", input_size=(64, 64))
    assert candidates(resnet18) == ("layer1", "layer2", "layer3", "layer4")  # without its stem, relu
    with_head = xl.as_model(Headed(), classes=("a", "b", "c"), input_size=(SIDE, SIDE), mean=(0.5,) * 3, std=(0.25,) * 3)
    assert candidates(with_head) == ("stem", "first", "head")  # and the last, though it is no block
    with pytest.raises(xl.LayerError, match="unknown layer 'fifth'"):
        xl.advise(model, noise(1, SIDE), layers="fifth")


# Section: candidates that drop out


@pytest.fixture(scope="module")
def resnet() -> xl.Model:
    return xl.load_model("resnet20")


DROPPING = ("layer1.0.conv1", "layer3")


def test_a_candidate_that_drops_out_is_not_measured_on_further_pictures(resnet: xl.Model) -> None:
    images = np.arange(60, 84)
    rows = AdviceRequest(resnet, xl.load_cifar10().pixels, images, DROPPING).all_rows()
    assert rows.measured[:, 1].all()
    gone = int(rows.measured[:, 0].sum())
    assert gone in (8, 16)
    assert rows.measured[:gone, 0].all()
    assert np.isnan(rows.values[gone:, 0]).all()
    advice = choose_layer(rows)
    assert [(one.layer, one.images) for one in advice.dropped] == [("layer1.0.conv1", gone)]


def test_what_was_stopped_goes_on_with_the_same_candidates(resnet: xl.Model) -> None:
    whole = AdviceRequest(resnet, xl.load_cifar10().pixels, np.arange(60, 84), DROPPING)
    right, cache = whole.all_rows(), xl.ExplainCache()
    first = through(cache, lambda: next(whole.rows()))
    rest = through(cache, lambda: list(whole.rest(8).rest(8).rows()))
    assert [len(part) for part in rest] == [8]
    again = whole.join([first, *through(cache, lambda: list(whole.rest(8).rows()))])
    np.testing.assert_array_equal(again.measured, right.measured)
    np.testing.assert_array_equal(again.values, right.values)
    assert not right.measured[-1, 0]


def test_a_job_has_the_same_rows(resnet: xl.Model) -> None:
    request, jobs = AdviceRequest(resnet, xl.load_cifar10().pixels, np.arange(60, 76), DROPPING), Jobs(xl.ExplainCache())
    jobs.ask(request)
    jobs_thread_ends(jobs, request)
    found = jobs.ask(request).rows
    assert found is not None
    np.testing.assert_array_equal(found.values, request.all_rows().values)


def jobs_thread_ends(jobs: Jobs, request: AdviceRequest) -> None:
    """Wait until the job is done."""
    for _ in range(600):
        if jobs.ask(request).progress.state == "done":
            return
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def test_each_layer_of_a_picture_is_told_and_kept(model: xl.Model, pixels: NDArray[np.uint8]) -> None:
    steps: list[Step] = []
    cache, request = xl.ExplainCache(), AdviceRequest(model, pixels, np.array([5]))

    class EnoughError(Exception):
        pass

    def stop_at_the_last(step: Step) -> None:
        steps.append(step)
        if step.done == 2:
            raise EnoughError

    with cache.running(None, stop_at_the_last), pytest.raises(EnoughError):
        request.all_rows()
    told = dict.fromkeys((step.name, step.done, step.total) for step in steps)
    assert list(told) == [("second", 0, 3), ("first", 1, 3), ("stem", 2, 3)]
    steps.clear()
    seen: list[int] = []
    hook = model.network.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    with cache.running(None, steps.append):
        request.all_rows()
    hook.remove()
    assert {step.name for step in steps} == {"stem"}  # the others were kept
    assert sum(seen) <= 1 + 3 + ASKED_PER_CANDIDATE


def test_advise_measures_and_chooses_in_one_call() -> None:
    model, pixels = xl.load_model("tutorial"), xl.load_cifar10().pixels
    told: list[tuple[int, int]] = []
    advice = xl.advise(model, pixels, range(32), progress=lambda *some: told.append(some))
    assert isinstance(advice, xl.Advice)
    assert (advice.images, advice.layers) == (32, ("relu1", "relu2"))
    assert told == [(done, 32) for done in (0, 8, 16, 24, 32)]
    right = choose_layer(AdviceRequest(model, pixels, np.arange(32)).all_rows())
    assert advice == right
