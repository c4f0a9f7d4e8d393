"""The 10,000 CIFAR-10 test images, bundled without loss, and labels in the numbering of a network with other classes.

The pictures are the test batch of CIFAR-10 (Alex Krizhevsky, "Learning Multiple Layers of Features from Tiny Images",
2009), in the dataset's own order, as one mosaic of 100 x 100 pictures in lossless WebP.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explain_lib.base.errors import DataError
from explain_lib.base.frozen import Frozen
from explain_lib.pictures.rendering import open_picture

CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The ten classes in the order of their labels, named as in Captum's tutorial."""

SIDE = 32
MOSAIC_COLUMNS = 100
STUDY_BATCH = 4
FOLDER = Path(__file__).parents[1] / "data"
DIGESTS = {
    "train": "f912919bdea371136f1aa4feed6beeca728015a5f08b1899a29c932a7e30be2b",
    "test": "8193b3fbce55bec361cd1b8fd4880cb1649832dc4d6de6da1e7a21847a4843aa",
}
"""For either split, the SHA-256 of the bytes of its pixels followed by those of its labels, both uint8."""


@dataclass(frozen=True)
class ImageSet(Frozen):
    """Pictures uint8 (N, 32, 32, 3), RGB, with their labels int64 (N,), positions in `classes`."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...] = CLASSES


def study_batch(index: int) -> slice:
    """The batch of four in which the study's notebook saw test image `index`: images 4 * (index // 4) to + 3."""
    start = index - index % STUDY_BATCH
    return slice(start, start + STUDY_BATCH)


def check_split(split: str, pixels: NDArray[np.uint8], labels: NDArray[np.uint8], source: str) -> None:
    """Raise DataError, naming `source`, unless these are the pixels and labels of that split of CIFAR-10."""
    digest = hashlib.sha256(np.ascontiguousarray(pixels).data)
    digest.update(np.ascontiguousarray(labels).data)
    found, right = digest.hexdigest(), DIGESTS[split]
    if found != right:
        said = f"their SHA-256 is {found}, {right} would be right"
        raise DataError(f"the CIFAR-10 {split} images in {source} are damaged: {said}")


def load_cifar10(folder: Path = FOLDER) -> ImageSet:
    """The 10,000 test images of CIFAR-10: pixels uint8 (10000, 32, 32, 3) RGB, labels int64 (10000,).

    Raises DataError if the bundled files are missing or are not the dataset's pixels and labels.
    """
    pixels, labels = _read_mosaic(folder / "cifar10_test.webp"), _read_labels(folder / "cifar10_test_labels.npy")
    check_split("test", pixels, labels, str(folder))
    return ImageSet(pixels, labels.astype(np.int64))


def fit_labels(
    labels: NDArray[np.int64], classes: tuple[str, ...], known: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The labels in the network's numbering, int64 (N,), and the names of all classes: the network's, then those it lacks.

    labels: int64 (N,), positions in `classes`, -1 for a picture without a class. known: the network's classes. The case of
    names is ignored.
    """
    if classes == known:
        return labels, known
    places = {name.casefold(): place for place, name in reversed(list(enumerate(known)))}
    lacking = tuple(name for name in classes if name.casefold() not in places)
    places |= {name.casefold(): len(known) + place for place, name in enumerate(lacking)}
    numbers = np.array([*(places[name.casefold()] for name in classes), -1], dtype=np.int64)
    return numbers[labels], (*known, *lacking)


def _read_mosaic(path: Path) -> NDArray[np.uint8]:
    try:
        mosaic = np.asarray(open_picture(path).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"the mosaic of the test images, {path}, cannot be read ({error}); restore it from the repository"
        ) from error
    rows = mosaic.shape[0] // SIDE
    if mosaic.shape != (rows * SIDE, MOSAIC_COLUMNS * SIDE, 3):
        raise DataError(f"the mosaic of the test images, {path}, has the shape {mosaic.shape}; (3200, 3200, 3) would be right")
    tiles = mosaic.reshape(rows, SIDE, MOSAIC_COLUMNS, SIDE, 3).swapaxes(1, 2)
    return np.ascontiguousarray(tiles).reshape(-1, SIDE, SIDE, 3)


def _read_labels(path: Path) -> NDArray[np.uint8]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.uint8)
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise DataError(
            f"the labels of the test images, {path}, cannot be read ({error}); restore them from the repository"
        ) from error
