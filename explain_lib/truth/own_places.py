"""Places in the caller's own pictures: a folder of masks among them, or a list of boxes, and how well maps find these.

Masks lie in the subfolder "masks" under the names of their pictures, and what is not zero is the object; see read_mask. Boxes
are the rows of boxes.csv: file, left, top, right, bottom, in pixels of the picture from its upper left corner. Several rows of
a file are several objects, and any of them is the place. Both are resized and cropped as the network's pictures are.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import PurePosixPath
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.frozen import read_only
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.words import one_line
from explain_lib.cam.settings import Placement
from explain_lib.networks.model import Model
from explain_lib.networks.requests import Request
from explain_lib.passes.tasks import predicted_of
from explain_lib.pictures.files import read_mask
from explain_lib.pictures.folder import MASKS, ImageFolder
from explain_lib.pictures.geometry import Box
from explain_lib.pictures.intake import Intake
from explain_lib.truth.finders import FinderMaps, TruthRows, finder_maps, flat_maps, measured
from explain_lib.truth.localisation import Mask, TruthMeasure

BATCH = 32
BOXES: Final = "boxes.csv"
COLUMNS: Final = ("file", "left", "top", "right", "bottom")
_MEASURES: tuple[TruthMeasure, ...] = ("energy", "pointing", "rank", "overlap")
_ROUNDING = 1.0
"""A mask may be off its picture's shape by so many pixels of its own, as a reduced one is."""

Corners = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class OwnPlaces:
    """The places that a folder knows. positions: int64 (K,), of its pictures that have a mask or a box."""

    def __init__(self, folder: ImageFolder) -> None:
        """Read the list of boxes, and no mask. Raises InputError for a folder with neither, DataError for a wrong list."""
        self._folder = folder
        self._boxes = {} if folder.masks else _read_boxes(folder)
        known = folder.masks or self._boxes
        if not known:
            raise InputError(f"images: {_none_found(folder)}")
        self.positions = read_only(
            np.array([place for place, name in enumerate(folder.files) if name in known], dtype=np.int64)
        )

    def mask(self, position: int, intake: Intake) -> Mask:
        """The place in a picture as the network takes it: bool (H, W), empty where the object is cut off.

        Raises DataError, naming the file, for a mask that cannot be read or does not have its picture's shape; InputError for
        a picture without a place, and where a transform hides what it takes of a picture.
        """
        name = self._folder.files[position]
        size = self._folder.picture(position).shape[:2]
        box = intake.box((size[0], size[1]))
        if box is None:
            raise InputError("transform: it hides which part of a picture it takes; one of torchvision's parts would be right")
        rows, columns = _middles(box, intake.size)
        if name in self._boxes:
            return _in_boxes(self._boxes[name], rows, columns)
        if name not in self._folder.masks:
            raise InputError(f"image: {name} has no mask; one with a mask would be right")
        return _in_mask(self._read(name, (size[0], size[1])), box.size, rows, columns)

    def masks(self, positions: NDArray[np.int64], intake: Intake) -> Mask:
        """The places in several pictures, bool (K, H, W); errors as mask."""
        return np.stack([self.mask(position, intake) for position in positions.tolist()])

    def _read(self, name: str, size: tuple[int, int]) -> Mask:
        file = self._folder.masks[name]
        try:
            found = read_mask((self._folder.path / file).read_bytes())
        except OSError as error:
            raise DataError(f"{file}: it cannot be opened ({error.strerror})") from error
        except (InputError, DataError) as error:
            raise DataError(f"{file}: {str(error).removeprefix('picture: ')}") from error
        height, width = found.shape
        if abs(height * size[1] / size[0] - width) > _ROUNDING:
            raise DataError(
                f"{file}: it is {height} x {width} and its picture {size[0]} x {size[1]}; the same shape would be right"
            )
        return found


def _none_found(folder: ImageFolder) -> str:
    """Why a folder knows no place, and what would be right."""
    if MASKS in folder.classes:  # it was taken for a class, as one of its files has no picture's name
        pictures = {str(PurePosixPath(name).with_suffix("")) for name in folder.files if not name.startswith(f"{MASKS}/")}
        masks = [name for name in folder.files if name.startswith(f"{MASKS}/")]
        stray = next(name for name in masks if str(PurePosixPath(name.partition("/")[2]).with_suffix("")) not in pictures)
        return f"{stray} is no mask, since no picture has its name; the path of a picture, below {MASKS}, would be right"
    return (
        f"{folder.name} has no masks; a subfolder {MASKS} with a mask under the name of each picture, or a list {BOXES} of "
        f"{', '.join(COLUMNS)}, would be right"
    )


