"""What a scan is asked for: its fingerprint, its batches; and the cached batch."""

from typing import Any

import numpy as np
import pytest
import torch
from runs import through
from sample_networks import noise
from scan_samples import A, B, assert_same_rows, request, scan_batch, small_model

import explain_lib as xl
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, parse_configuration
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest
from explain_lib.networks.requests import join_rows
from explain_lib.trust.ladder import LadderRequest
from explain_lib.trust.sanity import SanityRequest


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


def test_equal_requests_have_equal_fingerprints(model: xl.Model) -> None:
    assert request(model, 10).fingerprint == request(model, 10).fingerprint
    assert request(small_model(), 10, targets=1).fingerprint == request(model, 10, targets=[1] * 10).fingerprint


def test_each_part_of_a_request_changes_its_fingerprint(model: xl.Model, ledger: Any) -> None:
    pixels, images = noise(10), np.arange(10)
    other = small_model()
    with torch.no_grad():
        other.network.fc.bias.add_(1)
    ledger.expect(other.network)
    brighter = pixels.copy()
    brighter[9, 7, 7, 2] ^= 1
    requests = [
        ScanRequest(model, pixels, images, A, B),
        ScanRequest(other, pixels, images, A, B),
        ScanRequest(model, brighter, images, A, B),
        ScanRequest(model, pixels, images[::-1], A, B),
        ScanRequest(model, pixels, images[:9], A, B),
        ScanRequest(model, pixels, images, B, A),
        ScanRequest(model, pixels, images, A, parse_configuration("package;layers=body.3")),
        ScanRequest(model, pixels, images, A, B, 0),
        ScanRequest(model, pixels, images, A, B, [0] * 9 + [1]),
        ScanRequest(model, pixels, images, A, B, causes=False),
        ScanRequest(model, pixels, images, A, B, package=True),
    ]
    assert len({one.fingerprint for one in requests}) == len(requests)


def test_wrong_requests_are_refused_at_once(model: xl.Model) -> None:
    wrong: list[tuple[type[xl.ExplainError], str, Any]] = [
        (xl.InputError, "model", lambda: ScanRequest("captum-tutorial", noise(2), np.arange(2), A, B)),  # type: ignore[arg-type]
        (xl.InputError, "pixels", lambda: ScanRequest(model, noise(2, side=9), np.arange(2), A, B)),
        (xl.InputError, "images", lambda: ScanRequest(model, noise(2), np.arange(3), A, B)),
        (xl.InputError, "b", lambda: ScanRequest(model, noise(2), np.arange(2), A, "package")),  # type: ignore[arg-type]
        (xl.TargetError, "targets", lambda: ScanRequest(model, noise(2), np.arange(2), A, B, 7)),
    ]
    for kind, argument, make in wrong:
        with pytest.raises(kind, match=f"^{argument}: "):
            make()


def test_batches_and_rest_make_up_the_request(model: xl.Model) -> None:
    targets = np.arange(2 * SCAN_BATCH + 30) % 2
    whole = request(model, len(targets), targets=targets.tolist())
    expected = join_rows(list(whole.rows()))
    batches = [one.compute() for one in whole.batches()]
    assert [len(batch) for batch in batches] == [SCAN_BATCH, SCAN_BATCH, 30]
    assert_same_rows(join_rows(batches), expected)
    assert_same_rows(join_rows([batches[0], *whole.rest(SCAN_BATCH).rows()]), expected)


def test_a_batch_is_computed_once(model: xl.Model) -> None:
    cache, pixels, targets = xl.ExplainCache(), noise(12), [0, 1, 0]
    first = through(cache, scan_batch, model, pixels, [5, 1, 2], A, B, targets, package=True)
    assert through(cache, scan_batch, model, pixels.copy(), np.array([5, 1, 2]), A, B, (0, 1, 0), package=True) is first
    assert (cache.stats.hits, cache.stats.misses) == (1, 1)
    assert_same_rows(first, scan_batch(model, pixels, [5, 1, 2], A, B, targets, package=True))


def test_fingerprints_are_those_by_which_files_are_found(tutorial: xl.Model, images: xl.ImageSet) -> None:
    """The bundled ladders and the .part files of scans have such fingerprints in them."""
    chosen = np.array([3, 1, 17])
    twin = xl.load_model("tutorial")
    requests = (
        ScanRequest(tutorial, images.pixels, chosen, STUDY_MANUAL, STUDY_PACKAGE, [1, 2, 3], causes=False),
        LadderRequest(tutorial, images.pixels, chosen, ("conv1", "conv2"), 5, "conv2"),
        SanityRequest(tutorial, images.pixels, chosen, "conv2", None, "independent", twin, 4),
    )
    assert [one.fingerprint for one in requests] == [
        "6ab2915a1b99196d4be1f6b6d4439381e511b2cb0ec9f5ed84090bddac394d5f",
        "c311f64be386821cb1db9527222a44a3ba5cd6bc6f4e0b85c69223ff1d0ed9b7",
        "fed504d39eb27998e73620491e5ff1282944cef73e216dd436a177d59b935e59",
    ]
    assert requests[0].rest(1).fingerprint == "79c969cdbcf4d86217a715ed9b7c15b62ac7856cac6555510b1a3c86f0324af6"
