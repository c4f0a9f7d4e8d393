"""Two configurations over many images: each row against heatmap, decompose and the package on the image's own batch of four."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sample_networks import model_of, noise, seeded
from scan_samples import A, B, Overflowing, assert_same_rows, scan_batch, small_model

import explain_lib as xl
from explain_lib.base.run_context import Run, running
from explain_lib.cam.configuration import STUDY_MANUAL, STUDY_PACKAGE, Configuration, parse_configuration
from explain_lib.compare.scan import SCAN_BATCH, ScanRequest
from explain_lib.networks.requests import join_rows

CLOSE = 1e-6
"""The same picture in a batch of another size gives sums that differ in their last bits."""


@pytest.fixture(scope="module")
def model() -> xl.Model:
    return small_model()


def four(pixels: np.ndarray, image: int) -> tuple[np.ndarray, int]:
    """The batch of four that holds the image, and its place there."""
    start = 4 * (image // 4)
    return pixels[start : start + 4], image - start


def mae_alone(
    model: xl.Model, pixels: np.ndarray, image: int, sides: tuple[Configuration, Configuration], **named: Any
) -> float:
    batch, place = four(pixels, image)
    a, b = (xl.heatmap(model, batch, side.settings, **named)[place].astype(np.float64) for side in sides)
    return float(np.abs(b - a).mean())


def shares_alone(model: xl.Model, pixels: np.ndarray, image: int, a: Configuration, b: Configuration) -> np.ndarray:
    batch, place = four(pixels, image)
    return xl.decompose(model, batch, place, a.settings, b.settings).shares


SCATTERED = [9998, 3, 2, 417, 0, 5000, 9999, 1, 418]


def test_maes_of_the_study_are_those_of_each_batch_alone(tutorial: xl.Model, images: xl.ImageSet) -> None:
    rows = scan_batch(tutorial, images.pixels, SCATTERED, STUDY_MANUAL, STUDY_PACKAGE, causes=False)
    expected = [mae_alone(tutorial, images.pixels, image, (STUDY_MANUAL, STUDY_PACKAGE)) for image in SCATTERED]
    assert_array_equal(rows.images, SCATTERED)
    assert_array_equal(rows.predicted, tutorial.predict(images.pixels[SCATTERED]).argmax(1))
    assert_allclose(rows.mae, expected, atol=CLOSE, rtol=0)
    assert_allclose(rows.mae[[4, 7, 2, 1]], [0.105, 0.105, 0.180, 0.128], atol=5e-4)  # what the README says of images 0 to 3


@pytest.mark.parametrize("layer", ["conv1", "layer1.0.conv2"])
def test_the_package_is_asked_about_the_same_batch(layer: str, images: xl.ImageSet) -> None:
    # before a ReLU grad-cam++ magnifies the last digits, in which a batch of one differs from a batch of four, to 1e-4
    a = Configuration("manual", replace(xl.NOTEBOOK_MANUAL, layers=(layer,)))
    b = Configuration("package", xl.package_settings((layer,), "grad-cam++"))
    rows = scan_batch(xl.load_model("resnet20"), images.pixels, [3], a, b, causes=False, package=True)
    assert rows.residual[0] < 1e-6


def test_shares_are_those_of_each_image_alone(tutorial: xl.Model, images: xl.ImageSet) -> None:
    rows = scan_batch(tutorial, images.pixels, SCATTERED, STUDY_MANUAL, STUDY_PACKAGE)
    for image, shares in zip(SCATTERED, rows.shares, strict=True):
        assert_allclose(shares, shares_alone(tutorial, images.pixels, image, STUDY_MANUAL, STUDY_PACKAGE), atol=CLOSE, rtol=0)
    assert_allclose(rows.shares.sum(1), rows.mae, atol=CLOSE, rtol=0)
    assert rows.settings == xl.decompose(tutorial, images.pixels[:4], 0).settings


def test_any_order_and_any_subset_give_the_same_row_an_image(tutorial: xl.Model, images: xl.ImageSet) -> None:
    whole = scan_batch(tutorial, images.pixels[:60], np.arange(60), STUDY_MANUAL, STUDY_PACKAGE)
    shuffled = np.random.default_rng(0).permutation(60)
    for chosen in (shuffled, shuffled[:7], np.array([59]), np.arange(0, 60, 5)):
        rows = scan_batch(tutorial, images.pixels[:60], chosen, STUDY_MANUAL, STUDY_PACKAGE)
        assert_array_equal(rows.images, chosen)
        assert_array_equal(rows.predicted, whole.predicted[chosen])
        assert_allclose(rows.mae, whole.mae[chosen], atol=CLOSE, rtol=0)
        assert_allclose(rows.shares, whole.shares[chosen], atol=CLOSE, rtol=0)


@pytest.mark.parametrize("scope", ["batch", "image", "none"])
def test_the_last_batch_of_a_set_may_be_a_short_one(scope: str, model: xl.Model) -> None:
    sides = parse_configuration(f"manual;layers=body.3;scale_over={scope}"), B
    pixels, chosen = noise(10), [9, 1, 8, 4]
    rows = scan_batch(model, pixels, chosen, *sides)
    assert_allclose(rows.mae, [mae_alone(model, pixels, image, sides) for image in chosen], atol=CLOSE, rtol=1e-5)
    for image, shares in zip(chosen, rows.shares, strict=True):
        assert_allclose(shares, shares_alone(model, pixels, image, *sides), atol=CLOSE, rtol=1e-5)


@pytest.mark.parametrize("scope", ["batch", "image"])
def test_each_image_has_its_own_target(scope: str, model: xl.Model) -> None:
    sides = parse_configuration(f"manual;layers=body.3;scale_over={scope}"), B
    pixels, chosen, targets = noise(8), [6, 1, 4], [1, 0, xl.Target(0, minus=1)]
    rows = scan_batch(model, pixels, chosen, *sides, targets)
    expected = [mae_alone(model, pixels, image, sides, targets=target) for image, target in zip(chosen, targets, strict=True)]
    assert_allclose(rows.mae, expected, atol=CLOSE)
    one_for_all = scan_batch(model, pixels, chosen, *sides, 1)
    assert_allclose(one_for_all.mae, [mae_alone(model, pixels, image, sides, targets=1) for image in chosen], atol=CLOSE)


def test_the_residual_is_how_far_the_package_itself_is(model: xl.Model) -> None:
    pixels = noise(8)
    rows = scan_batch(model, pixels, [5, 2], A, B, package=True)
    theirs = xl.package_grad_cam(model, pixels, ["body.1", "body.3"])
    ours = xl.heatmap(model, pixels, B.settings)
    assert_allclose(rows.residual, np.abs(theirs - ours).max((1, 2))[[5, 2]], atol=CLOSE)
    assert (rows.residual < 1e-5).all()
    two_manual = scan_batch(model, pixels, [5, 2], A, parse_configuration("manual;layers=body.1"), package=True)
    assert np.isnan(two_manual.residual).all()


def test_what_is_not_asked_for_is_nan(model: xl.Model) -> None:
    rows = scan_batch(model, noise(4), [0, 1], A, B, causes=False)
    assert np.isnan(rows.shares).all()
    assert np.isnan(rows.residual).all()
    assert rows.shares.shape == (2, len(rows.settings))
    assert rows.finite.all()


@pytest.fixture(scope="module")
def overflowing() -> xl.Model:
    return model_of(seeded(Overflowing))


def test_an_image_that_gives_nothing_finite_is_a_marked_row(overflowing: xl.Model) -> None:
    pixels = noise(8)
    pixels[3] = 255
    sides = parse_configuration("manual;layers=relu"), parse_configuration("package;layers=relu")
    assert not np.isfinite(xl.heatmap(overflowing, pixels, sides[0].settings)[3]).all()
    rows = scan_batch(overflowing, pixels, np.arange(8), *sides, package=True)
    others = [0, 1, 2, 4, 5, 6, 7]
    assert_array_equal(rows.finite, np.arange(8) != 3)
    assert np.isnan([rows.mae[3], *rows.shares[3], rows.residual[3]]).all()
    assert_allclose(rows.mae[others], [mae_alone(overflowing, pixels, image, sides) for image in others], atol=CLOSE)
    assert np.isfinite(rows.shares[others]).all()


def test_equal_sides_give_rows_of_zeros_without_settings(model: xl.Model) -> None:
    rows = scan_batch(model, noise(4), [0, 3], A, A)
    assert_array_equal(rows.mae, [0, 0])
    assert (rows.settings, rows.shares.shape) == ((), (2, 0))


def test_sides_that_cannot_be_subtracted_are_an_error(model: xl.Model) -> None:
    with pytest.raises(xl.InputError, match="resize"):
        scan_batch(model, noise(4), [0], parse_configuration("manual;resize=none"), B)


def test_a_scan_gives_batches_as_soon_as_they_are_known(model: xl.Model) -> None:
    pixels, passes = noise(2 * SCAN_BATCH + 50), []
    chosen = np.random.default_rng(1).permutation(len(pixels))
    with running(Run(lambda: passes.append(1))):
        parts = ScanRequest(model, pixels, chosen, A, B, np.arange(len(pixels)) % 2).rows()
        first, early = next(parts), len(passes)
        rest = list(parts)
    assert 0 < early < len(passes)
    assert [len(first), *map(len, rest)] == [SCAN_BATCH, SCAN_BATCH, 50]
    joined = join_rows([first, *rest])
    assert_array_equal(joined.images, chosen)
    last = chosen[-1]
    expected = mae_alone(model, pixels, int(last), (A, B), targets=(len(pixels) - 1) % 2)
    assert joined.mae[-1] == pytest.approx(expected, abs=CLOSE)


def test_the_same_batch_gives_the_same_bits(tutorial: xl.Model, images: xl.ImageSet) -> None:
    once, twice = (scan_batch(tutorial, images.pixels, np.arange(40), STUDY_MANUAL, STUDY_PACKAGE) for _ in range(2))
    assert_same_rows(once, twice)


def peak_bytes(job: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_scan_keeps_no_maps(model: xl.Model) -> None:
    """What it needs grows by the numbers of the images, not by their maps."""
    pixels = noise(12 * SCAN_BATCH)

    def consume(batches: int) -> None:
        for _ in ScanRequest(model, pixels, np.arange(batches * SCAN_BATCH), A, B).rows():
            pass

    consume(1)  # what is made once, such as tables of weights, is there now
    growth = (peak_bytes(lambda: consume(12)) - peak_bytes(lambda: consume(3))) / 9
    one_map_an_image = SCAN_BATCH * pixels[0, ..., 0].size * 4
    assert growth < one_map_an_image / 2
