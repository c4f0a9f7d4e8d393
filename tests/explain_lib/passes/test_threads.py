"""Sixteen threads on one shared network get, bit by bit, what one thread gets."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sample_networks import Headed, model_of, noise, seeded
from torch import nn

import explain_lib as xl

THREADS = 16
ROUNDS = 4
Job = Callable[[], list[np.ndarray]]


def at_the_same_time(jobs: list[Job]) -> list[list[np.ndarray]]:
    """The jobs' results, each job in a thread of its own; all of them start each round together."""
    barrier = Barrier(len(jobs))

    def started(job: Job) -> list[np.ndarray]:
        found = []
        try:
            for _ in range(ROUNDS):
                barrier.wait(timeout=60)
                found += job()
        except BaseException:
            barrier.abort()  # or the others would wait for this one
            raise
        return found

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(started, jobs))


def check_jobs(jobs: list[Job]) -> None:
    expected = [job() * ROUNDS for job in jobs]
    for found, right in zip(at_the_same_time(jobs), expected, strict=True):
        for one, other in zip(found, right, strict=True):
            assert_array_equal(one, other)


LAYERS = [["conv1"], ["relu1", "relu2"], ["pool1"], ["conv2", "pool2"], ["pool2"], ["relu2"]]


def cam_job(model: xl.Model, pixels: np.ndarray, number: int, layers: list[str]) -> Job:
    def run() -> list[np.ndarray]:
        cams = xl.grad_cam(model, pixels, layers, xl.Target(number % 10, minus=(number + 3) % 10))
        return [cams.logits] + [cams[name].signed for name in layers]

    return run


def mixed_job(model: xl.Model, pixels: np.ndarray, number: int, layers: list[str]) -> Job:
    target = number % 10
    return [
        cam_job(model, pixels, number, layers),
        lambda: [model.predict(pixels)],
        lambda: [xl.package_grad_cam(model, pixels, layers, target)],
        lambda: [xl.heatmap(model, pixels, xl.package_settings(tuple(layers)), target)],
    ][number % 4]


@pytest.mark.parametrize("job", [cam_job, mixed_job])
def test_threads_that_share_a_network_do_not_see_each_other(
    job: Callable[..., Job], tutorial: xl.Model, images: xl.ImageSet
) -> None:
    check_jobs([job(tutorial, images.pixels[8 * n : 8 * n + 1 + n % 3], n, LAYERS[n % len(LAYERS)]) for n in range(THREADS)])


def test_threads_on_an_in_place_network_in_training_mode_leave_it_so() -> None:
    """Modes, frozen parameters and hooks are restored while other threads wait for them."""
    network = seeded(
        lambda: Headed(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(), nn.Conv2d(4, 4, 3))
    )
    model, pixels = model_of(network.train()), noise(2)

    def run(number: int) -> list[np.ndarray]:
        if number % 2:
            return [xl.package_grad_cam(model, pixels, "body.4", number % 4 // 2)]
        return [xl.grad_cam(model, pixels, ["body.0", "body.4"], number % 4 // 2)["body.0"].signed]

    check_jobs([lambda number=number: run(number) for number in range(THREADS)])
    assert all(module.training for module in network.modules())


def test_threads_may_ask_a_new_model_for_its_digest_together(tutorial: xl.Model) -> None:
    expected = tutorial.digest
    fresh = xl.load_model()
    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(lambda _: fresh.digest, range(THREADS))) == {expected}


def test_a_network_and_one_that_contains_it_do_not_see_each_other() -> None:
    """Both were used before they were joined, so each had a lock of its own."""
    first = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 3))))
    second = model_of(seeded(lambda: Headed(nn.Conv2d(3, 4, 5), nn.ReLU(inplace=True))))
    pixels = noise(4)
    xl.grad_cam(first, pixels), xl.grad_cam(second, pixels)
    joined = model_of(Sum(first.network, second.network))
    jobs = [
        lambda: [xl.grad_cam(joined, pixels, ["first.body.0", "second.body.0"], 0)["second.body.0"].signed],
        lambda: [xl.grad_cam(second, pixels, "body.0", 1)["body.0"].signed],
    ]
    check_jobs(jobs * (THREADS // 2))


class Sum(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: object) -> object:
        return self.first(x) + self.second(x)
