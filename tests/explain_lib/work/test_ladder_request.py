"""What a ladder is asked for: its fingerprint, its parts, in the background, and the cached batch."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from runs import through
from sample_networks import model_of, noise, plain, seeded
from scan_samples import job_threads, small_model, wait_until
from torch import Tensor

import explain_lib as xl
from explain_lib.base.run_context import Step
from explain_lib.passes.outputs import Read
from explain_lib.trust.ladder import ASKED_PER_IMAGE, LadderRequest, LadderRows, ladder_curves
from explain_lib.work.cache import ExplainCache
from explain_lib.work.jobs import Jobs


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


def asked(model: xl.Model, count: int = 10, **named: object) -> LadderRequest:
    given = {"layers": ("body.1", "body.3"), **named}
    return LadderRequest(model, noise(count), np.arange(count), **given)  # type: ignore[arg-type]  # the fields' own types


def assert_same(found: LadderRows, right: LadderRows) -> None:
    assert found.rungs == right.rungs
    for name in ("images", "predicted", "explained", "deletion", "insertion", "single_deletion", "edges", "centre", "flat"):
        np.testing.assert_array_equal(getattr(found, name), getattr(right, name))


def test_each_part_of_a_request_changes_its_fingerprint(model: xl.Model) -> None:
    requests = [
        asked(model),
        asked(model, 9),
        asked(model, layers=("body.3",)),
        asked(model, layers=("body.3", "body.1")),
        asked(model, target=1),
        asked(model, opinions="body.1"),
        asked(model, opinions="body.3"),
        LadderRequest(model, noise(10), np.arange(10)[::-1], ("body.1", "body.3")),
        LadderRequest(model, noise(10, seed=1), np.arange(10), ("body.1", "body.3")),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)
    assert asked(model).fingerprint == asked(small_model()).fingerprint


def test_in_the_background_it_finds_the_same_rows_and_keeps_each_batch(model: xl.Model) -> None:
    request, cache = asked(model, 40), ExplainCache()
    jobs = Jobs(cache)
    job = jobs.ask(request)
    wait_until(lambda: job.progress.state == "done")
    assert job.rows is not None
    right = request.join(list(request.rows()))
    assert_same(job.rows, right)
    before = cache.stats
    again = through(cache, request.all_rows)
    assert_same(again, right)
    assert (cache.stats.misses, cache.stats.hits - before.hits) == (before.misses, len(list(request.rows())))
    jobs.close()


def test_one_picked_image_is_computed_once(model: xl.Model) -> None:
    cache, pixels = ExplainCache(), noise(4)
    for _ in range(2):
        found = through(cache, ladder_curves, model, pixels, 2, ("body.3",))
    assert (cache.stats.misses, cache.stats.hits) == (1, 1)
    assert (found.rows.images.tolist(), found.maps.maps.shape) == ([2], (1, 5, 8, 8))
    through(cache, ladder_curves, model, pixels, 2, ("body.3",), 1)
    through(cache, ladder_curves, model, pixels, 3, ("body.3",))
    assert cache.stats.misses == 3


def test_at_another_layer_only_the_other_methods_are_asked(model: xl.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, pixels, seen = ExplainCache(), noise(4), [0]
    real = type(model).read_input

    def counted(self: xl.Model, batch: Tensor) -> Read:
        seen[-1] += len(batch)
        return real(self, batch)

    monkeypatch.setattr(type(model), "read_input", counted)
    for layer in ("body.1", "body.3", "body.1"):
        found = through(cache, ladder_curves, model, pixels, 2, ("body.1", "body.3"), None, layer)
        assert [rung.asked_at for rung in found.rows.rungs] == [None] * 3 + [layer] * 5 + [None] * 3
        seen.append(0)
    # 5 of 11 rows; the ends of curves are asked once for each part, and single patches once for all rows
    assert (seen[1] - 8) / 5 == (seen[0] - 16 - ASKED_PER_IMAGE) / 11 > 0
    assert seen[2] == 0


def test_what_is_wrong_is_said_before_anything_is_computed(model: xl.Model) -> None:
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        asked(model, layers=("conv9",))
    with pytest.raises(xl.LayerError, match="conv9"):
        asked(model, opinions="conv9")
    with pytest.raises(xl.InputError, match="targets: there is no class 7"):
        asked(model, target=7)
    with pytest.raises(xl.InputError, match="images: positions from 0 to 9"):
        LadderRequest(model, noise(10), np.array([10]))


# Section: large pictures


LARGE = 66


class Held(xl.ExplainCache):
    """A cache in whose runs a job waits for a permit before each row."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = threading.Semaphore(0)
        self.names: list[str] = []

    @contextmanager
    def running(self, cancel: Callable[[], None] | None = None, watch: Callable[[Step], None] | None = None) -> Iterator[None]:
        def wait(step: Step) -> None:
            assert watch is not None
            watch(step)
            if step.name not in self.names[-1:]:
                self.names.append(step.name)
                while not self.permits.acquire(timeout=0.02):
                    watch(step)

        with super().running(cancel, wait):
            yield


