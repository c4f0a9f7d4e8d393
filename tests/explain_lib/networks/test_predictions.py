"""Predictions of a set of pictures, selections from them, and the confusion matrix."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sample_networks import model_of, noise, plain, seeded
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import confusion_matrix as scikit_confusion_matrix

import explain_lib as xl
from explain_lib.networks.predictions import ORDERS, Selection, confusion_matrix, select_images

LOGITS = np.array([[1, 2, 4], [0, 3, -1], [500, 0, -500]], np.float32)


def test_probabilities_are_scipys_softmax_also_of_large_logits() -> None:
    assert_allclose(xl.Predictions(LOGITS).probabilities, scipy_softmax(LOGITS, axis=1), atol=1e-7)


def test_predicted_is_the_largest_logit() -> None:
    assert xl.Predictions(LOGITS).predicted.tolist() == [2, 1, 0]


def test_confidence_is_the_probability_of_the_predicted_class() -> None:
    right = [1 / (1 + np.exp(-2) + np.exp(-3)), 1 / (1 + np.exp(-3) + np.exp(-4)), 1.0]
    assert_allclose(xl.Predictions(LOGITS).confidence, right, rtol=1e-6)


def test_margin_is_that_of_sorted_probabilities() -> None:
    logits = np.random.default_rng(2).normal(0, 3, (500, 10)).astype(np.float32)
    ordered = np.sort(scipy_softmax(logits, axis=1), axis=1)
    found = xl.Predictions(logits).margin
    assert (found.dtype, found.shape) == (np.float32, (500,))
    assert_allclose(found, ordered[:, -1] - ordered[:, -2], atol=1e-6)


def test_margin_of_two_classes_that_tie_is_zero() -> None:
    assert xl.Predictions(np.array([[5, 1, 5], [2, 2, 2]], np.float32)).margin.tolist() == [0, 0]
    assert xl.Predictions(np.array([[3], [-7]], np.float32)).margin.tolist() == [1, 1]  # of a single class its probability


def test_derived_arrays_cannot_be_written_to() -> None:
    predictions = xl.Predictions(LOGITS)
    arrays = (predictions.logits, predictions.probabilities, predictions.predicted, predictions.confidence, predictions.margin)
    for array in arrays:
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


def told(predicted: list[int], classes: int = 10) -> xl.Predictions:
    """Predictions of these classes, all equally sure."""
    return xl.Predictions(np.eye(classes, dtype=np.float32)[predicted])


LABELS, PREDICTED = np.array([3, 3, 5, 5, 3]), told([3, 5, 5, 3, 3])
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
    found = select_images(LABELS, PREDICTED, selection)
    assert found.dtype == np.int64
    assert found.tolist() == right


def test_a_picture_without_a_class_that_the_model_knows_is_neither_right_nor_wrong() -> None:
    labels, predicted = np.array([0, 1, 2, -1]), told([0, 0, 0, 0], classes=2)
    assert select_images(labels, predicted, Selection(right=True)).tolist() == [0]
    assert select_images(labels, predicted, Selection(right=False)).tolist() == [1]


def sure(*rows: tuple[float, ...]) -> xl.Predictions:
    """Predictions with these probabilities."""
    return xl.Predictions(np.log(np.array(rows, np.float32)))


ROWS = (
    (0.5, 0.4, 0.1),  # confidence .5, margin .1
    (0.05, 0.9, 0.05),  # .9, .85
    (0.5, 0.4, 0.1),
    (0.25, 0.3, 0.45),  # .45, .15
    (0.6, 0.399, 0.001),  # .6, .201
    (0.225, 0.225, 0.55),  # .55, .325
    (0.05, 0.9, 0.05),
)
IN_ORDER = {
    "number": [0, 1, 2, 3, 4, 5, 6],
    "most-confident": [1, 6, 4, 5, 0, 2, 3],
    "least-confident": [3, 0, 2, 5, 4, 1, 6],
    "widest-margin": [1, 6, 5, 4, 3, 0, 2],
    "narrowest-margin": [0, 2, 3, 4, 5, 1, 6],
}


@pytest.mark.parametrize("order", ORDERS)
def test_pictures_come_in_the_order_asked_for_and_ties_by_number(order: Any) -> None:
    assert select_images(np.zeros(7, np.int64), sure(*ROWS), Selection(order=order)).tolist() == IN_ORDER[order]


@pytest.mark.parametrize("order", ["most-confident", "least-confident", "widest-margin", "narrowest-margin"])
def test_of_many_equals_the_first_come_first(order: Any) -> None:
    kinds = np.random.default_rng(1).integers(0, 3, 1000)
    many = sure(*(((0.9, 0.1), (0.8, 0.2), (0.6, 0.4))[kind] for kind in kinds))  # sure, less sure, unsure
    sign = 1 if order in ("most-confident", "widest-margin") else -1
    right = sorted(range(1000), key=lambda number: sign * kinds[number])
    assert select_images(np.zeros(1000, np.int64), many, Selection(order=order)).tolist() == right


# One, two and four classes share everything: confidence exactly 1, 1/2, 1/4.
SHARED = xl.Predictions(np.array([[0, -1000, -1000, -1000], [0, 0, -1000, -1000], [0, 0, 0, 0]], np.float32))
BOUNDS = [
    ({}, [0, 1, 2]),
    ({"low": 0.5}, [0, 1]),
    ({"low": 0.50001}, [0]),
    ({"high": 0.5}, [1, 2]),
    ({"high": 0.49999}, [2]),
    ({"low": 0.25, "high": 0.25}, [2]),
    ({"low": 1.0}, [0]),
    ({"low": 0.6, "high": 0.9}, []),
    ({"low": 0.9, "high": 0.1}, []),
    ({"low": 0.5, "order": "least-confident"}, [1, 0]),
    ({"low": 0.5, "true_class": 1}, [1]),
    ({"high": 0.5, "right": True}, [2]),
]


@pytest.mark.parametrize(("bounds", "right"), BOUNDS, ids=[str(bounds) for bounds, _ in BOUNDS])
def test_low_and_high_bound_the_confidence_both_included(bounds: dict[str, Any], right: list[int]) -> None:
    assert select_images(np.array([0, 1, 0]), SHARED, Selection(**bounds)).tolist() == right


@pytest.mark.parametrize("order", ["random", "", None, "confidence"])
def test_an_unknown_order_is_refused(order: Any) -> None:
    sentence = r"order: .*; one of number, most-confident, least-confident, widest-margin, narrowest-margin would be right"
    with pytest.raises(xl.InputError, match=sentence):
        Selection(order=order)


@pytest.mark.parametrize("labels", [LABELS[:4], LABELS[:, None], np.array([], np.int64)], ids=["4", "a column", "none"])
def test_labels_and_predictions_of_different_numbers_are_refused(labels: np.ndarray) -> None:
    sentence = rf"labels: the shape is {re.escape(str(labels.shape))}; that of the predictions, \(5,\), would be right"
    with pytest.raises(xl.InputError, match=sentence):
        select_images(labels, PREDICTED, Selection())
    with pytest.raises(xl.InputError, match=sentence):
        confusion_matrix(labels, PREDICTED)


def test_the_confusion_matrix_has_true_classes_in_rows() -> None:
    found = confusion_matrix(np.array([0, 0, 0, 1, 2]), told([0, 2, 2, 1, 0], classes=3))
    assert found.dtype == np.int64
    assert found.tolist() == [[1, 0, 2], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_confusion_matrix_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, predicted = rng.integers(0, 9, 400), rng.integers(1, 10, 400)  # 9 is no label, 0 never predicted
    right = scikit_confusion_matrix(labels, predicted, labels=range(10))
    assert_array_equal(confusion_matrix(labels, told(predicted.tolist())), right)
