"""What a ladder is asked for: its fingerprint, its parts, in the background, and the cached batch."""

import numpy as np
import pytest
from runs import through
from sample_networks import noise
from scan_samples import small_model, wait_until
from torch import Tensor

import explain_lib as xl
from explain_lib.trust.ladder import LadderRequest, LadderRows, ladder_curves
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
    for name in ("images", "predicted", "explained", "deletion", "insertion", "edges", "centre", "flat"):
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
    real = type(model).run_input

    def counted(self: xl.Model, batch: Tensor, *given: object) -> Tensor:
        seen[-1] += len(batch)
        return real(self, batch, *given)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(type(model), "run_input", counted)
    for layer in ("body.1", "body.3", "body.1"):
        found = through(cache, ladder_curves, model, pixels, 2, ("body.1", "body.3"), None, layer)
        assert [rung.asked_at for rung in found.rows.rungs] == [None] * 3 + [layer] * 3 + [None] * 3
        seen.append(0)
    assert seen[1] - 8 == (seen[0] - 16) / 3 > 0  # 3 of 9 rows; the ends of curves are asked once for each part
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
