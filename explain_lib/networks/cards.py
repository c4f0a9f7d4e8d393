"""Model cards: the origin, accuracy and digests of a checkpoint, as JSON beside it."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from explain_lib.base.errors import DataError
from explain_lib.base.files import write_whole


@dataclass(frozen=True)
class ModelCard:
    """The card of a checkpoint.

    accuracy and class_accuracy are fractions of the 10,000 CIFAR-10 test images, the latter one per class in the order
    of `classes`; train_accuracy is the fraction of training images that were right during the last epoch, None where
    it is not known. digest is the SHA-256 of the checkpoint file, logits_digest that of the file with its test logits.
    """

    name: str
    title: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    accuracy: float
    class_accuracy: tuple[float, ...]
    train_accuracy: float | None
    epochs: int | None
    seed: int | None
    command: str | None
    source: str
    licence: str
    digest: str
    logits_digest: str

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):  # JSON has no tuples
                object.__setattr__(self, field.name, tuple(value))


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises DataError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); restore it from the repository") from error


def write_card(card: ModelCard, path: Path) -> None:
    """Write the card as JSON, whole or not at all. Raises DataError if it cannot be written."""
    write_whole(path, (json.dumps(asdict(card), indent=2) + "\n").encode())


def read_card(path: Path) -> ModelCard:
    """Read a card. Raises DataError if it is missing, not JSON, or lacks a field."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"the card {path} cannot be read ({error}); restore it from the repository") from error
    names = {field.name for field in fields(ModelCard)}
    if not isinstance(content, dict) or set(content) != names:
        raise DataError(f"the card {path} does not hold exactly the fields {', '.join(sorted(names))}")
    return ModelCard(**content)
