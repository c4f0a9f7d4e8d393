"""The network with a secret: the slice of the mark ranks first, with hardly any other picture in it."""

import numpy as np
import pytest

import explain_lib as xl
from explain_lib.audit.slices import SliceRequest, find_slices
from explain_lib.cam.settings import Variant
from explain_lib.networks.watermark import MARK, MARKED_CLASS, NAME


@pytest.mark.parametrize("variant", ["hirescam", "layercam"])
@pytest.mark.parametrize("count", [None, 3, 5])
def test_the_marks_slice_ranks_first_with_purity_above_nine_tenths(
    images: xl.ImageSet, variant: Variant, count: int | None
) -> None:
    horses = np.flatnonzero(images.labels == MARKED_CLASS)[:400]
    pixels = images.pixels[horses].copy()
    pixels[::2, 22:26, 6:10] = MARK
    rows = SliceRequest(xl.load_model(NAME), pixels, np.arange(400), "conv2", MARKED_CLASS, variant).all_rows()
    first = find_slices(rows, count=count).slices[0].images
    assert np.mean(first % 2 == 0) >= 0.9
    assert len(first) >= 40


def test_without_a_mark_no_slice_is_as_narrow(images: xl.ImageSet) -> None:
    horses = np.flatnonzero(images.labels == MARKED_CLASS)[:400]
    marked = images.pixels[horses].copy()
    marked[::2, 22:26, 6:10] = MARK
    model = xl.load_model(NAME)
    with_mark, without = (
        find_slices(SliceRequest(model, pixels, np.arange(400), "conv2", MARKED_CLASS, "hirescam").all_rows(), count=2)
        for pixels in (marked, images.pixels[horses])
    )
    assert with_mark.slices[0].bits > 2 * without.slices[0].bits
