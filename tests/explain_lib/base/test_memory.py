"""Allocations that fail in the middle of a map: a sentence, nothing left behind, and the next request works."""

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from runs import through
from sample_networks import model_of, noise
from scan_samples import request, wait_until
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.base.memory import enough_memory
from explain_lib.cam.configuration import parse_configuration
from explain_lib.cam.other_programs import third_opinion
from explain_lib.work.jobs import Jobs

ABSURD = 2**60
Where = Literal["nowhere", "forward", "backward", "NumPy"]


class GreedyBackward(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return gradient + torch.empty(ABSURD, dtype=torch.uint8)[0]


class Greedy(nn.Module):
    """Two convolutions; between them it asks for an exbibyte where it is told to."""

    where: Where = "nowhere"

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu, self.last = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3)
        self.fc = nn.Linear(4, 2)
        self.made: list[weakref.ref[Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.first(x))
        self.made.append(weakref.ref(x))
        if self.where == "forward":
            x = x + torch.empty(ABSURD, dtype=torch.uint8)[0]
        if self.where == "NumPy":
            x = x + float(np.empty(ABSURD, np.uint8)[0])
        if self.where == "backward":
            x = GreedyBackward.apply(x)
        return self.fc(self.last(x).mean((2, 3)))


@pytest.fixture
def greedy() -> xl.Model:
    torch.manual_seed(3)
    return model_of(Greedy())


PIXELS = noise(3)
FIRST, LAST = (parse_configuration(f"manual;layers={name}") for name in ("first", "last"))
ASKED: dict[str, Callable[[xl.Model], Any]] = {
    "grad_cam": lambda model: xl.grad_cam(model, PIXELS, ["first", "last"], 1)["first"].signed,
    "heatmap": lambda model: xl.heatmap(model, PIXELS, xl.CamSettings(("first",)), 1),
    "package": lambda model: xl.package_grad_cam(model, PIXELS, ["first", "last"], 1),
    "completeness": lambda model: xl.completeness(model, PIXELS[0], "first", 1).score,
    "torch-cam": lambda model: third_opinion("torch-cam", model, PIXELS, "first", 1),
    "captum": lambda model: third_opinion("captum", model, PIXELS, "first", 1),
}
GREEDY_AT: tuple[Where, ...] = ("forward", "backward", "NumPy")


def set_where(model: xl.Model, where: Where) -> None:
    model.network.where = where  # type: ignore[assignment]


def in_another_thread(compute: Callable[[], Any]) -> Any:
    """Where a lock would be in the way if it was still held."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(compute).result(timeout=20)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("where", GREEDY_AT)
def test_a_failed_allocation_is_said_and_the_next_request_works(asked: str, where: Where, greedy: xl.Model) -> None:
    """That no hook, gradient or mode is left is seen by every test's own check of its networks."""
    right = ASKED[asked](greedy)
    set_where(greedy, where)
    said = r"^(network|pixels): .* needs more memory than is available \((1,073,741,824\.0 GiB|1\.00 EiB) in one piece\); "
    with pytest.raises(xl.TooLargeError, match=said + "fewer pictures or layers at a time, smaller pictures, or a smaller"):
        ASKED[asked](greedy)
    set_where(greedy, "nowhere")
    np.testing.assert_array_equal(in_another_thread(lambda: ASKED[asked](greedy)), right)


def test_the_sentence_names_what_was_too_large(greedy: xl.Model) -> None:
    set_where(greedy, "forward")
    with pytest.raises(xl.TooLargeError, match=r"^network: a forward pass over a batch of shape \(3, 3, 8, 8\) needs"):
        greedy.predict(PIXELS)
    set_where(greedy, "backward")
    with pytest.raises(xl.TooLargeError, match=r"^network: a backward pass over a batch of 3, to 2 places, needs"):
        ASKED["grad_cam"](greedy)


@pytest.mark.parametrize("where", GREEDY_AT)
def test_what_was_computed_by_then_is_let_go_at_once(where: Where, greedy: xl.Model) -> None:
    set_where(greedy, where)
    gc.disable()
    try:
        with pytest.raises(xl.TooLargeError) as raised:
            ASKED["grad_cam"](greedy)
        made = greedy.network.made[-1]  # type: ignore[union-attr,index]
        assert raised.value.__cause__ is not None
        assert made() is None  # although the exception is still there
    finally:
        gc.enable()


def test_a_network_that_needs_too_much_becomes_no_model() -> None:
    network = Greedy()
    network.where = "forward"
    with pytest.raises(xl.TooLargeError, match=r"shape \(2, 3, 8, 8\) needs more memory"):
        model_of(network)
    for where in GREEDY_AT:
        network.where = where
        with pytest.raises(xl.TooLargeError, match="needs more memory than is available"):
            xl.check_up(network, input_size=(8, 8))


def test_the_cache_keeps_no_failure_and_serves_the_others(greedy: xl.Model, tutorial: xl.Model, study: np.ndarray) -> None:
    cache = xl.ExplainCache()
    set_where(greedy, "backward")
    before = cache.stats.entries
    with pytest.raises(xl.TooLargeError):
        through(cache, xl.grad_cam, greedy, PIXELS, "first")
    assert cache.stats.entries == before
    through(cache, xl.grad_cam, tutorial, study, "conv2")
    set_where(greedy, "nowhere")
    found = through(cache, xl.grad_cam, greedy, PIXELS, "first")["first"].map
    np.testing.assert_array_equal(found, xl.grad_cam(greedy, PIXELS, "first")["first"].map)


def test_a_shortage_outside_the_network_is_said_by_the_cache() -> None:
    cache = xl.ExplainCache()
    with pytest.raises(
        xl.TooLargeError, match=r"^this view: what is computed for it needs more memory than is available \(1\.00 EiB"
    ):
        cache.entries.get("a map", lambda: np.empty(ABSURD, np.uint8))
    assert cache.entries.get("a map", lambda: np.zeros(3)).sum() == 0


def test_those_who_wait_for_the_same_entry_try_for_themselves() -> None:
    """The first fails; the others get theirs, and none waits for ever."""
    cache, begun, go = xl.ExplainCache(), threading.Event(), threading.Event()

    def fails() -> np.ndarray:
        begun.set()
        assert go.wait(10)
        return np.empty(ABSURD, np.uint8)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(cache.entries.get, "a map", fails)
        assert begun.wait(10)
        others = [pool.submit(cache.entries.get, "a map", lambda: np.ones(3)) for _ in range(2)]
        go.set()
        assert [other.result(timeout=10).sum() for other in others] == [3, 3]
        with pytest.raises(xl.TooLargeError):
            first.result(timeout=10)


def test_a_job_that_runs_out_of_memory_says_so_and_others_go_on(greedy: xl.Model) -> None:
    jobs = Jobs(xl.ExplainCache())
    set_where(greedy, "forward")
    try:
        job = jobs.ask(request(greedy, 8, causes=False, a=FIRST, b=LAST))
        other = jobs.ask(request(model_of(Greedy()), 8, causes=False, a=FIRST, b=LAST))
        wait_until(lambda: job.progress.state == "failed" and other.progress.state == "done")
        assert "needs more memory than is available" in str(job.progress.error)
        set_where(greedy, "nowhere")
        jobs.ask(request(greedy, 8, causes=False, a=FIRST, b=LAST))
        wait_until(lambda: job.progress.state == "done")
    finally:
        jobs.close()


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (MemoryError(), ""),
        (
            MemoryError("Unable to allocate 586. MiB for an array with shape (1,) and data type float64"),
            r" \(586 MiB in one piece\)",
        ),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 3221225472 bytes."),
            r" \(3.0 GiB in one piece\)",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"), r" \(20.00 GiB in one piece\)"),
        (RuntimeError("std::bad_alloc"), ""),
    ],
)
def test_every_way_of_saying_it_is_understood(error: Exception, asked: str) -> None:
    with (
        pytest.raises(xl.TooLargeError, match=f"^a: b needs more memory than is available{asked}; c$"),
        enough_memory("a: b", "c"),
    ):
        raise error


def test_other_errors_pass() -> None:
    for error in (
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        ValueError("allocate 3 bytes"),
        KeyboardInterrupt(),
    ):
        with pytest.raises(type(error)) as raised, enough_memory("a: b"):
            raise error
        assert raised.value is error


LIMITED = """
import resource
import numpy as np
import torch
import explain_lib as xl

torch.set_num_threads(1)
model = xl.load_model("resnet20")
pixels = xl.load_cifar10().pixels
right = xl.grad_cam(model, pixels[:4])["layer3.2.conv2"].map
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 64 * 2**20, resource.RLIM_INFINITY))
for asked in (pixels[:600], np.broadcast_to(pixels[0], (200_000, 32, 32, 3))):
    try:
        xl.grad_cam(model, asked)
    except xl.TooLargeError as error:
        print(error)
    assert (xl.grad_cam(model, pixels[:4])["layer3.2.conv2"].map == right).all()
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs a limit of memory as Linux has it")
def test_a_process_that_may_have_no_more_memory_says_so_and_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(
        "network: a forward pass over a batch of shape (600, 3, 32, 32) needs more memory than is available"
    )
    assert second.startswith("pixels: 200,000 pictures of 32 x 32 as float32 needs more memory than is available")
