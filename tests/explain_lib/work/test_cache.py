"""The cached layer: one computation a request, bounded in bytes, safe for threads, never stale."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from runs import THREADS, through, together
from sample_networks import model_of, noise, plain, seeded

import explain_lib as xl
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.cam.other_programs import third_opinion
from explain_lib.loading.bundled import load_test_logits
from explain_lib.networks.predictions import predict
from explain_lib.passes.sharing import undisturbed
from explain_lib.study.outlines import find_outlines
from explain_lib.take_home.view_file import named_arrays
from explain_lib.trust.ladder import ladder_curves
from explain_lib.trust.sanity import random_starts, sanity_maps

OVERHEAD = 1024  # bytes counted for an entry beside its arrays


class Counted:
    """A cancel that counts the passes through the network, and lets them go on."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause, self.count, self._lock = pause, 0, threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.count += 1
        time.sleep(self.pause)


def counting(
    cache: xl.ExplainCache, counted: Callable[[], None], function: Callable[..., Any], *args: Any, **named: Any
) -> Any:
    with cache.running(counted):
        return function(*args, **named)


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return model_of(seeded(plain))


def test_a_request_is_computed_once_for_many_threads(model: xl.Model) -> None:
    cache, counted, pixels = xl.ExplainCache(), Counted(pause=0.05), noise(2)
    found = together(lambda: counting(cache, counted, xl.heatmap, model, pixels, xl.PAPER))
    assert counted.count == 1
    assert all(one is found[0] for one in found)
    assert (cache.stats.hits, cache.stats.misses, cache.stats.entries) == (THREADS - 1, 1, 1)


REMEMBERED: dict[str, Callable[[xl.Model, np.ndarray], Any]] = {
    "grad_cam": lambda model, pixels: xl.grad_cam(model, pixels, ["conv1", "relu2"], xl.Target(3, minus=5)),
    "package_grad_cam": lambda model, pixels: xl.package_grad_cam(model, pixels, "conv2", variant="layercam"),
    "heatmap": lambda model, pixels: xl.heatmap(model, pixels, xl.NOTEBOOK_MANUAL, 3),
    "configured_heatmap": lambda model, pixels: xl.configured_heatmap(model, pixels, STUDY_PACKAGE, 3),
    "third_opinion": lambda model, pixels: third_opinion("captum", model, pixels, "conv2"),
    "completeness": lambda model, pixels: xl.completeness(model, pixels[0], "conv2"),
    "walkthrough": lambda model, pixels: xl.walkthrough(model, pixels[0], "conv2"),
    "channel_ablation": lambda model, pixels: xl.channel_ablation(model, pixels[0], "conv2", [3, 4]),
    "cover_effect": lambda model, pixels: xl.cover_effect(model, pixels[0], "AAAw", "blur", "conv2"),
    "decompose": lambda model, pixels: xl.decompose(model, pixels, 2),
    "decomposition_steps": lambda model, pixels: xl.decomposition_steps(model, pixels, 2, ["layers"]),
    "average_map": lambda model, pixels: xl.average_map(model, pixels, "conv2"),
    "sanity_maps": lambda model, pixels: sanity_maps(model, pixels, "conv2"),
    "random_starts": lambda model, pixels: random_starts(model, pixels[:1], "conv2", seeds=(1, 2)),
    "ladder_curves": lambda model, pixels: ladder_curves(model, pixels, 2, ("conv2",)),
    "find_outlines": lambda _, pixels: find_outlines(pixels),
    "predict": predict,
}


@pytest.mark.parametrize("name", REMEMBERED)
def test_what_pages_ask_for_is_computed_once_and_is_what_the_function_gives(
    name: str, tutorial: xl.Model, study: np.ndarray
) -> None:
    cache, ask = xl.ExplainCache(), REMEMBERED[name]
    first, second = (through(cache, ask, tutorial, study) for _ in range(2))
    assert second is first
    found, right = named_arrays(name, first), named_arrays(name, ask(tutorial, study))
    assert found.keys() == right.keys()
    for key, array in found.items():
        assert array.ndim == 0 or not array.flags.writeable
        assert_array_equal(array, right[key])


def test_a_configured_map_is_the_entry_of_its_program(tutorial: xl.Model, study: np.ndarray) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    counting(cache, counted, xl.heatmap, tutorial, study, xl.NOTEBOOK_MANUAL)
    counting(cache, counted, xl.package_grad_cam, tutorial, study, ("conv2",), variant="hirescam")
    counting(cache, counted, xl.configured_heatmap, tutorial, study, STUDY_MANUAL)
    counting(cache, counted, xl.configured_heatmap, tutorial, study, parse_configuration("package;variant=hirescam"))
    assert (counted.count, cache.stats.hits) == (2, 2)


def test_an_average_is_that_of_the_uncached_function_and_is_kept(model: xl.Model) -> None:
    cache, counted, pixels = xl.ExplainCache(), Counted(), noise(300)
    right = xl.average_map(model, pixels, "body.2", 1)
    found = [counting(cache, counted, xl.average_map, model, pixels, "body.2", 1) for _ in range(2)]
    assert found[0] is found[1]
    assert_array_equal(found[0].map, right.map)
    assert_array_equal(found[0].picture, right.picture)
    assert counted.count == 2  # two batches, once
    whole, batches = 4 * 4 * 4 + 8 * 8 * 3 + OVERHEAD, 2 * (4 * 4 * 8 + OVERHEAD)  # two convolutions of 3 x 3 leave 4 x 4
    assert cache.stats.bytes == whole + batches


