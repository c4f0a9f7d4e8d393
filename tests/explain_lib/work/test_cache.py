"""The cached layer: one computation a request, bounded in bytes, safe for threads, never stale."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from runs import through
from sample_networks import model_of, noise, plain, seeded

import explain_lib as xl
from explain_lib.base.memo import Memo
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.networks.bundled import load_test_logits
from explain_lib.networks.sharing import undisturbed

OVERHEAD = 1024  # bytes counted for an entry beside its arrays
THREADS = 12


def block(number: int, size: int = 1000) -> np.ndarray:
    return np.full(size, number, np.uint8)


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


def together(job: Callable[[], Any]) -> list[Any]:
    """What the job gives in many threads that start at the same time; an exception is a result too."""
    barrier = threading.Barrier(THREADS)

    def run(_: int) -> Any:
        barrier.wait(timeout=60)
        try:
            return job()
        except RuntimeError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_a_request_is_computed_once_for_many_threads(model: xl.Model) -> None:
    cache, counted, pixels = xl.ExplainCache(), Counted(pause=0.05), noise(2)
    found = together(lambda: counting(cache, counted, xl.heatmap, model, pixels, xl.PAPER))
    assert counted.count == 1
    assert all(one is found[0] for one in found)
    assert (cache.stats.hits, cache.stats.misses, cache.stats.entries) == (THREADS - 1, 1, 1)


def test_different_requests_do_not_wait_for_each_other() -> None:
    cache, first_runs, second_done = Memo(10_000), threading.Event(), threading.Event()

    def slow() -> np.ndarray:
        first_runs.set()
        assert second_done.wait(timeout=60)
        return block(1)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "slow", slow)
        assert first_runs.wait(timeout=60)
        cache.get("quick", lambda: block(2))
        second_done.set()
        assert first.result(timeout=60)[0] == 1


def test_a_raised_exception_is_not_kept(model: xl.Model) -> None:
    cache, pixels = xl.ExplainCache(), noise(1)

    def stop() -> None:
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        counting(cache, stop, xl.grad_cam, model, pixels)
    assert cache.stats.entries == 0
    assert_array_equal(through(cache, xl.grad_cam, model, pixels).logits, xl.grad_cam(model, pixels).logits)


def test_those_who_wait_for_a_computation_that_raises_get_a_value() -> None:
    cache, calls, lock = Memo(10_000), [], threading.Lock()

    def fails_first() -> np.ndarray:
        with lock:
            calls.append(None)
            first = len(calls) == 1
        time.sleep(0.05)  # time for the others to start waiting
        if first:
            raise RuntimeError("stopped")
        return block(7)

    found = together(lambda: cache.get("key", fails_first))
    failed = [one for one in found if isinstance(one, RuntimeError)]
    assert (len(failed), len(calls)) == (1, 2)
    assert sum(int(one[0]) for one in found if isinstance(one, np.ndarray)) == 7 * (THREADS - 1)


def test_a_value_that_cannot_be_kept_leaves_nobody_waiting() -> None:
    cache, started = Memo(10_000), threading.Event()

    def unkeepable() -> Any:
        started.wait(timeout=60)
        return "text"

    outcomes: list[BaseException] = []

    def ask() -> None:
        try:
            cache.get("key", unkeepable)
        except xl.InputError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    started.set()
    for thread in threads:
        thread.join(timeout=2)
    assert len(outcomes) == 3


def test_the_least_recently_used_entry_makes_room() -> None:
    cache = Memo(3 * (1000 + OVERHEAD))
    for number in (0, 1, 2):
        cache.get(number, lambda number=number: block(number))
    cache.get(0, lambda: block(99))  # used again: a hit
    cache.get(3, lambda: block(3))  # 1 is now the oldest
    found = {key: int(cache.get(key, lambda: block(77))[0]) for key in (0, 2, 3)}
    assert found == {0: 0, 2: 2, 3: 3}
    assert int(cache.get(1, lambda: block(77))[0]) == 77


def test_the_bytes_held_never_exceed_the_bound() -> None:
    cache = Memo(10_000)
    for number in range(50):
        cache.get(number, lambda number=number: block(number, 100 + 137 * (number % 20)))
        assert cache.stats.bytes <= 10_000


def test_a_value_too_big_is_handed_out_but_not_kept() -> None:
    cache = Memo(2000)
    cache.get("small", lambda: block(1, 100))
    assert int(cache.get("big", lambda: block(9, 5000)).sum()) == 9 * 5000
    assert (cache.stats.entries, cache.stats.bytes) == (1, 100 + OVERHEAD)


def test_stats_count_hits_misses_entries_and_bytes() -> None:
    cache = Memo(10_000)
    for key in ("a", "b", "a", "a"):
        cache.get(key, lambda: block(0))
    assert cache.stats == xl.CacheStats(hits=2, misses=2, entries=2, bytes=2 * (1000 + OVERHEAD), max_bytes=10_000)


def test_clearing_forgets_entries_and_keeps_the_counts() -> None:
    cache = Memo(10_000)
    cache.get("a", lambda: block(0))
    cache.clear()
    assert cache.stats == xl.CacheStats(hits=0, misses=1, entries=0, bytes=0, max_bytes=10_000)


def test_a_discarded_entry_is_computed_again() -> None:
    cache = Memo(10_000)
    cache.get("a", lambda: block(1))
    cache.discard("a")
    cache.discard("never there")
    assert int(cache.get("a", lambda: block(2))[0]) == 2


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_that_is_not_positive_is_refused(bound: int) -> None:
    with pytest.raises(xl.InputError, match=rf"max_bytes: {bound}; a number of bytes above 0"):
        xl.ExplainCache(bound)


def test_maps_are_those_of_the_uncached_functions_bit_by_bit(tutorial: xl.Model, study: np.ndarray) -> None:
    cache, layers, target = xl.ExplainCache(), ["conv1", "relu2"], xl.Target(3, minus=5)
    for _ in range(2):  # computed, then kept
        cams = through(cache, xl.grad_cam, tutorial, study, layers, target)
        assert_array_equal(cams["relu2"].signed, xl.grad_cam(tutorial, study, layers, target)["relu2"].signed)
        package = through(cache, xl.package_grad_cam, tutorial, study, layers, target, variant="layercam")
        assert_array_equal(package, xl.package_grad_cam(tutorial, study, layers, target, variant="layercam"))
        found = through(cache, xl.heatmap, tutorial, study, xl.NOTEBOOK_MANUAL, target)
        assert_array_equal(found, xl.heatmap(tutorial, study, xl.NOTEBOOK_MANUAL, target))
    assert (cache.stats.hits, cache.stats.misses) == (3, 3)


CONFIGURATIONS = [
    STUDY_MANUAL,
    STUDY_PACKAGE,
    xl.Configuration(),
    xl.Configuration("manual", xl.NOTEBOOK_PACKAGE),
    *(
        parse_configuration(text)
        for text in ("package", "package;variant=layercam", "package;layers=conv1", "manual;relu=false")
    ),
]


def test_configured_maps_are_those_of_the_uncached_function_bit_by_bit(tutorial: xl.Model, study: np.ndarray) -> None:
    cache, target = xl.ExplainCache(), xl.Target(3, minus=5)
    rights = [xl.configured_heatmap(tutorial, study, configuration, target) for configuration in CONFIGURATIONS]
    for _ in range(2):  # computed, then kept
        for configuration, right in zip(CONFIGURATIONS, rights, strict=True):
            assert_array_equal(through(cache, xl.configured_heatmap, tutorial, study, configuration, target), right)
    assert (cache.stats.hits, cache.stats.misses) == (len(CONFIGURATIONS), len(CONFIGURATIONS))


def test_a_configured_map_is_computed_once_and_another_configuration_anew(tutorial: xl.Model, study: np.ndarray) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    for configuration in CONFIGURATIONS * 2:
        counting(cache, counted, xl.configured_heatmap, tutorial, study, configuration)
    assert counted.count == len(CONFIGURATIONS)
    counting(cache, counted, xl.configured_heatmap, tutorial, study, STUDY_PACKAGE, 4)
    assert counted.count == len(CONFIGURATIONS) + 1


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


def test_another_average_is_another_entry(model: xl.Model) -> None:
    cache, counted, pixels = xl.ExplainCache(), Counted(), noise(5)
    for arguments in (
        (pixels, "body.2"),
        (pixels, "body.0"),
        (pixels, "body.2", 1),
        (pixels[:4], "body.2"),
        (noise(5), "body.2"),
    ):
        counting(cache, counted, xl.average_map, model, *arguments)
    counting(cache, counted, xl.grad_cam, model, pixels, "body.2")
    assert (counted.count, cache.stats.hits) == (5, 1)


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


def test_the_same_request_in_other_words_is_the_same_entry(model: xl.Model) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    frozen = noise(2)
    frozen.flags.writeable = False
    for request in (
        asked(model),
        asked(model, layers=("body.0",)),
        asked(model, pixels=frozen),
        asked(model, pixels=np.asfortranarray(noise(2))),
    ):
        counting(cache, counted, xl.grad_cam, **request)
    assert counted.count == 1


def test_other_settings_are_another_entry(tutorial: xl.Model, study: np.ndarray) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    for settings in (xl.PAPER, xl.CamSettings(), xl.NOTEBOOK_MANUAL, xl.NOTEBOOK_PACKAGE, xl.CamSettings(exponent=2.0)):
        counting(cache, counted, xl.heatmap, tutorial, study, settings)
    assert counted.count == 5


def test_another_variant_of_the_package_is_another_entry(model: xl.Model) -> None:
    cache, counted = xl.ExplainCache(), Counted()
    for variant in ("grad-cam", "hirescam", "layercam", "grad-cam++"):
        counting(cache, counted, xl.package_grad_cam, model, noise(2), "body.0", variant=variant)
    assert counted.count == 4


def test_pixels_changed_in_place_are_another_request(model: xl.Model) -> None:
    cache, pixels = xl.ExplainCache(), noise(1)
    before = through(cache, xl.grad_cam, model, pixels)["body.2"].signed
    pixels[:] = 255 - pixels
    after = through(cache, xl.grad_cam, model, pixels)["body.2"].signed
    assert np.abs(before - after).max() > 1e-4


def test_a_weight_changed_in_place_makes_another_request(ledger: Any) -> None:
    model, cache, pixels = model_of(seeded(plain)), xl.ExplainCache(), noise(1)
    before = through(cache, xl.grad_cam, model, pixels).logits
    with torch.no_grad():
        model.network.fc.bias.add_(1)
    ledger.expect(model.network)
    np.testing.assert_allclose(through(cache, xl.grad_cam, model, pixels).logits, before + 1, atol=1e-5)


def test_what_the_cache_hands_out_cannot_be_written_to(model: xl.Model) -> None:
    cache, pixels = xl.ExplainCache(), noise(1)
    arrays = [
        cache.images().pixels,
        cache.predictions("captum-tutorial").probabilities,
        through(cache, xl.grad_cam, model, pixels)["body.0"].map,
        through(cache, xl.package_grad_cam, model, pixels, "body.0"),
        through(cache, xl.heatmap, model, pixels, xl.PAPER),
        through(cache, xl.configured_heatmap, model, pixels, xl.Configuration()),
        through(cache, xl.configured_heatmap, model, pixels, parse_configuration("package")),
        through(cache, xl.average_map, model, pixels, "body.0").map,
    ]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


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


def test_what_is_kept_can_be_looked_up_without_computing_or_counting() -> None:
    entries = Memo(10_000)
    assert entries.kept("a") is None
    entries.get("a", lambda: b"one")
    before = entries.stats
    assert entries.kept("a") == b"one"
    assert entries.kept("b") is None
    assert entries.stats == before