@pytest.fixture
def held() -> Iterator[tuple[Held, Jobs]]:
    cache = Held()
    jobs = Jobs(cache, idle_seconds=60)
    yield cache, jobs
    jobs.close()


def large(count: int = 2) -> LadderRequest:
    model = model_of(seeded(plain), side=LARGE)
    return LadderRequest(model, noise(count, LARGE), np.arange(count), ("body.1", "body.3"))


def test_the_rows_of_a_picture_are_shown_and_told_one_by_one(held: tuple[Held, Jobs]) -> None:
    cache, jobs = held
    job = jobs.ask(large())
    wait_until(lambda: len(cache.names) == 1)
    assert job.rows is None
    cache.permits.release(2)
    wait_until(lambda: len(cache.names) == 3)
    progress = job.progress
    assert (progress.state, progress.images, progress.total) == ("running", 0, 2)
    assert progress.step is not None
    assert (progress.step.name, progress.step.done, progress.step.total) == (cache.names[2], 2, 6)
    assert progress.share == pytest.approx(2 / 6 / 2)
    assert progress.seconds_left is not None
    assert job.rows is not None
    assert {rung.name for rung in job.rows.rungs} == set(cache.names[:2])
    cache.permits.release(100)
    wait_until(lambda: job.progress.state == "done")
    assert_same(job.rows, large().all_rows())
    assert (job.progress.share, job.progress.step) == (1, None)


def test_a_stopped_ladder_keeps_its_rows_and_goes_on_at_the_next(held: tuple[Held, Jobs]) -> None:
    cache, jobs = held
    job = jobs.ask(large(1))
    cache.permits.release(3)
    wait_until(lambda: len(cache.names) == 4)
    job.stop()
    wait_until(lambda: job_threads() == [])
    assert (job.progress.state, job.was_left) == ("stopped", False)
    assert job.rows is not None
    assert len(job.rows.rungs) == 3
    before = list(cache.names)
    cache.permits.release(100)
    jobs.ask(large(1))
    wait_until(lambda: job.progress.state == "done")
    assert cache.names[len(before) - 1 :][0] == before[-1]  # the row that it was stopped in is the first one now
    assert len(set(cache.names)) == 6
    assert all(cache.names.count(name) == 1 for name in before[:-1])
    assert_same(job.rows, large(1).all_rows())


def test_a_ladder_that_nobody_looks_at_is_left_and_another_job_finds_its_rows(held: tuple[Held, Jobs]) -> None:
    cache, jobs = held
    job = jobs.ask(large(1), idle_seconds=0.3)
    cache.permits.release(2)
    wait_until(lambda: job.progress.state == "running" and len(cache.names) == 3)  # while it is looked at
    wait_until(lambda: job_threads() == [])
    assert job.was_left
    assert job.rows is not None
    done = len(job.rows.rungs)
    assert done == 2
    cache.permits.release(100)
    again = Jobs(cache)
    other = again.ask(large(1))
    wait_until(lambda: other.progress.state == "done")
    again.close()
    assert all(cache.names.count(name) == 1 for name in cache.names[:done])
