"""The part of a picture that a network sees, and maps brought back from there onto the whole picture.

Resizing, cropping and padding move a picture without turning it, so a box says it all: where the edges of the network's input
lie in the picture.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.pictures.files import INNER, Fit

Size = tuple[int, int]
_LIBRARIES = ("torchvision.", "timm.")
_VALUES_ONLY = frozenset(
    [
        "ToTensor",
        "PILToTensor",
        "ToImage",
        "ToPILImage",
        "ToPureTensor",
        "ConvertImageDtype",
        "ToDtype",
        "Normalize",
        "Grayscale",
        "RGB",
        "MaybeToTensor",
        "MaybePILToTensor",
        "Identity",
    ]
)
"""The parts of torchvision's and timm's transforms that move no pixel."""


@dataclass(frozen=True)
class Box:
    """Where the input of a network lies in a picture of size (height, width): its edges, in pixels from the upper left corner.

    They lie outside the picture where it is padded, and inside where it is cropped.
    """

    top: float
    left: float
    bottom: float
    right: float
    size: Size

    @classmethod
    def whole(cls, size: Size) -> "Box":
        """The whole picture."""
        return cls(0.0, 0.0, float(size[0]), float(size[1]), size)

    def part(self, of: Size, top: float, left: float, size: Size) -> "Box":
        """The part of the box, taken for pixels of size `of`, that begins at (top, left) and has that size."""
        down, across = (self.bottom - self.top) / of[0], (self.right - self.left) / of[1]
        upper, outer = self.top + top * down, self.left + left * across
        return Box(upper, outer, upper + size[0] * down, outer + size[1] * across, self.size)

    def scaled(self, size: Size) -> "Box":
        """The same box for the picture enlarged or reduced to that size (height, width)."""
        down, across = (new / old for new, old in zip(size, self.size, strict=True))
        return Box(self.top * down, self.left * across, self.bottom * down, self.right * across, size)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """The pixels of the picture whose middle the network sees: bool (height, width)."""
        rows, columns = (_inside(*ends, count) for ends, count in zip(self._ends, self.size, strict=True))
        return np.logical_and.outer(rows, columns)

    @property
    def _ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return (self.top, self.bottom), (self.left, self.right)

    def on_whole(self, values: Map) -> Map:
        """A map of the network's input, (h, w) of any grid, on the whole picture: float32 (height, width), NaN where unseen.

        Between the middles of its cells the map is bilinear, beyond the outermost it stays the same, as when it is stretched
        over the input. Raises InputError for anything but a map with two axes.
        """
        if not isinstance(values, np.ndarray) or values.ndim != 2 or values.size == 0:
            raise InputError("values: not a map; an array (h, w) would be right")
        rows, columns = (
            _weights(*ends, count, cells) for ends, count, cells in zip(self._ends, self.size, values.shape, strict=True)
        )
        placed = rows @ values.astype(np.float64) @ columns.T
        return np.where(self.seen, placed, np.nan).astype(np.float32)


def _middles(count: int) -> NDArray[np.float64]:
    return np.arange(count, dtype=np.float64) + 0.5


def _inside(low: float, high: float, count: int) -> NDArray[np.bool_]:
    return np.asarray((_middles(count) >= low) & (_middles(count) <= high))


def _weights(low: float, high: float, count: int, cells: int) -> NDArray[np.float64]:
    """The share of each cell in each pixel along an axis, (count, cells): bilinear between the middles of cells."""
    places = np.clip((_middles(count) - low) / (high - low) * cells - 0.5, 0, cells - 1)
    before = np.floor(places).astype(np.int64)
    shares = np.zeros((count, cells))
    shares[np.arange(count), before] = 1 - (places - before)
    shares[np.arange(count), np.minimum(before + 1, cells - 1)] += places - before
    return shares


# Section: the fits of fit_picture


def fitted_box(picture: Size, size: Size, fit: Fit) -> Box:
    """The box that fit_picture takes from a picture of that size (height, width) for a network of input size `size`."""
    if fit == "stretch" or (picture == size and fit != "inner"):
        return Box.whole(picture)
    asked = (round(size[0] * INNER), round(size[1] * INNER)) if fit == "inner" else size
    height, width = picture
    by_width = asked[0] * width >= asked[1] * height if fit == "pad" else asked[0] * width < asked[1] * height
    scaled = (max(1, asked[1] * height // width), asked[1]) if by_width else (asked[0], max(1, asked[0] * width // height))
    tops = [-((full - one) // 2) if fit == "pad" else round((one - full) / 2) for one, full in zip(scaled, size, strict=True)]
    return Box.whole(picture).part(scaled, tops[0], tops[1], size)


# Section: torchvision's parts


def box_of_parts(parts: Sequence[object], picture: Size) -> Box | None:
    """The box that these parts of a torchvision Compose take from a picture (height, width); None if one of them is unknown."""
    box, size = Box.whole(picture), picture
    for part in parts:
        name = type(part).__name__ if type(part).__module__.startswith(_LIBRARIES) else ""
        if name in _VALUES_ONLY:
            continue
        step = _STEPS.get(name)
        found = None if step is None else step(part, size)
        if found is None:
            return None
        top, left, scaled, size = found
        box = box.part(scaled, top, left, size)
    return box


Moved = tuple[int, int, Size, Size]
"""Where the new picture begins in the picture as scaled, how large that is, and how large the new picture is."""


def _resize(part: object, size: Size) -> Moved | None:
    asked, most = getattr(part, "size", None), getattr(part, "max_size", None)
    sides = [asked] if isinstance(asked, int) else list(asked or ())
    if len(sides) == 2:
        return 0, 0, (sides[0], sides[1]), (sides[0], sides[1])
    if len(sides) != 1:
        return None
    short, long = min(size), max(size)
    new_short, new_long = sides[0], int(sides[0] * long / short)
    if most is not None and new_long > most:
        new_short, new_long = int(most * new_short / new_long), most
    new = (new_short, new_long) if size[0] <= size[1] else (new_long, new_short)
    return 0, 0, new, new


def _centre_crop(part: object, size: Size) -> Moved | None:
    asked = getattr(part, "size", None)
    sides = [asked, asked] if isinstance(asked, int) else list(asked or ())
    sides = sides * 2 if len(sides) == 1 else sides
    if len(sides) != 2:
        return None
    starts = [-((new - old) // 2) if new > old else round((old - new) / 2.0) for old, new in zip(size, sides, strict=True)]
    return starts[0], starts[1], size, (sides[0], sides[1])


def _pad(part: object, size: Size) -> Moved | None:
    given = getattr(part, "padding", None)
    if getattr(part, "padding_mode", "constant") != "constant" or given is None:
        return None  # a mirrored border is seen twice
    sides = [given] * 4 if isinstance(given, int) else list(given)
    left, top, right, bottom = sides * (4 // len(sides))
    return -top, -left, size, (size[0] + top + bottom, size[1] + left + right)


_STEPS: dict[str, Callable[[object, Size], Moved | None]] = {"Resize": _resize, "CenterCrop": _centre_crop, "Pad": _pad}


# Section: measured

OFF = 0.75
"""How far, in pixels of the picture, a measured place may lie from a straight line."""


def measured_box(look: Callable[[NDArray[np.uint8]], NDArray[np.float64]], picture: Size) -> Box | None:
    """The box that a function takes from a picture of that size, told from what becomes of ramps of grey; None if it cannot be.

    look: takes a picture uint8 (height, width, 3) and gives what became of it, float64 (h, w), any increasing straight line
    of the grey. What is cut off, or padded with one grey, is told; a picture that is turned, mirrored or bent is not.
    """
    black, white = (look(np.full((*picture, 3), grey, np.uint8)) for grey in (0, 255))
    ends = []
    for axis in (0, 1):
        found = _measured_ends(look, picture, axis, black, white - black)
        if found is None:
            return None
        ends.append(found)
    (top, bottom), (left, right) = ends
    return Box(top, left, bottom, right, picture)


def _measured_ends(
    look: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    picture: Size,
    axis: int,
    black: NDArray[np.float64],
    reach: NDArray[np.float64],
) -> tuple[float, float] | None:
    """Where the edges of the input lie along an axis of the picture."""
    drawn = reach > reach.max() / 2  # not padding, which is the same whatever the picture
    if not drawn.any() or reach.max() <= 0:
        return None
    count = picture[axis]
    places = (_middles(count) / count * 255).round().astype(np.uint8)
    ramp = np.repeat(np.expand_dims(places, (1 - axis, 2)), 3, axis=2)
    seen = look(np.ascontiguousarray(np.broadcast_to(ramp, (*picture, 3))))
    shares = np.where(drawn, (seen - black) / np.where(drawn, reach, 1), np.nan) * count
    lines = shares if axis == 0 else shares.T
    filled = np.flatnonzero(np.isfinite(lines).any(1))
    middles = np.array([np.nanmean(lines[line]) for line in filled])
    spread = max(float(np.nanmax(lines[line]) - np.nanmin(lines[line])) for line in filled)
    step = 1.5 * count / 255 + OFF
    inner = slice(1, -1) if len(filled) > 4 else slice(None)  # at a border the filter of a resize is cut off
    if len(filled) < 2 or spread > step:
        return None
    slope, start = np.polyfit(filled[inner] + 0.5, middles[inner], 1)
    if slope <= 0 or np.abs(slope * (filled[inner] + 0.5) + start - middles[inner]).max() > step:
        return None
    return float(start), float(start + slope * len(lines))
