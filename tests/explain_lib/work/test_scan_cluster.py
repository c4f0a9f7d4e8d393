"""A scan on a Dask cluster of two processes: the same rows in order, whatever happens to a worker, or a sentence."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker
from scan_samples import assert_same_rows, scan_batch, wait_until

import explain_lib as xl
from explain_lib.__main__ import main
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest, ScanRows
from explain_lib.networks.requests import join_rows
from explain_lib.pictures.sets import pixels_digest
from explain_lib.work.cluster import Batch, compute_batch, scan_on_cluster
from explain_lib.work.scan_files import scan_to_file

ROOT = Path(__file__).parents[3]
NAME = "captum-tutorial"
IMAGES = 9 * SCAN_BATCH + 40


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with pytest.MonkeyPatch.context() as patch:
        # a new process begins by importing the main module, which is a page of the dashboard once Streamlit's tests have run
        patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as running:
            yield running


@pytest.fixture(scope="module")
def asked(tutorial: xl.Model, images: xl.ImageSet) -> ScanRequest:
    chosen = np.random.default_rng(0).choice(len(images.pixels), IMAGES, replace=False)
    return ScanRequest(tutorial, images.pixels, chosen, STUDY_MANUAL, STUDY_PACKAGE, 3)


@pytest.fixture(scope="module")
def quick(asked: ScanRequest) -> ScanRequest:
    """The same without causes."""
    return replace(asked, causes=False, images=np.arange(IMAGES))


def test_a_killed_worker_changes_nothing(cluster: LocalCluster, asked: ScanRequest) -> None:
    """The rows are those that are computed here, bit for bit, in the order of the request."""
    rows = scan_on_cluster(asked, NAME, cluster.scheduler_address)
    parts = [next(rows)]
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        pids = client.run(os.getpid)
    assert len(set(pids.values()) | {os.getpid()}) == 3
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    parts += rows
    assert [len(part) for part in parts] == [SCAN_BATCH] * 9 + [40]
    assert_same_rows(join_rows(parts), join_rows(list(asked.rows())))


def test_the_command_writes_the_same_file_from_a_cluster(cluster: LocalCluster, tmp_path: Path) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    options = ["scan", "--images", "0-449", "--target", "3"]
    assert main([*options, "--out", str(here)]) == 0
    assert main([*options, "--out", str(there), "--scheduler", cluster.scheduler_address]) == 0
    assert there.read_bytes() == here.read_bytes()


def test_an_error_on_a_worker_is_the_error_here(cluster: LocalCluster, tutorial: xl.Model, images: xl.ImageSet) -> None:
    wrong = ScanRequest(tutorial, images.pixels, np.arange(4), parse_configuration("manual;layers=conv9"), STUDY_PACKAGE)
    with pytest.raises(xl.LayerError, match="unknown layer 'conv9'"):
        list(scan_on_cluster(wrong, NAME, cluster.scheduler_address))


def test_how_many_threads_changes_no_bit(tutorial: xl.Model, images: xl.ImageSet) -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(scan_batch(tutorial, images.pixels, np.arange(SCAN_BATCH), STUDY_MANUAL, STUDY_PACKAGE, package=True))
    finally:
        torch.set_num_threads(before)
    assert_same_rows(found[1], found[0])
    assert_same_rows(found[2], found[0])


def order(asked: ScanRequest, **changed: Any) -> Batch:
    model, pixels = asked.model, asked.pixels
    values = {
        "name": NAME,
        "device": "cpu",
        "digest": model.digest,
        "pixels_digest": pixels_digest(pixels),
        "images": asked.images[:8],
        "a": asked.a,
        "b": asked.b,
        "targets": None,
        "causes": True,
        "package": False,
    }
    return Batch(**{**values, **changed})


def test_a_worker_computes_what_is_computed_here(asked: ScanRequest) -> None:
    expected = scan_batch(asked.model, asked.pixels, asked.images[:8], asked.a, asked.b)
    assert_same_rows(compute_batch(order(asked)), expected)


@pytest.mark.parametrize("changed", [{"digest": "another"}, {"pixels_digest": "another"}])
def test_a_worker_with_another_model_or_other_images_says_so(changed: dict[str, str], asked: ScanRequest) -> None:
    with pytest.raises(xl.DataError, match=f"^the worker on {socket.gethostname()} has another 'captum-tutorial' or other"):
        compute_batch(order(asked, **changed))


class Promise:
    def __init__(self, client: "Pretended", compute: Callable[[], Any]) -> None:
        self.client, self.compute = client, compute

    def result(self, timeout: float) -> Any:  # noqa: ARG002
        self.client.open -= 1
        return self.compute()


class Pretended:
    """A client of a cluster of three threads that computes here, and counts the batches that are under way."""

    def __init__(self, fails: BaseException | None = None) -> None:
        self.open = self.most = 0
        self.fails = fails

    def submit(self, function: Callable[[Batch], Any], batch: Batch, /, *, pure: bool, retries: int) -> Promise:
        assert (pure, retries > 0) == (False, True)
        self.open += 1
        self.most = max(self.most, self.open)

        def compute() -> Any:
            if self.fails is not None:
                raise self.fails
            return function(batch)

        return Promise(self, compute)

    def nthreads(self) -> dict[str, int]:
        return {"one": 2, "two": 1}

    def __enter__(self) -> "Pretended":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Pretended], str]]:
    """Puts a client in the place of distributed's own; gives the address that it is to be connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def put(client: Pretended) -> str:
            monkeypatch.setattr("distributed.Client", lambda *_, **__: client)
            return f"tcp://127.0.0.1:{listening.getsockname()[1]}"

        yield put