def test_progress_of_an_average_is_told_only_where_it_is_computed(model: xl.Model) -> None:
    cache, told = xl.ExplainCache(), []
    for _ in range(2):
        through(cache, xl.average_map, model, noise(300), "body.2", progress=told.append)
    assert told == [256, 300]


Request = dict[str, Any]


def asked(model: xl.Model, **others: Any) -> Request:
    return {"model": model, "pixels": noise(2), "layers": ["body.0"], "targets": 0} | others


def test_another_request_is_another_entry(model: xl.Model) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    other_pixels = noise(2)
    other_pixels[1, 7, 7, 2] ^= 1
    requests = [
        asked(model),
        asked(model_of(seeded(plain))),  # another network with the same weights: the one hit
        asked(model_of(plain())),
        asked(model, pixels=other_pixels),
        asked(model, pixels=noise(2)[::-1]),
        asked(model, pixels=noise(1)),
        asked(model, layers=["body.1"]),
        asked(model, layers=["body.0", "body.1"]),
        asked(model, layers=["body.1", "body.0"]),
        asked(model, targets=1),
        asked(model, targets=[0, 1]),
        asked(model, targets=None),
        asked(model, targets=xl.Target(0, minus=1)),
        asked(model, targets=xl.Target(0, sign=-1)),
        asked(model, targets=xl.Target(0, score="probability")),
    ]
    for request in requests:
        counting(cache, counted, xl.grad_cam, **request)
    assert (counted.count, cache.stats.hits) == (len(requests) - 1, 1)


def test_a_weight_changed_in_place_makes_another_request(ledger: Any) -> None:
    model, cache, pixels = model_of(seeded(plain)), xl.ExplainCache(), noise(1)
    before = through(cache, xl.grad_cam, model, pixels).logits
    with torch.no_grad():
        model.network.fc.bias.add_(1)
    ledger.expect(model.network)
    np.testing.assert_allclose(through(cache, xl.grad_cam, model, pixels).logits, before + 1, atol=1e-5)


def test_a_bundled_model_is_loaded_once_and_shared() -> None:
    cache = xl.ExplainCache()
    found = together(lambda: cache.model("captum-tutorial"))
    assert all(one is found[0] for one in found)


def test_a_bundled_model_whose_weights_were_written_to_is_loaded_anew(ledger: Any) -> None:
    cache = xl.ExplainCache()
    first = cache.model("captum-tutorial")
    right = first.digest
    with torch.no_grad():
        first.network.conv1.weight.mul_(2)
    ledger.expect(first.network)
    second = cache.model("captum-tutorial")
    assert second is not first
    assert second.digest == right


def test_images_are_decoded_once_whatever_else_needs_room(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr("explain_lib.work.cache.load_cifar10", lambda: calls.append(None) or xl.load_cifar10())
    cache = xl.ExplainCache(max_bytes=100_000)
    assert cache.images() is cache.images()
    for key in range(10):
        cache.entries.get(key, lambda: np.zeros(90_000, np.uint8))
    cache.entries.clear()
    cache.images()
    assert len(calls) == 1


def test_predictions_are_the_bundled_logits() -> None:
    cache = xl.ExplainCache()
    assert_array_equal(cache.predictions("tutorial").logits, load_test_logits("tutorial"))
    assert cache.predictions("tutorial") is cache.predictions("tutorial")


def test_an_unknown_model_is_refused_as_without_the_cache() -> None:
    for ask in (xl.ExplainCache().model, xl.ExplainCache().predictions):
        with pytest.raises(xl.InputError, match=r"name: unknown model 'vgg'; there are captum-tutorial"):
            ask("vgg")


def test_a_cache_too_small_for_anything_still_computes(model: xl.Model) -> None:
    cache, counted = xl.ExplainCache(1), Counted()
    for _ in range(2):
        found = counting(cache, counted, xl.heatmap, model, noise(1), xl.PAPER)
    assert_array_equal(found, xl.heatmap(model, noise(1), xl.PAPER))
    assert (counted.count, cache.stats.entries, cache.stats.bytes) == (2, 0, 0)


def test_there_is_one_shared_cache() -> None:
    assert all(one is xl.shared_cache() for one in together(xl.shared_cache))


def test_an_average_that_was_broken_off_goes_on_where_it_stood(tutorial: xl.Model, images: xl.ImageSet) -> None:
    cache, pixels = xl.ExplainCache(), images.pixels[:1000]  # four batches

    def leave_after_two(done: int) -> None:
        if done >= 512:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        through(cache, xl.average_map, tutorial, pixels, "conv2", progress=leave_after_two)
    before = cache.stats
    mean = through(cache, xl.average_map, tutorial, pixels, "conv2")
    after = cache.stats
    assert after.hits - before.hits == 2
    assert after.misses - before.misses == 3  # the two batches that were left, and the whole
    np.testing.assert_array_equal(mean.map, xl.average_map(tutorial, pixels, "conv2").map)


def test_a_check_up_waits_for_whoever_runs_the_network_and_has_frozen_it() -> None:
    cache, model = xl.ExplainCache(), xl.load_model("captum-tutorial")
    entered, leave = threading.Event(), threading.Event()

    def run() -> None:
        with model.lock, undisturbed(model.network):
            entered.set()
            leave.wait(10)

    runner = threading.Thread(target=run)
    runner.start()
    entered.wait(10)
    threading.Timer(0.2, leave.set).start()
    found = cache.check_up(model)
    runner.join()
    assert found == xl.check_up(model)
    misses = cache.stats.misses
    cache.check_up(model)
    assert cache.stats.misses == misses  # the same question: nothing was frozen by whoever asked
