"""Sets of pictures that are read when they are asked for, and what is computed over them."""

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sample_networks import model_of, noise, plain, seeded
from scan_samples import A, B, assert_same_rows, wait_until

import explain_lib as xl
from explain_lib.cam.average_map import average_map
from explain_lib.compare.scan import ScanRequest, ScanRows
from explain_lib.networks.predictions import VERDICT_BATCH, verdict_request, verdicts_of
from explain_lib.pictures.intake import Intake
from explain_lib.pictures.rendering import Picture
from explain_lib.pictures.sets import (
    FittedPixels,
    LazyPixels,
    Subset,
    check_set,
    next_readable,
    pixels_digest,
    readable_places,
    subset,
)
from explain_lib.trust.ladder import join_ladder_rows, layer_ladder
from explain_lib.trust.sanity import SanityRequest
from explain_lib.work.jobs import Jobs

BROKEN = (1, 2, 8)
COUNT = 11


class Holey(LazyPixels):
    """Pictures of noise, of which some cannot be read; it counts how many are read."""

    def __init__(self, count: int = COUNT, broken: tuple[int, ...] = BROKEN) -> None:
        super().__init__(count, (8, 8), f"holey {count} {broken}")
        self.whole, self.broken, self.reads = noise(count, seed=7), broken, 0

    def read(self, position: int) -> Picture:
        self.reads += 1
        if position in self.broken:
            raise xl.DataError(f"picture {position} is damaged")
        return self.whole[position]


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return model_of(seeded(plain))


GOOD = np.array([position for position in range(COUNT) if position not in BROKEN])


def test_it_is_indexed_as_an_array_is() -> None:
    lazy = Holey(broken=())
    assert (len(lazy), lazy.shape) == (COUNT, (COUNT, 8, 8, 3))
    assert_array_equal(lazy[4], lazy.whole[4])
    assert_array_equal(lazy[np.int64(4)], lazy.whole[4])
    assert_array_equal(lazy[-1], lazy.whole[-1])
    assert_array_equal(lazy[3:6], lazy.whole[3:6])
    assert_array_equal(lazy[9:20], lazy.whole[9:20])
    assert_array_equal(lazy[np.array([7, 0])], lazy.whole[[7, 0]])
    assert lazy[3:3].shape == (0, 8, 8, 3)
    with pytest.raises(IndexError):
        lazy[COUNT]


def test_only_what_is_asked_for_is_read() -> None:
    lazy = Holey()
    len(lazy), lazy.shape, pixels_digest(lazy), subset(lazy, np.arange(5)), check_set(lazy, (8, 8))
    assert lazy.reads == 0
    lazy[np.array([0, 4])]
    assert lazy.reads == 2


def test_what_cannot_be_read_is_known() -> None:
    lazy = Holey()
    assert_array_equal(readable_places(lazy, np.array([2, 3, 8, 0])), [1, 3])
    assert_array_equal(readable_places(noise(3), np.array([2, 0])), [0, 1])
    assert_array_equal(next_readable(lazy, np.array([0, 3, 10])), [3, 4, 0])
    assert_array_equal(next_readable(noise(3), np.array([0, 2])), [1, 0])
    with pytest.raises(xl.DataError, match="no picture of the set can be read"):
        next_readable(Holey(2, (0, 1)), np.array([0]))


def test_a_subset_of_an_array_is_one_and_of_a_lazy_set_reads_nothing_else() -> None:
    assert isinstance(subset(noise(4), np.array([1, 3])), np.ndarray)
    lazy = Holey()
    part = subset(lazy, np.array([10, 3]))
    assert isinstance(part, Subset)
    assert_array_equal(part[:], lazy.whole[[10, 3]])
    assert lazy.reads == 2
    assert part.identity != subset(lazy, np.array([3, 10])).identity  # type: ignore[union-attr]  # of a lazy set


def test_a_set_of_another_size_and_an_empty_one_are_refused() -> None:
    with pytest.raises(xl.InputError, match="the pictures are 8 x 8; 32 x 32 would be right"):
        check_set(Holey(), (32, 32))
    with pytest.raises(xl.InputError, match="the set is empty"):
        check_set(Holey(0, ()), (8, 8))
    with pytest.raises(xl.InputError, match="a list; a NumPy array"):
        check_set([1], (8, 8))


