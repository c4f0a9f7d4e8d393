"""Scans in the background: shared, stopped, resumed, abandoned, one at a time, and never in anybody's way."""

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sample_networks import noise
from scan_samples import assert_same_rows, job_threads, request, small_model, wait_until

import explain_lib as xl
from explain_lib.base.run_context import checkpoint
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest, ScanRows
from explain_lib.networks.requests import join_rows
from explain_lib.work.jobs import BROKE_OFF, Job, Jobs, shared_jobs

ROOT = Path(__file__).parents[3]
THREADS = 12
BATCHES = 6
IMAGES = BATCHES * SCAN_BATCH - 50


class Gate(xl.ExplainCache):
    """A cache before which each batch of a job waits for a permit; counts those under way and can be told to raise."""

    def __init__(self, permits: int = 0) -> None:
        super().__init__()
        self.permits = threading.Semaphore(permits)
        self.leave = threading.Event()
        self.leave.set()
        self.entered: list[int] = []
        self.inside = self.most_inside = 0
        self.raises: dict[int, BaseException] = {}

    def let_in(self, batch: ScanRequest, compute: Callable[[ScanRequest], ScanRows]) -> ScanRows:
        if threading.current_thread() not in job_threads():
            return compute(batch)
        self.entered.append(int(batch.images[0]))
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            assert self.permits.acquire(timeout=30)
            if self.entered[-1] in self.raises:
                raise self.raises.pop(self.entered[-1])
            rows = compute(batch)
            assert self.leave.wait(timeout=30)
            return rows
        finally:
            self.inside -= 1

    def open(self) -> None:
        self.permits.release(10_000)


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made, compute = Gate(), ScanRequest.at_once
    monkeypatch.setattr(ScanRequest, "at_once", lambda batch: made.let_in(batch, compute))
    return made


@pytest.fixture
def jobs(gate: Gate) -> Iterator[Jobs]:
    made = Jobs(gate)
    yield made
    gate.open()
    made.close()
    assert job_threads() == []


def state(job: Job[ScanRows]) -> str:
    return job.progress.state


def wait_for(job: Job[ScanRows], *states: str) -> None:
    wait_until(lambda: state(job) in states)


def assert_whole(job: Job[ScanRows], asked: ScanRequest) -> None:
    """The job ends, with the rows that the request gives where nothing happens."""
    wait_for(job, "done")
    assert job.rows is not None
    assert_same_rows(job.rows, join_rows(list(asked.rows())))


def let_through(gate: Gate, job: Job[ScanRows], batches: int) -> None:
    done = job.progress.images
    gate.permits.release(batches)
    wait_until(lambda: job.progress.images == min(done + batches * SCAN_BATCH, IMAGES))


