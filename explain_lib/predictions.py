"""What a model says of a set of pictures."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explain_lib.dataset import ImageSet
from explain_lib.errors import InputError
from explain_lib.frozen import Frozen
from explain_lib.model import Model


@dataclass(frozen=True)
class Predictions(Frozen):
    """What a model says of N pictures.

    logits: float32 (N, classes). probabilities: their softmax, float32 (N, classes). predicted: the class with the largest
    logit, int64 (N,). confidence: its probability, float32 (N,), in [0, 1].
    """

    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32] = field(init=False)
    predicted: NDArray[np.int64] = field(init=False)
    confidence: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        probabilities = softmax(self.logits)
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "predicted", self.logits.argmax(1))
        object.__setattr__(self, "confidence", probabilities.max(1))
        super().__post_init__()


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
