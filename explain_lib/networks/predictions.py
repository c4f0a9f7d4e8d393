"""Predictions of a model on sets of pictures, selections of pictures by them, and the confusion matrix."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import recorded, remembered
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.requests import ImageRows, Request
from explain_lib.passes.outputs import check_finite
from explain_lib.passes.tasks import PRESENT, Task, predicted_of, segments, values_of
from explain_lib.pictures.dataset import ImageSet
from explain_lib.pictures.pixels import Images
from explain_lib.pictures.sets import Pixels
from explain_lib.regions.boxes import Box, Candidates, Found
from explain_lib.regions.region import Region, region_of

VERDICT_BATCH = 64
MOST_BOXES = 20
OVERLAP = 0.5
"""Of boxes of one class that overlap by more, as intersection over union, the best one is shown."""


@dataclass(frozen=True)
class Predictions(Frozen):
    """The predictions of a model for N pictures.

    logits: the scores, float32 (N, classes). task: what they mean. probabilities: their softmax or sigmoid, float32 (N,
    classes); of a regression, which has none, the scores themselves. predicted: the class with the largest score, int64 (N,);
    of a regression the first output. confidence: its probability, float32 (N,), in [0, 1]; of a regression its number.
    margin: that probability minus the second largest, float32 (N,), in [0, 1]; NaN for a regression. present: the labels with
    a probability above 0.5, bool (N, classes); (N, 0) unless the classes are labels.
    """

    logits: NDArray[np.float32]
    task: Task = "softmax"
    probabilities: NDArray[np.float32] = field(init=False)
    predicted: NDArray[np.int64] = field(init=False)
    confidence: NDArray[np.float32] = field(init=False)
    margin: NDArray[np.float32] = field(init=False)
    present: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        probabilities, predicted = values_of(self.logits, self.task), predicted_of(self.logits, self.task)
        confidence = np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0]
        values = {
            "probabilities": probabilities,
            "predicted": predicted,
            "confidence": confidence,
            "margin": np.full_like(confidence, np.nan) if self.task == "regression" else _margin(probabilities),
            "present": probabilities[:, : None if self.task == "sigmoid" else 0] > PRESENT,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        super().__post_init__()

    @property
    def classes(self) -> int:
        """The number of classes of the model."""
        return int(self.logits.shape[1])


@dataclass(frozen=True)
class Verdicts(Frozen):
    """Predictions in short for N pictures, as far as they are known.

    predicted: int64 (N,), -1 for a picture without a prediction yet. confidence, margin: float32 (N,), in [0, 1], NaN
    there; see Predictions. classes: the number of classes of the model. present: bool (N, classes) or (N, 0), False there.
    """

    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    classes: int
    present: NDArray[np.bool_]

    @property
    def asked(self) -> NDArray[np.bool_]:
        """The pictures with a prediction, bool (N,)."""
        return self.predicted >= 0


@dataclass(frozen=True)
class VerdictRows(ImageRows):
    """Predictions in short for K pictures of a set, at positions int64 (K,); see Predictions."""

    images: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    present: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class VerdictRequest(Request[VerdictRows]):
    """The model's predictions for pictures of a set, in short; see Request."""

    takes_sheets: ClassVar[bool] = True

    @property
    def batch_size(self) -> int:
        return VERDICT_BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        return ("verdicts",)

    def compute(self) -> VerdictRows:
        said = Predictions(self.model.predict(self.pixels[self.images]), self.model.task)
        return VerdictRows(self.images, said.predicted, said.confidence, said.margin, said.present)


def verdict_request(model: Model, pixels: Pixels) -> VerdictRequest:
    """The request for the model's predictions for all pictures of a set."""
    return VerdictRequest(model, pixels, np.arange(len(pixels)))


def verdicts_of(rows: VerdictRows | None, count: int, classes: int) -> Verdicts:
    """The verdicts on a whole set of `count` pictures, from the rows that are known, None for no row."""
    predicted = np.full(count, -1, dtype=np.int64)
    confidence, margin = np.full((2, count), np.nan, dtype=np.float32)
    present = np.zeros((count, 0 if rows is None else rows.present.shape[1]), dtype=np.bool_)
    if rows is not None:
        present[rows.images] = rows.present
        predicted[rows.images], confidence[rows.images], margin[rows.images] = rows.predicted, rows.confidence, rows.margin
    return Verdicts(predicted, confidence, margin, classes, present)


