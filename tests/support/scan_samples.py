"""A small model, pictures and requests for the tests of scans."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sample_networks import model_of, noise, plain, seeded
from torch import Tensor, nn

import explain_lib as xl
from explain_lib.cam.configuration import Configuration, parse_configuration
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.passes.targets import Targets
from explain_lib.pictures.sets import Pixels

ARRAYS = ("images", "predicted", "mae", "shares", "residual")
A = parse_configuration("manual;layers=body.3;scale_over=batch")
B = parse_configuration("package;layers=body.1,body.3")


def small_model() -> xl.Model:
    return model_of(seeded(plain))


def request(model: xl.Model, count: int, seed: int = 0, **named: object) -> ScanRequest:
    """All of `count` pictures of noise, 8 x 8, under A and B."""
    given = {"a": A, "b": B, **named}
    return ScanRequest(model, noise(count, seed=seed), np.arange(count), **given)  # type: ignore[arg-type]  # the fields' own types


def scan_batch(
    model: xl.Model,
    pixels: Pixels,
    images: Sequence[int] | NDArray[np.int64],
    a: Configuration,
    b: Configuration,
    targets: Targets = None,
    **named: bool,
) -> ScanRows:
    """The rows of some images at once, by a request for them."""
    return ScanRequest(model, pixels, np.asarray(images), a, b, targets, **named).at_once()


def assert_same_rows(found: ScanRows, right: ScanRows) -> None:
    """Bit for bit."""
    assert found.settings == right.settings
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(right, name))


class Counted:
    """Computes here, notes the first image of each batch, and can end in the middle as Ctrl-C would."""

    def __init__(self, batches: int | None = None) -> None:
        self.batches, self.computed = batches, list[int]()

    def __call__(self, asked: ScanRequest) -> Iterator[ScanRows]:
        for rows in asked.rows():
            if len(self.computed) == self.batches:
                raise KeyboardInterrupt
            self.computed.append(int(rows.images[0]))
            yield rows
        if len(self.computed) == self.batches:
            raise KeyboardInterrupt


class Overflowing(nn.Module):
    """What its ReLU gives is infinite for a picture that is white all over."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        factor = torch.where(x.amin((1, 2, 3), keepdim=True) > 0.99, torch.inf, 1.0)
        return self.fc(self.relu(self.conv(x) * factor).mean((2, 3)))


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.002)


def job_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "jobs"]