def test_a_network_of_another_size_sees_test_images_as_pillow_resizes_them() -> None:
    pictures = noise(3, side=32)
    fitted = FittedPixels(pictures, Intake((48, 48)), "x")
    for place in range(3):
        expected = np.asarray(Image.fromarray(pictures[place]).resize((48, 48), Image.Resampling.BILINEAR))
        assert_array_equal(fitted[place], expected)
    assert fitted.identity not in (
        FittedPixels(pictures, Intake((40, 40)), "x").identity,
        FittedPixels(pictures, Intake((48, 48)), "y").identity,
    )


def test_a_scan_gives_the_rows_of_the_readable_pictures_alone(model: xl.Model) -> None:
    lazy = Holey()
    found = ScanRequest(model, lazy, np.arange(COUNT), A, B, list(np.arange(COUNT) % 2)).all_rows()
    assert_array_equal(found.images, GOOD)
    for place, image in enumerate(GOOD):  # a batch is the image alone: a folder has no batches of four
        alone = ScanRequest(model, lazy.whole[[image]], np.array([0]), A, B, [int(image) % 2]).at_once()
        np.testing.assert_allclose(found.mae[place], alone.mae[0], atol=1e-6)


def test_ladder_and_sanity_checks_leave_unreadable_pictures_out(model: xl.Model) -> None:
    lazy = Holey()
    rows = join_ladder_rows(list(layer_ladder(model, lazy, np.arange(COUNT))))
    assert_array_equal(rows.images, GOOD)
    checks = SanityRequest(model, lazy, np.arange(COUNT), "body.3").all_rows()
    assert_array_equal(checks.images, GOOD)
    whole = SanityRequest(model, lazy.whole[GOOD], np.arange(len(GOOD)), "body.3").all_rows()
    assert_array_equal(checks.correlations, whole.correlations)
    assert_array_equal(checks.beside, whole.beside)  # beside each the next picture that can be read


def test_an_average_leaves_them_out(model: xl.Model) -> None:
    lazy = Holey()
    found, right = average_map(model, lazy, "body.3"), average_map(model, lazy.whole[GOOD], "body.3")
    assert found.images == len(GOOD)
    assert_array_equal(found.map, right.map)
    assert_array_equal(found.picture, np.rint(lazy.whole[GOOD].mean(0)).astype(np.uint8))
    with pytest.raises(xl.DataError, match="none of them can be read"):
        average_map(model, Holey(2, (0, 1)), "body.3")


def test_a_job_that_was_stopped_goes_on_after_the_last_readable_picture(
    model: xl.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    lazy = Holey(410, (3, 199, 200))
    request = ScanRequest(model, lazy, np.arange(410), A, B)
    whole = request.all_rows()
    jobs, at_once = Jobs(xl.ExplainCache()), ScanRequest.at_once
    stopped = threading.Event()

    def stopping(batch: ScanRequest) -> ScanRows:
        if batch.images[0] and not stopped.is_set():  # as soon as the batch after the first is asked for
            stopped.set()
            job.stop()
        return at_once(batch)

    monkeypatch.setattr(ScanRequest, "at_once", stopping)
    job = jobs.ask(request)
    wait_until(lambda: job.is_settled)
    assert (job.progress.state, job.progress.images) == ("stopped", 199)
    jobs.ask(request)
    wait_until(lambda: job.is_settled)
    assert job.progress.state == "done"
    assert job.rows is not None
    assert_same_rows(job.rows, whole)


def test_verdicts_are_those_of_the_model_and_lack_what_cannot_be_read(model: xl.Model) -> None:
    count = VERDICT_BATCH + 5
    lazy = Holey(count)
    request = verdict_request(model, lazy)
    rows = request.all_rows()
    right = xl.Predictions(model.predict(lazy.whole))
    verdicts = verdicts_of(rows, count, len(model.classes))
    asked = ~np.isin(np.arange(count), BROKEN)
    assert_array_equal(verdicts.asked, asked)
    assert_array_equal(verdicts.predicted[asked], right.predicted[asked])
    np.testing.assert_allclose(verdicts.confidence[asked], right.confidence[asked], atol=1e-6)
    np.testing.assert_allclose(verdicts.margin[asked], right.margin[asked], atol=1e-6)
    assert np.isnan(verdicts.confidence[~asked]).all()
    assert_array_equal(request.rest(3).images, np.arange(3, count))
    assert request.rest(3).fingerprint != request.fingerprint


def test_without_rows_nothing_was_asked() -> None:
    verdicts = verdicts_of(None, 3, 10)
    assert not verdicts.asked.any()
    assert verdicts.classes == 10
