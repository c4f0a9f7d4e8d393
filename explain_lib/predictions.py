"""What a model says of a set of pictures."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import ImageSet
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen, read_only
from explain_lib.model import Model


@dataclass(frozen=True)
class Predictions(Frozen):
    """Logits float32 (N, classes) for N pictures."""

    logits: NDArray[np.float32]

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Softmax of the logits, float32 (N, classes)."""
        return read_only(softmax(self.logits))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The class with the largest logit, int64 (N,)."""
        return read_only(self.logits.argmax(1))

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of the predicted class, float32 (N,), in [0, 1]."""
        return read_only(self.probabilities.max(1))


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities float32 (N, classes) of logits (N, classes)."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), dtype=np.float32)


def predict_images(model: Model, images: ImageSet) -> Predictions:
    """The model's predictions for all pictures of the set. Raises InputError if their sizes do not fit."""
    return Predictions(model.predict(images.pixels))


@dataclass(frozen=True)
class Selection:
    """Which pictures to show: of a true class, of a predicted class, right or wrong ones; None for no condition."""

    true_class: int | None = None
    predicted_class: int | None = None
    right: bool | None = None


def select_images(labels: NDArray[np.int64], predicted: NDArray[np.int64], selection: Selection) -> NDArray[np.int64]:
    """Positions, int64 (K,) ascending, of the pictures that meet every condition; K may be 0."""
    if labels.shape != predicted.shape:
        raise InputError(f"predicted: the shape is {predicted.shape}; that of labels, {labels.shape}, would be right")
    chosen = np.ones(labels.shape, dtype=bool)
    if selection.true_class is not None:
        chosen &= labels == selection.true_class
    if selection.predicted_class is not None:
        chosen &= predicted == selection.predicted_class
    if selection.right is not None:
        chosen &= (labels == predicted) == selection.right
    return np.flatnonzero(chosen)
