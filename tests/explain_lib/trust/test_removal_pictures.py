"""Pictures with pixels removed: the ones that the order says, filled as said, and as the network was asked."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from plain_torch import network_input

import explain_lib as xl
from explain_lib.trust.faithfulness import pixel_ranks, removal_pictures
from explain_lib.trust.ladder import ladder_curves
from explain_lib.trust.measures import Fill

IMAGE = 8
ROWS = np.arange(1024)
"""Row by row from the top."""


def test_grey_stands_where_the_first_pixels_were(tutorial: xl.Model, images: xl.ImageSet) -> None:
    picture = images.pixels[IMAGE]
    none, half, all_of_it = removal_pictures(tutorial, picture, IMAGE, ROWS, "grey", (0, 8, 16))
    np.testing.assert_array_equal(none, picture)
    np.testing.assert_array_equal(half[16:], picture[16:])
    assert (half[:16] == 128).all()
    assert (all_of_it == 128).all()
    (last,) = removal_pictures(tutorial, picture, IMAGE, ROWS, "grey", (4,), from_last=True)
    assert (last[24:] == 128).all()
    np.testing.assert_array_equal(last[:24], picture[:24])


def test_the_blurred_picture_is_opencvs(tutorial: xl.Model, images: xl.ImageSet) -> None:
    picture = images.pixels[IMAGE]
    (blurred,) = removal_pictures(tutorial, picture, IMAGE, ROWS, "blur", (16,))
    right = cv2.GaussianBlur(picture.astype(np.float32), (11, 11), 5.0)
    assert np.abs(blurred - right).max() <= 0.51


@pytest.mark.parametrize("fill", ["grey", "blur", "noisy-linear"])
def test_the_network_says_of_the_picture_what_the_curve_has(tutorial: xl.Model, images: xl.ImageSet, fill: Fill) -> None:
    found = ladder_curves(tutorial, images.pixels, IMAGE, ("conv2",))
    order = pixel_ranks(found.maps.maps[0, 0])
    shown = removal_pictures(tutorial, images.pixels[IMAGE], IMAGE, order, fill, (4, 8, 12))
    left = probabilities(tutorial, shown)[:, found.rows.explained[0]]
    plain = found.curves.deletion[0, 0, :, [4, 8, 12]]
    right = found.curves.morf[0, 0, [1, 3, 5]] if fill == "noisy-linear" else plain[:, ("grey", "blur").index(fill)]
    np.testing.assert_allclose(left, right, atol=0.02)  # whole numbers of brightness move the logits a little


def probabilities(model: xl.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.no_grad():
        return np.asarray(model.network(network_input(model, pixels)).softmax(1).numpy())


def test_steps_beyond_the_pixels_are_refused(tutorial: xl.Model, images: xl.ImageSet) -> None:
    with pytest.raises(xl.InputError, match=r"steps: \(16,\); whole numbers from 0 to 15"):
        removal_pictures(tutorial, images.pixels[IMAGE], IMAGE, ROWS, "noisy-linear", (16,))
    with pytest.raises(xl.InputError, match=r"steps: \(-1, 4\); whole numbers from 0 to 16"):
        removal_pictures(tutorial, images.pixels[IMAGE], IMAGE, ROWS, "grey", (-1, 4))