def _middles(box: Box, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The rows and columns of the picture in the middle of the pixels that the network takes."""
    ends = (box.top, box.bottom), (box.left, box.right)
    rows, columns = (
        low + (np.arange(count) + 0.5) / count * (high - low) for (low, high), count in zip(ends, size, strict=True)
    )
    return rows, columns


def _in_boxes(boxes: list[Corners], rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Mask:
    found = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    for left, top, right, bottom in boxes:
        found |= np.logical_and.outer((rows >= top) & (rows < bottom), (columns >= left) & (columns < right))
    return found


def _in_mask(mask: Mask, size: tuple[int, int], rows: NDArray[np.float64], columns: NDArray[np.float64]) -> Mask:
    """The mask's nearest pixels at places of its picture of that size; beyond the picture there is nothing."""
    inside, places = [], []
    for line, extent, count in zip((rows, columns), size, mask.shape, strict=True):
        inside.append((line >= 0) & (line < extent))
        places.append(np.clip(np.floor(line * count / extent).astype(np.int64), 0, count - 1))
    return mask[np.ix_(*places)] & np.logical_and.outer(*inside)


def _read_boxes(folder: ImageFolder) -> dict[str, list[Corners]]:
    """The boxes of each file. Raises DataError, naming the row, for a list that is wrong."""
    path = folder.path / BOXES
    if not path.is_file():
        return {}
    try:
        reader = csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig")))
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{BOXES}: no column {', '.join(missing)}; the columns {', '.join(COLUMNS)} would be right")
        found: dict[str, list[Corners]] = {}
        for row in reader:
            found.setdefault(_file_of(row, folder, reader.line_num), []).append(_corners(row, reader.line_num))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{BOXES}: it cannot be read ({error}); a CSV file in UTF-8 would be right") from error
    return found


def _file_of(row: Mapping[str, str | None], folder: ImageFolder, line: int) -> str:
    name = str(PurePosixPath((row["file"] or "").strip().replace("\\", "/")))
    if name not in folder.files:
        raise DataError(
            f"{BOXES}, line {line}: there is no picture {one_line(name)!r}; a file such as {folder.files[0]!r} would be right"
        )
    return name


def _corners(row: Mapping[str, str | None], line: int) -> Corners:
    try:
        left, top, right, bottom = (float(row[name] or "") for name in COLUMNS[1:])
    except ValueError as error:
        raise DataError(f"{BOXES}, line {line}: {error}; four numbers of pixels would be right") from error
    if not (np.isfinite([left, top, right, bottom]).all() and left < right and top < bottom):
        raise DataError(f"{BOXES}, line {line}: left must be less than right, and top less than bottom")
    return left, top, right, bottom


@recorded
@remembered(alone=True)
def object_maps(
    model: Model,
    pixels: NDArray[np.uint8],
    positions: NDArray[np.int64],
    layers: tuple[str, ...] | None,
    target: int,
    placement: Placement = "receptive-field",
) -> FinderMaps:
    """The maps of all finders on pictures uint8 (K, H, W, C) for one class; see finder_maps."""
    return finder_maps(model, pixels, positions.tolist(), layers, target, placement)


@dataclass(frozen=True, eq=False)
class OwnPlacesRequest(Request[TruthRows]):
    """How well maps find the places in K images of a set; those count whose place is not cut off.

    masks: bool (K, H, W), see OwnPlaces. classes: int64 (K,), the class that is explained of each, the place among the model's;
    -1 for the predicted one. layers, placement: as in finder_maps. Raises InputError as Request does, and for masks or classes
    of another shape; LayerError for unknown layers.
    """

    masks: Mask
    classes: NDArray[np.int64]
    layers: tuple[str, ...] | None = None
    placement: Placement = "receptive-field"

    per_image: ClassVar[tuple[str, ...]] = ("images", "masks", "classes")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.model.find_layers(self.layers)
        shape = (len(self.images), *self.model.input_size)
        if self.masks.shape != shape or self.masks.dtype != np.bool_:
            raise InputError(f"masks: {self.masks.dtype} of shape {self.masks.shape}; bool of shape {shape} would be right")
        if self.classes.shape != shape[:1] or self.classes.min() < -1 or self.classes.max() >= len(self.model.classes):
            raise InputError("classes: a place among the model's classes for each image, or -1, would be right")
        self._settle(masks=read_only(self.masks), classes=read_only(self.classes))

    @property
    def batch_size(self) -> int:
        return BATCH

    @property
    def asked(self) -> tuple[object, ...]:
        digest = hashlib.sha256(np.packbits(self.masks).tobytes()).hexdigest()
        return "own places", digest, self.classes.tolist(), self.layers, self.placement

    def compute(self) -> TruthRows:
        own = self.pixels[self.images]
        said = predicted_of(self.model.predict(own), self.model.task)
        asked = np.where(self.classes < 0, said, self.classes).tolist()
        found = finder_maps(self.model, own, self.images.tolist(), self.layers, asked, self.placement)
        values, flat = measured(found, self.masks, _MEASURES), flat_maps(found)
        counts, area = np.asarray(self.masks.any((1, 2))), self.masks.mean((1, 2))
        return TruthRows(self.images, _MEASURES, found.finders, counts, area, values, flat)