def _margin(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest minus the second largest of each row; the largest itself if there is only one class."""
    if probabilities.shape[1] == 1:
        return probabilities[:, 0].copy()
    second, first = np.partition(probabilities, -2, axis=1)[:, -2:].T
    return np.ascontiguousarray(first - second)


@recorded
@remembered()
def predict(model: Model, pixels: Images) -> Predictions:
    """The model's predictions for pictures uint8 (N, H, W, C) or a tensor; see Model.predict."""
    return Predictions(check_model(model).predict(pixels), model.task)


def predict_images(model: Model, images: ImageSet) -> Predictions:
    """The model's predictions for all pictures of the set. Raises InputError if their sizes do not fit."""
    return Predictions(model.predict(images.pixels), model.task)


@dataclass(frozen=True)
class PredictedPlaces(Frozen):
    """What is predicted at each place of N pictures.

    classes: int32 (N, rows, columns), the class with the largest score; where there are labels, that of the largest score, and
    -1 where none is present. present: bool (N, classes, rows, columns), where each class or label is predicted.
    """

    classes: NDArray[np.int32]
    present: NDArray[np.bool_]

    def region(self, picture: int, index: int) -> Region:
        """Where a class is predicted. Raises InputError if it is at no place."""
        return region_of(self.present[picture, index], "predicted")


@remembered()
def predicted_places(model: Model, pixels: Images) -> PredictedPlaces:
    """The classes that a network which segments predicts for pictures uint8 (N, H, W, C) or a tensor, place by place.

    Raises InputError for a network with another task, and what Model.predict raises.
    """
    check_model(model).check_images(pixels)
    if not segments(model.task):
        raise InputError(f"model: its task is {model.task}; one that segments would be right")
    read = model.read_input(model.to_input(pixels))
    check_finite(read.scores)
    classes = read.start.argmax(1).cpu().numpy().astype(np.int32)
    if model.task == "sigmoid-segmentation":
        present = (read.start > 0).cpu().numpy()
        return PredictedPlaces(np.where(present.any(1), classes, -1).astype(np.int32), present)
    return PredictedPlaces(classes, np.arange(len(model.classes))[:, None, None] == classes[:, None])


@dataclass(frozen=True)
class PredictedBoxes:
    """The boxes that a detector finds in a picture, those with the largest scores first."""

    boxes: tuple[Found, ...]

    @property
    def nbytes(self) -> int:
        """Bytes held, for caches."""
        return sum(found.box.nbytes for found in self.boxes)


@remembered()
def predicted_boxes(model: Model, pixels: Images) -> PredictedBoxes:
    """The best MOST_BOXES boxes in a picture, uint8 (1, H, W, C) or a tensor; of those that overlap the best of each class.

    Raises InputError for several pictures and for a network with another task, and what Model.predict raises.
    """
    read = _boxes_read(model, pixels)
    return PredictedBoxes(tuple(read.shown(0, MOST_BOXES, OVERLAP)))


@remembered()
def box_of(model: Model, pixels: Images, index: int, number: int | None = None) -> Box:
    """The box of a class of one candidate, None for that with its best score; pixels and errors as in predicted_boxes.

    Raises InputError for a candidate that is not there.
    """
    read = _boxes_read(model, pixels)
    return read.best(0, index) if number is None else read.box(0, number, index)


def _boxes_read(model: Model, pixels: Images) -> Candidates:
    if len(check_model(model).check_images(pixels)) != 1:
        raise InputError(f"pixels: {len(pixels)} pictures; one, as a batch of one, would be right")
    read = model.read_input(model.to_input(pixels))
    if read.candidates is None:
        raise InputError(f"model: its task is {model.task}; a detector would be right")
    check_finite(read.scores)
    return read.candidates


Order = Literal["number", "most-confident", "least-confident", "widest-margin", "narrowest-margin"]
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True)
class Selection:
    """Which pictures to show, and in which order.

    true_class, predicted_class: None for any. right: whether the prediction is right, None for either. low, high: the least
    and the largest confidence, in [0, 1], both included. order: by number, by confidence or by margin; ties by number.
    """

    true_class: int | None = None
    predicted_class: int | None = None
    right: bool | None = None
    low: float = 0.0
    high: float = 1.0
    order: Order = "number"

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise InputError(f"order: {self.order!r}; one of {', '.join(ORDERS)} would be right")


