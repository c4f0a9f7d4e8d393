"""Scans on a Dask cluster: batches go to its workers, and rows come back in order, bit for bit the same as here."""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import first_line
from explain_lib.cam.configuration import Configuration
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.loading.bundled import find_checkpoint
from explain_lib.passes.targets import Targets
from explain_lib.pictures.sets import pixels_digest
from explain_lib.work.cache import shared_cache

CONNECT_SECONDS = 10.0
WORKER_SECONDS = 30.0
"""How long a cluster may be without a worker."""

POLL_SECONDS = 1.0
RETRIES = 2
BATCHES_PER_THREAD = 2
"""One batch that a thread of a worker computes, and one that waits for it."""


@dataclass(frozen=True)
class Batch:
    """One batch as it goes to a worker, which has the model and the images itself and checks their digests.

    name: of the bundled model. digest, pixels_digest: of the model and of the set. The other fields are those of ScanRequest.
    """

    name: str
    device: str
    digest: str
    pixels_digest: str
    images: NDArray[np.int64]
    a: Configuration
    b: Configuration
    targets: Targets
    causes: bool
    package: bool


def compute_batch(batch: Batch) -> ScanRows:
    """The rows of a batch, computed on a worker, which keeps model and images for the next one.

    Raises DataError if the model or images of the worker differ from those of the client, and the errors of ScanRequest.
    """
    torch.set_num_threads(1)  # there are as many workers as cores; for whole groups of four images no bit depends on it
    cache = shared_cache(batch.device)
    model, pixels = cache.model(batch.name), cache.images().pixels
    if (model.digest, pixels_digest(pixels)) != (batch.digest, batch.pixels_digest):
        raise DataError(
            f"the worker on {socket.gethostname()} has another {batch.name!r} or other images; the client's version of this "
            f"project, with its bundled model and images, would be right"
        )
    request = ScanRequest(model, pixels, batch.images, batch.a, batch.b, batch.targets, batch.causes, batch.package)
    with cache.running():
        return request.at_once()


class _Future(Protocol):
    def result(self, timeout: float) -> ScanRows: ...


class _Client(Protocol):
    """The used part of distributed.Client, which has no types of its own."""

    def submit(self, function: Callable[[Batch], ScanRows], batch: Batch, /, *, pure: bool, retries: int) -> _Future: ...

    def nthreads(self) -> dict[str, int]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None, /
    ) -> None: ...


def scan_on_cluster(
    request: ScanRequest,
    name: str,
    address: str,
    *,
    connect_seconds: float = CONNECT_SECONDS,
    worker_seconds: float = WORKER_SECONDS,
) -> Iterator[ScanRows]:
    """The rows of a request, batch by batch in its order, as they become available.

    name: that of the bundled model of the request, which is about the CIFAR-10 test images. address: that of the scheduler,
    as "tcp://host:8786"; it and its workers must be able to import this project. A batch whose worker is killed goes to
    another one. connect_seconds, worker_seconds: how long to wait for the scheduler, and for a worker while there is none.

    Raises InputError if distributed is not installed, the scheduler cannot be reached or is lost, or there is no worker;
    DataError if a worker has another model or other images; and the errors of ScanRequest.
    """
    find_checkpoint(name)
    client = _connect(address, connect_seconds)
    try:
        with client:
            yield from _in_order(client, request, name, worker_seconds)
    except (OSError, CancelledError) as error:  # raised by distributed when the connection is lost
        raise _lost(address, f"lost: {first_line(error)}") from error
    except RuntimeError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        raise InputError(
            f"scheduler: the one at {address!r} cannot import this project ({error.__cause__}); a scheduler and workers "
            "started in the project's folder would be right"
        ) from error


def _connect(address: str, seconds: float) -> _Client:
    try:
        from distributed import Client  # slow to import, and optional
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise InputError(
            f"scheduler: the package distributed is missing ({error}); pip install -r requirements-cluster.txt, or a scan "
            "without a scheduler, would be right"
        ) from error
    connect: Callable[..., _Client] = Client
    try:
        # a Client that fails prints tracebacks, so the connection is tried first
        socket.create_connection(get_address_host_port(address), timeout=seconds).close()
        return connect(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, OverflowError) as error:
        raise _lost(address, f"not reached: {first_line(error)}") from error


def _lost(address: str, how: str) -> InputError:
    return InputError(f"scheduler: {address!r} is {how}; the address of a running Dask scheduler would be right")


def _in_order(client: _Client, request: ScanRequest, name: str, worker_seconds: float) -> Iterator[ScanRows]:
    """Submit batches so that the workers are busy, but no more, and give the rows in order."""
    batches = (_batch(part, name) for part in request.batches())
    flying: deque[_Future] = deque()
    while True:
        room = max(2, BATCHES_PER_THREAD * sum(client.nthreads().values()))
        while len(flying) < room and (batch := next(batches, None)) is not None:
            flying.append(client.submit(compute_batch, batch, pure=False, retries=RETRIES))
        if not flying:
            return
        yield _awaited(client, flying.popleft(), worker_seconds)


def _batch(part: ScanRequest, name: str) -> Batch:
    return Batch(
        name,
        part.model.device.type,
        part.model.digest,
        pixels_digest(part.pixels),
        part.images,
        part.a,
        part.b,
        part.targets,
        part.causes,
        part.package,
    )


def _awaited(client: _Client, future: _Future, worker_seconds: float) -> ScanRows:
    from distributed.scheduler import KilledWorker

    seen = time.monotonic()
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except TimeoutError:
            if client.nthreads():
                seen = time.monotonic()
            elif time.monotonic() - seen > worker_seconds:
                raise InputError(
                    f"scheduler: it has had no worker for {worker_seconds:g} seconds; a worker started in this project's "
                    "folder would be right"
                ) from None
        except KilledWorker as error:
            raise InputError(
                f"scheduler: a batch ended several workers, one after the other ({first_line(error)}); workers with more "
                "memory would be right"
            ) from error
