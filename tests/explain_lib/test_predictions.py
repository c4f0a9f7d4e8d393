"""Predictions of a set of pictures, and selections from them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sample_networks import model_of, noise, plain, seeded
from scipy.special import softmax as scipy_softmax

import explain_lib as xl
from explain_lib.predictions import Selection, select_images

LOGITS = np.array([[1, 2, 4], [0, 3, -1], [500, 0, -500]], np.float32)


def test_probabilities_are_scipys_softmax_also_of_large_logits() -> None:
    assert_allclose(xl.Predictions(LOGITS).probabilities, scipy_softmax(LOGITS, axis=1), atol=1e-7)


def test_predicted_is_the_largest_logit() -> None:
    assert xl.Predictions(LOGITS).predicted.tolist() == [2, 1, 0]


def test_confidence_is_the_probability_of_the_predicted_class() -> None:
    right = [1 / (1 + np.exp(-2) + np.exp(-3)), 1 / (1 + np.exp(-3) + np.exp(-4)), 1.0]
    assert_allclose(xl.Predictions(LOGITS).confidence, right, rtol=1e-6)


def test_derived_arrays_cannot_be_written_to() -> None:
    predictions = xl.Predictions(LOGITS)
    for array in (predictions.logits, predictions.probabilities, predictions.predicted, predictions.confidence):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_predict_images_are_the_logits_of_the_set(tutorial: xl.Model, images: xl.ImageSet) -> None:
    few = xl.ImageSet(images.pixels[:5], images.labels[:5])
    assert_array_equal(xl.predict_images(tutorial, few).logits, tutorial.predict(images.pixels[:5]))


def test_predictions_beyond_one_internal_batch_keep_their_order() -> None:
    model, pixels = model_of(seeded(plain)), noise(600)
    together = model.predict(pixels)
    for index in (0, 255, 256, 511, 512, 599):
        assert_allclose(together[index], model.predict(pixels[index : index + 1])[0], atol=1e-6)


LABELS, PREDICTED = np.array([3, 3, 5, 5, 3]), np.array([3, 5, 5, 3, 3])
SELECTIONS = [
    (Selection(), [0, 1, 2, 3, 4]),
    (Selection(true_class=3), [0, 1, 4]),
    (Selection(predicted_class=3), [0, 3, 4]),
    (Selection(right=True), [0, 2, 4]),
    (Selection(right=False), [1, 3]),
    (Selection(true_class=3, predicted_class=5), [1]),
    (Selection(true_class=5, right=True), [2]),
    (Selection(true_class=9), []),
    (Selection(true_class=0), []),
]


@pytest.mark.parametrize(("selection", "right"), SELECTIONS)
def test_a_selection_meets_every_condition(selection: Selection, right: list[int]) -> None:
    assert select_images(LABELS, PREDICTED, selection).tolist() == right


def test_labels_and_predictions_of_different_numbers_are_refused() -> None:
    with pytest.raises(xl.InputError, match=r"predicted: the shape is \(4,\); that of labels, \(5,\), would be right"):
        select_images(LABELS, PREDICTED[:4], Selection())