def select_images(labels: NDArray[np.int64], predictions: Predictions | Verdicts, selection: Selection) -> NDArray[np.int64]:
    """Positions, int64 (K,), of the pictures that meet every condition, in the selection's order; K may be 0.

    labels: int64 (N,), the true classes, -1 for a picture without one. A picture without a prediction meets no
    condition on predictions, and one that is not judged is neither right nor wrong. Raises InputError if there are more or
    fewer labels than predictions.
    """
    _check_labels(labels, predictions)
    chosen = np.ones(len(labels), dtype=bool)
    if (selection.low, selection.high) != (0, 1):
        chosen &= (predictions.confidence >= selection.low) & (predictions.confidence <= selection.high)
    if selection.true_class is not None:
        chosen &= labels == selection.true_class
    if selection.predicted_class is not None:
        chosen &= predictions.predicted == selection.predicted_class
    if selection.right is not None:
        chosen &= judged(labels, predictions) & ((labels == predictions.predicted) == selection.right)
    return _ordered(np.flatnonzero(chosen), predictions, selection.order)


def judged(labels: NDArray[np.int64], predictions: Predictions | Verdicts) -> NDArray[np.bool_]:
    """Whether the prediction for each picture is right or wrong, bool (N,).

    labels: as in select_images. A picture is not judged if it has no prediction, no true class, or one that the model does not
    know.
    """
    return (labels >= 0) & (labels < predictions.classes) & (predictions.predicted >= 0)


def _check_labels(labels: NDArray[np.int64], predictions: Predictions | Verdicts) -> None:
    found, right = labels.shape, predictions.predicted.shape
    if found != right:
        raise InputError(f"labels: the shape is {found}; that of the predictions, {right}, would be right")


def _ordered(chosen: NDArray[np.int64], predictions: Predictions | Verdicts, order: Order) -> NDArray[np.int64]:
    if order == "number":
        return chosen
    key = predictions.confidence if order.endswith("confident") else predictions.margin
    sign = -1 if order in ("most-confident", "widest-margin") else 1
    return chosen[np.argsort(sign * key[chosen], kind="stable")]


def confusion_matrix(labels: NDArray[np.int64], predictions: Predictions | Verdicts) -> NDArray[np.int64]:
    """How many pictures of each true class (row) were given each class (column): int64 (classes, classes).

    Pictures of a class that the model does not know, and those without a prediction, do not count. Raises InputError if
    there are more or fewer labels than predictions.
    """
    _check_labels(labels, predictions)
    classes, predicted = predictions.classes, predictions.predicted
    known = judged(labels, predictions)
    counts = np.bincount(labels[known] * classes + predicted[known], minlength=classes**2)
    return counts.reshape(classes, classes).astype(np.int64)


def label_counts(labels: NDArray[np.int64], predictions: Predictions | Verdicts) -> NDArray[np.int64]:
    """For each label the pictures of that true class, those of them that were given it, and all that were: (classes, 3).

    int64. A label is given where its probability is above 0.5; pictures without a prediction do not count. Raises InputError
    if there are more or fewer true classes than predictions, and if the classes are not labels.
    """
    _check_labels(labels, predictions)
    classes, asked = predictions.classes, predictions.predicted >= 0
    if predictions.present.shape[1] != classes:
        raise InputError("predictions: their classes exclude each other; those of a model with task='sigmoid' would be right")
    true = labels[:, None] == np.arange(classes)
    counted = (true, true & predictions.present, predictions.present)
    return np.stack([one[asked].sum(0) for one in counted], axis=1).astype(np.int64)