def test_a_job_gives_the_rows_of_a_scan(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    asked = request(model, IMAGES)
    gate.open()
    job = jobs.ask(asked)
    assert_whole(job, asked)
    progress = job.progress
    assert (progress.images, progress.total, progress.seconds_left, progress.error) == (IMAGES, IMAGES, 0.0, None)
    assert progress.speed is not None
    assert progress.speed > 0


def test_progress_on_the_way(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    job = jobs.ask(request(model, IMAGES))
    wait_for(job, "running")
    assert (job.progress.images, job.progress.speed, job.progress.seconds_left, job.rows) == (0, None, None, None)
    started = time.monotonic()
    let_through(gate, job, 1)
    let_through(gate, job, 1)
    took = time.monotonic() - started
    progress = job.progress
    assert (progress.state, progress.images, progress.total) == ("running", 2 * SCAN_BATCH, IMAGES)
    assert progress.speed is not None
    assert progress.speed * took < 3 * 2 * SCAN_BATCH  # about two batches in that time; the pace began before
    assert progress.seconds_left == pytest.approx((IMAGES - 2 * SCAN_BATCH) / progress.speed)
    assert job.rows is not None
    assert len(job.rows) == 2 * SCAN_BATCH


def test_many_who_ask_for_the_same_scan_share_one(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    gate.open()
    barrier = threading.Barrier(THREADS)
    equal = [request(small_model(), IMAGES) for _ in range(THREADS)]

    def ask(asked: ScanRequest) -> Job[ScanRows]:
        barrier.wait(timeout=30)
        return jobs.ask(asked)

    with ThreadPoolExecutor(THREADS) as pool:
        found = set(pool.map(ask, equal))
    assert len(found) == 1
    job = found.pop()
    wait_for(job, "done")
    assert jobs.ask(request(model, IMAGES)) is job
    assert jobs.find(request(model, IMAGES)) is job
    assert (gate.stats.misses, gate.stats.hits, len(gate.entered)) == (BATCHES, 0, BATCHES)


def test_to_look_for_a_scan_starts_nothing(model: xl.Model, jobs: Jobs) -> None:
    assert jobs.find(request(model, IMAGES)) is None
    assert job_threads() == []
    job = jobs.ask(request(model, IMAGES))
    job.stop()
    assert jobs.find(request(model, IMAGES)) is job
    assert state(job) == "stopped"


def test_a_stopped_scan_goes_on_where_it_stood(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    asked = request(model, IMAGES)
    job = jobs.ask(asked)
    let_through(gate, job, 2)
    wait_until(lambda: len(gate.entered) == 3)
    job.stop()
    gate.permits.release()  # the batch that it waits in is left before it is computed
    wait_until(lambda: job_threads() == [])
    progress, rows = job.progress, job.rows
    assert (progress.state, progress.images, progress.seconds_left) == ("stopped", 2 * SCAN_BATCH, None)
    assert rows is not None
    assert len(rows) == 2 * SCAN_BATCH
    assert gate.stats.entries == 2  # the third was left on its way into the network
    gate.open()
    assert jobs.ask(request(model, IMAGES)) is job
    assert_whole(job, asked)
    assert gate.entered == [0, 200, 400, 400, 600, 800, 1000]
    assert gate.stats.entries == BATCHES


def test_a_batch_that_was_computed_when_the_scan_was_stopped_is_in_the_cache(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    asked = request(model, IMAGES)
    gate.open()
    gate.leave.clear()
    job = jobs.ask(asked)
    wait_until(lambda: gate.stats.entries == 1)
    job.stop()
    gate.leave.set()
    wait_until(lambda: job_threads() == [])
    assert (state(job), job.progress.images, job.rows) == ("stopped", 0, None)
    jobs.ask(asked)
    assert_whole(job, asked)
    assert (gate.stats.misses, gate.stats.hits) == (BATCHES, 1)


def test_a_stopped_scan_ends_in_less_than_half_a_second(tutorial: xl.Model, images: xl.ImageSet) -> None:
    jobs = Jobs(xl.ExplainCache())
    job = jobs.ask(ScanRequest(tutorial, images.pixels, np.arange(10_000), STUDY_MANUAL, STUDY_PACKAGE))
    wait_until(lambda: job.progress.images >= SCAN_BATCH)
    started = time.monotonic()
    job.stop()
    wait_until(lambda: job_threads() == [])
    assert time.monotonic() - started < 0.5
    assert 0 < job.progress.images < 10_000


def test_a_scan_asked_for_again_while_it_stops_goes_on(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    asked = request(model, IMAGES)
    job = jobs.ask(asked)
    let_through(gate, job, 1)
    wait_until(lambda: len(gate.entered) == 2)
    job.stop()
    assert state(job) == "stopped"
    assert jobs.ask(asked) is job
    assert state(job) == "waiting"
    gate.open()
    assert_whole(job, asked)


def test_what_a_stopped_scan_had_is_not_computed_again_once_it_is_forgotten(model: xl.Model, gate: Gate) -> None:
    first, second = Jobs(gate), Jobs(gate)
    job = first.ask(request(model, IMAGES))
    let_through(gate, job, 3)
    first_rows = job.rows
    gate.open()
    first.close()
    done = gate.stats.entries
    again = second.ask(request(model, IMAGES))
    wait_for(again, "done")
    assert done >= 3
    assert gate.stats.hits == done
    assert again.rows is not None
    assert first_rows is not None
    np.testing.assert_array_equal(again.rows.mae[: len(first_rows)], first_rows.mae)


def test_a_scan_that_nobody_looks_at_ends(model: xl.Model, gate: Gate) -> None:
    jobs = Jobs(gate, idle_seconds=0.3)
    job = jobs.ask(request(model, IMAGES))
    wait_until(lambda: len(gate.entered) == 1)
    time.sleep(0.4)
    gate.open()
    wait_until(lambda: job_threads() == [])
    assert job.is_settled
    assert (state(job), job.progress.images) == ("stopped", 0)
    jobs.ask(request(model, IMAGES))
    wait_for(job, "done")


def test_a_scan_that_is_looked_at_does_not_end(model: xl.Model, gate: Gate) -> None:
    jobs = Jobs(gate, idle_seconds=0.3)
    job = jobs.ask(request(model, IMAGES))
    for _ in range(BATCHES):  # longer than the time that it runs on its own
        for _ in range(5):
            assert job.progress.state == "running" or len(gate.entered) == 0
            time.sleep(0.03)
        gate.permits.release()
    wait_for(job, "done")


def test_a_scan_that_waits_and_that_nobody_looks_at_never_starts(model: xl.Model, gate: Gate) -> None:
    jobs = Jobs(gate, idle_seconds=0.3)
    first, second = jobs.ask(request(model, IMAGES)), jobs.ask(request(model, 300, seed=1))
    for _ in range(8):
        time.sleep(0.05)
        assert first.progress.state == "running"
    gate.open()
    wait_for(first, "done")
    wait_until(lambda: job_threads() == [])
    assert state(second) == "stopped"
    assert len(gate.entered) == BATCHES


def test_one_scan_computes_at_a_time(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    several = [jobs.ask(request(model, 450, seed=seed)) for seed in range(4)]
    wait_for(several[0], "running")
    assert [state(job) for job in several] == ["running", "waiting", "waiting", "waiting"]
    assert several[1].progress.seconds_left is None
    several[2].stop()
    assert state(several[2]) == "stopped"
    gate.open()
    for job in (several[0], several[1], several[3]):
        wait_for(job, "done")
    assert state(several[2]) == "stopped"
    assert (gate.most_inside, len(gate.entered)) == (1, 9)
    assert_whole(several[1], request(model, 450, seed=1))


def test_settled_scans_beyond_the_last_ones_are_forgotten(model: xl.Model, gate: Gate) -> None:
    gate.open()
    jobs = Jobs(gate, kept=2)
    kept: list[weakref.ref[Job[ScanRows]]] = []
    for seed in range(5):
        job = jobs.ask(request(model, 8, seed=seed))
        wait_for(job, "done")
        kept.append(weakref.ref(job))
    del job
    wait_until(lambda: job_threads() == [])
    gc.collect()
    assert [found() is not None for found in kept] == [False, False, False, True, True]
    assert jobs.find(request(model, 8, seed=3)) is kept[3]()  # asked for last
    jobs.ask(request(model, 8, seed=9))
    wait_until(lambda: job_threads() == [])
    gc.collect()
    assert [found() is not None for found in kept] == [False, False, False, True, False]


def test_a_scan_that_runs_is_not_forgotten(model: xl.Model, gate: Gate) -> None:
    jobs = Jobs(gate, kept=1)
    first = jobs.ask(request(model, IMAGES))
    for seed in range(1, 5):
        jobs.ask(request(model, 8, seed=seed)).stop()
    assert jobs.find(request(model, IMAGES)) is first
    gate.open()
    wait_for(first, "done")


def test_a_finished_scan_holds_its_rows_once(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    gate.open()
    job = jobs.ask(request(model, IMAGES))
    wait_for(job, "done")
    rows = job.rows
    assert rows is job.rows
    gate.entries.clear()
    gc.collect()
    held = [one for one in gc.get_objects() if type(one) is ScanRows and one.images[-1] == IMAGES - 1]
    assert [len(one) for one in held] == [IMAGES]


def test_a_batch_that_fails_ends_the_scan_with_its_sentence(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    sentence = "network: it cannot be run; another would be right"
    gate.raises[400] = xl.NetworkError(sentence)
    gate.open()
    job = jobs.ask(request(model, IMAGES))
    wait_for(job, "failed")
    assert (job.progress.error, job.progress.images) == (sentence, 400)
    assert job.rows is not None
    assert len(job.rows) == 400
    jobs.ask(request(model, IMAGES))
    wait_for(job, "done")
    assert job.progress.error is None
    assert gate.entered == [0, 200, 400, 400, 600, 800, 1000]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_ends_one_scan_and_not_the_others(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    gate.raises[200] = ZeroDivisionError("a fault")
    first, second = jobs.ask(request(model, IMAGES)), jobs.ask(request(model, 450, seed=1))
    gate.open()
    wait_for(first, "failed")
    assert (first.progress.error, first.progress.images) == (BROKE_OFF, SCAN_BATCH)
    wait_for(second, "done")


def test_others_use_the_network_while_a_scan_runs(model: xl.Model, gate: Gate, jobs: Jobs) -> None:
    """Between two passes of the scan the network is free."""
    job = jobs.ask(request(model, IMAGES))
    let_through(gate, job, 2)
    wait_until(lambda: len(gate.entered) == 3)
    with ThreadPoolExecutor(1) as pool:
        maps = pool.submit(xl.heatmap, model, noise(2), xl.PAPER).result(timeout=10)
    assert maps.shape == (2, 8, 8)
    assert state(job) == "running"


def test_others_get_their_turn_while_a_scan_computes(model: xl.Model) -> None:
    jobs = Jobs(xl.ExplainCache())
    job = jobs.ask(request(model, 80 * SCAN_BATCH, causes=True))
    wait_until(lambda: job.progress.images > 0)
    answered = 0
    while job.progress.state == "running" and answered < 10:
        xl.heatmap(model, noise(2), xl.PAPER)
        answered += 1
    jobs.close()
    assert answered == 10


def test_closing_stops_all(model: xl.Model, gate: Gate) -> None:
    jobs = Jobs(gate)
    several = [jobs.ask(request(model, IMAGES, seed=seed)) for seed in range(3)]
    wait_for(several[0], "running")
    gate.open()
    jobs.close()
    assert job_threads() == []
    assert {state(job) for job in several} <= {"stopped", "done"}
    assert state(several[2]) == "stopped"


def test_the_scans_of_a_process_are_the_same_for_all() -> None:
    assert shared_jobs() is shared_jobs("cpu")
    assert shared_jobs().cache is xl.shared_cache()


def test_a_process_ends_while_a_scan_runs() -> None:
    code = (
        "import time, numpy as np, explain_lib as xl\n"
        "from explain_lib.cam.configuration import STUDY_MANUAL as a, STUDY_PACKAGE as b\n"
        "from explain_lib.work.jobs import shared_jobs\n"
        "from explain_lib.compare.scan import ScanRequest\n"
        "jobs = shared_jobs()\n"
        "model, images = jobs.cache.model('captum-tutorial'), jobs.cache.images()\n"
        "job = jobs.ask(ScanRequest(model, images.pixels, np.arange(10_000), a, b))\n"
        "while not job.progress.images: time.sleep(0.01)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_job_that_is_stopped_leaves_its_batch_at_the_next_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    def long_batch(asked: ScanRequest) -> ScanRows:
        for turn in range(500):
            checkpoint()
            turns.append(turn)
            time.sleep(0.01)
        raise AssertionError(f"{len(asked)} images were computed to the end")

    monkeypatch.setattr(ScanRequest, "compute", long_batch)
    jobs = Jobs(xl.ExplainCache())
    job = jobs.ask(request(small_model(), 4))
    wait_until(lambda: len(turns) > 0)
    job.stop()
    jobs.close()
    assert job.progress.state == "stopped"
    assert 0 < len(turns) < 500