def test_no_more_batches_are_under_way_than_keep_the_workers_busy(quick: ScanRequest, pretend: Callable[..., str]) -> None:
    client = Pretended()
    parts = list(scan_on_cluster(quick, NAME, pretend(client)))
    assert client.most == 6
    assert_same_rows(join_rows(parts), join_rows(list(quick.rows())))


LOST = [
    (KilledWorker("key", SimpleNamespace(address="tcp://worker"), 3), "a batch ended several workers"),
    (ConnectionResetError("gone"), r"'tcp://127\.0\.0\.1:\d+' is lost: gone; the address of a running Dask scheduler"),
]


@pytest.mark.parametrize(("error", "said"), LOST, ids=["worker", "scheduler"])
def test_what_is_lost_is_said(error: Exception, said: str, asked: ScanRequest, pretend: Callable[..., str]) -> None:
    with pytest.raises(xl.InputError, match=f"^scheduler: {said}"):
        list(scan_on_cluster(asked, NAME, pretend(Pretended(error))))


def test_workers_that_cannot_import_the_project_are_said(asked: ScanRequest, pretend: Callable[..., str]) -> None:
    error = RuntimeError("Error during deserialization")
    error.__cause__ = ModuleNotFoundError("No module named 'explain_lib'")
    with pytest.raises(xl.InputError, match=r"cannot import this project \(No module named 'explain_lib'\)"):
        list(scan_on_cluster(asked, NAME, pretend(Pretended(error))))


@pytest.fixture
def empty() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as running:
        yield running


def test_a_cluster_without_workers_is_said(empty: LocalCluster, quick: ScanRequest) -> None:
    with pytest.raises(xl.InputError, match=r"^scheduler: it has had no worker for 0\.5 seconds; .* would be right"):
        list(scan_on_cluster(quick, NAME, empty.scheduler_address, worker_seconds=0.5))


def test_a_scheduler_that_goes_away_is_said(empty: LocalCluster, quick: ScanRequest) -> None:
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(list, scan_on_cluster(quick, NAME, empty.scheduler_address))
        wait_until(lambda: len(empty.scheduler.tasks) == 2)
        empty.close()
        with pytest.raises(xl.InputError, match=r"^scheduler: 'tcp://.*' is lost: "):
            found.result(timeout=20)


def test_a_scheduler_that_is_not_there_is_said_at_once(asked: ScanRequest) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(xl.InputError, match=f"^scheduler: '{address}' is not reached: .*would be right$"):
            list(scan_on_cluster(asked, NAME, address))
    for wrong in ("nonsense", "foo://here:1", ""):
        with pytest.raises(xl.InputError, match=f"^scheduler: '{wrong}' is not reached: "):
            list(scan_on_cluster(asked, NAME, wrong))


def test_a_missing_package_is_said(asked: ScanRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(xl.InputError, match=r"distributed is missing .*pip install -r requirements-cluster\.txt"):
        list(scan_on_cluster(asked, NAME, "tcp://127.0.0.1:1"))


def test_a_model_that_is_not_bundled_is_said(asked: ScanRequest) -> None:
    with pytest.raises(xl.InputError, match="unknown model 'my own'"):
        next(scan_on_cluster(asked, "my own", "tcp://127.0.0.1:1"))


def test_a_scan_that_is_left_releases_its_batches(cluster: LocalCluster, asked: ScanRequest) -> None:
    rows = scan_on_cluster(asked, NAME, cluster.scheduler_address)
    next(rows)
    rows.close()
    wait_until(lambda: not cluster.scheduler.tasks)


def start_worker(address: str) -> subprocess.Popen[bytes]:
    """A worker of one thread that nobody starts anew when it is killed."""
    options = ["--no-nanny", "--nthreads", "1", "--no-dashboard"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_scan_whose_every_worker_is_killed_says_so_and_goes_on_with_a_new_one(
    empty: LocalCluster, asked: ScanRequest, tmp_path: Path
) -> None:
    """It does not wait for ever, and what the workers had done is not done again."""
    address, path, labels = empty.scheduler_address, tmp_path / "scan.csv", np.zeros(10_000, np.int64)
    workers = [start_worker(address) for _ in range(2)]
    computed: list[int] = []

    def compute(rest: ScanRequest) -> Iterator[ScanRows]:
        for rows in scan_on_cluster(rest, NAME, address, worker_seconds=1.0):
            computed.extend(rows.images.tolist())
            yield rows
            if len(computed) == SCAN_BATCH:
                for worker in workers:
                    worker.kill()

    try:
        wait_until(lambda: len(empty.scheduler.workers) == 2, seconds=40)
        with pytest.raises(xl.InputError, match=r"^scheduler: it has had no worker for 1 seconds; .* would be right"):
            scan_to_file(asked, labels, path, compute=compute)
        assert SCAN_BATCH <= len(computed) < IMAGES
        workers.append(start_worker(address))
        wait_until(lambda: len(empty.scheduler.workers) == 1, seconds=40)
        rows = scan_to_file(asked, labels, path, compute=compute)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert computed == asked.images.tolist()
    assert_same_rows(rows, join_rows(list(asked.rows())))
