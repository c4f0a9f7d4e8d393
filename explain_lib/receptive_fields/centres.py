"""Where the cells of a layer look: the middles of their receptive fields, read from the network, checked, else measured.

Reading: positions.py. The check: a patch of a noise picture is changed in four places, and the cells that answer
must lie there. Measuring, where reading gives nothing or fails the check: the middle of the squared gradient of single cells
with respect to noise pictures (the effective receptive field of arXiv 1701.04128).
"""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from math import nan
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import ExplainError, NetworkError
from explain_lib.base.frozen import Frozen
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.weights import weight_stamp
from explain_lib.passes.capture import cell_gradients
from explain_lib.passes.positions import Pair, of_cells
from explain_lib.passes.tracing import LayerTrace, read_positions, watch

Source = Literal["read", "measured"]
Line = NDArray[np.float64]
"""Positions along one axis, in pixels of the input."""
Answer = tuple[Line, Line]
"""How much each row, and each column, of a layer changes with each of four patches: float64 (4, h) and (4, w)."""

PATCHES = (0.25, 0.75)
"""Where the picture is changed for the check, as shares of its sides."""
PATCH_SHARE = 16
FARTHEST = 0.75
"""How far, in cells, the answer may lie from the change; 1 px is always allowed, for cells that are smaller."""
SLOPES = (-0.25, 1.25)
"""How far the answer may move for each pixel that the change moves: less where fields are wider than the picture, 0 if
none of it shows in which cell answers.
"""
MEASURED_CELLS = 12
"""So many cells of each axis are measured; those between lie between."""
BOTH_AGREE = 0.25
"""How far two measurements of a cell may lie apart, in cells."""


@dataclass(frozen=True)
class CellCentres(Frozen):
    """Where the cells of a layer look.

    rows, columns: float32 (h,) and (w,), the y of each row and the x of each column in pixels of the input, 0 in the middle of
    the first pixel; they rise, and may lie outside the picture. size: (H, W) of the input. source: read from the network's
    operations, or measured.
    """

    rows: NDArray[np.float32]
    columns: NDArray[np.float32]
    size: tuple[int, int]
    source: Source

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        return len(self.rows), len(self.columns)

    @property
    def spacing(self) -> tuple[float, float]:
        """How far apart two neighbouring cells look on average, down and across, in pixels; NaN along an axis of one cell."""
        return _spacing(self.rows), _spacing(self.columns)

    @property
    def points(self) -> NDArray[np.float32]:
        """(y, x) of every cell: float32 (h, w, 2)."""
        return np.stack(np.meshgrid(self.rows, self.columns, indexing="ij"), 2)

    def scaled(self, size: tuple[int, int]) -> "CellCentres":
        """The same for the input enlarged or reduced to that size (H, W)."""
        pairs = zip((self.rows, self.columns), size, self.size, strict=True)
        rows, columns = (((line + 0.5) * new / old - 0.5).astype(np.float32) for line, new, old in pairs)
        return CellCentres(rows, columns, size, self.source)

    @property
    def farthest(self) -> float:
        """How far stretching puts a row or a column from where it looks, at most, in pixels."""
        pairs = zip((self.rows, self.columns), stretched_centres(self.grid, self.size), strict=True)
        return max(float(np.abs(own - stretched).max()) for own, stretched in pairs)


def _spacing(line: NDArray[np.floating]) -> float:
    return float(line[-1] - line[0]) / (len(line) - 1) if len(line) > 1 else nan


def nearest_looking(line: Line, places: Line) -> NDArray[np.int64]:
    """The cell, of those along an axis, that looks nearest to each place; halfway, the one after."""
    return np.searchsorted((line[:-1] + line[1:]) / 2, places, side="right")


def stretched_centres(grid: tuple[int, int], size: tuple[int, int]) -> tuple[Line, Line]:
    """Rows and columns of a grid that is stretched over a picture (H, W), each cell in the middle of its share."""
    rows, columns = ((np.arange(cells) + 0.5) * pixels / cells - 0.5 for cells, pixels in zip(grid, size, strict=True))
    return rows, columns


def cell_centres(model: Model, layer: str) -> NDArray[np.float32] | None:
    """Where each cell of a layer looks: float32 (h, w, 2), (y, x) in pixels of the input; None where it can't be told.

    Of volumes and signals it is not told.
    0 is the middle of the first pixel. Raises LayerError for a layer that does not exist or has no grid, NetworkError for a
    network that changed since as_model.
    """
    found = locate_cells(model, layer)
    return None if found is None else found.points


def locate_cells(model: Model, layer: str) -> CellCentres | None:
    """The rows and columns of cell_centres; None where they can't be told. Errors as there."""
    found = read_cells(model, layer)
    if found is not None or model.sheet is not None:
        return found
    known = _known(model)
    if layer not in known.measured:
        (asked,) = model.find_layers(layer)
        known.measured[layer] = _measured(model, asked)
    return known.measured[layer]


def read_cells(model: Model, layer: str) -> CellCentres | None:
    """The same without measuring, which takes some 50 passes of the network: None for a layer that needs it."""
    (asked,) = check_model(model).find_layers(layer)
    if model.sheet is not None:
        return None  # the positions of rows and columns say nothing of slices
    known = _known(model)
    if layer not in known.read:
        known.read[layer] = _middle(model) if asked.grid == (1, 1) else _read(model, known, asked)
    return known.read[layer]


def _middle(model: Model) -> CellCentres:
    """The one cell of a grid of 1 x 1, in the middle of the picture."""
    rows, columns = stretched_centres((1, 1), model.input_size)
    return _centres(model, rows, columns, "read")


def _centres(model: Model, rows: Line, columns: Line, source: Source) -> CellCentres:
    return CellCentres(rows.astype(np.float32), columns.astype(np.float32), model.input_size, source)


# Section: what is known of a model, as long as it lives


@dataclass(frozen=True)
class _Known:
    """What the passes over a model gave: positions and answers at all layers, and what was found from them."""

    stamp: tuple[int, ...]
    positions: Mapping[str, Pair]
    answers: Mapping[tuple[str, int], Answer]
    places: NDArray[np.float64]
    read: dict[str, CellCentres | None]
    measured: dict[str, CellCentres | None]


_models: "weakref.WeakKeyDictionary[Model, _Known]" = weakref.WeakKeyDictionary()


def _known(model: Model) -> _Known:
    stamp = weight_stamp(model.network)
    held = _models.get(model)
    if held is None or held.stamp != stamp:
        model.check_network()
        held = _models[model] = _Known(stamp, _positions(model), *_answers(model), {}, {})
    return held


def _positions(model: Model) -> dict[str, Pair]:
    """The y and x of each cell, float32 (h, w), by the names of layers; read anew where the model was not made with them."""
    spatial = [layer for layer in model.layers if layer.is_spatial]
    held = {layer.name: layer.cells for layer in spatial if layer.cells is not None}
    if held and all(layer.layout is None or layer.layout.reshape is None for layer in spatial):
        return held
    pairs = read_positions(model.network, _black(model))
    found = ((layer, pairs.get((layer.module, layer.call))) for layer in spatial)
    return {layer.name: of_cells((layer.turned(pair[0]), layer.turned(pair[1]))) for layer, pair in found if pair is not None}


def _black(model: Model) -> Tensor:
    return model.black()


# Section: reading, and its check


def _read(model: Model, known: _Known, layer: LayerTrace) -> CellCentres | None:
    """The positions that were read, unless the answers contradict them."""
    pair = known.positions.get(layer.name)
    if pair is None:
        return None
    lines = [_line(values.double().cpu().numpy(), axis) for axis, values in enumerate(pair)]
    rows, columns = (_apart(line) for line in lines)
    if rows is None or columns is None or not _agrees(known, layer, rows, columns):
        return None
    return _centres(model, rows, columns, "read")


def _line(positions: NDArray[np.float64], axis: int) -> Line:
    """The position along one axis of each row, or column; NaN where the cells of one differ."""
    low, high = positions.min(1 - axis), positions.max(1 - axis)
    return np.where(high - low <= 1e-2, low, np.nan)


def _apart(line: Line) -> Line | None:
    """Cells that look at the same place, as after enlarging, beside each other; None unless the positions rise."""
    if not np.isfinite(line).all():
        return None
    places, group, counts = np.unique(np.round(line, 3), return_inverse=True, return_counts=True)
    if (np.diff(group) < 0).any():
        return None
    if len(places) == len(line):
        return line
    if len(places) == 1:
        return None
    step = float(np.diff(places).mean())
    within = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(places[group] + step * ((within + 0.5) / counts[group] - 0.5))


def _answers(model: Model) -> tuple[dict[tuple[str, int], Answer], NDArray[np.float64]]:
    """The answer of every layer, and where the patches lie, (4, 2)."""
    pixels, places = _patched(model.input_size, model.channels)
    answers: dict[tuple[str, int], Answer] = {}
    asked = {(layer.module, layer.call): layer for layer in model.layers if layer.is_spatial}

    def look(name: str, call: int, output: object) -> None:
        layer = asked.get((name, call))
        if layer is not None and isinstance(output, Tensor) and output.shape == (len(pixels), *layer.shape):
            cells = layer.turned(output)
            changed = (cells[1:] - cells[:1]).square_().sum(1).double()
            answers[name, call] = changed.sum(2).cpu().numpy(), changed.sum(1).cpu().numpy()

    try:
        watch(model.network, model.to_input(pixels), look)
    except NetworkError:  # it may take one picture at a time
        return {}, places
    return answers, places


def _patched(size: tuple[int, int], channels: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A noise picture and four copies, each with other noise in a small square; (y, x) of the middle of each square."""
    chance = np.random.default_rng(0)
    whole = chance.integers(0, 256, (*size, channels), np.uint8)
    height, width = (max(2, side // PATCH_SHARE) for side in size)
    pictures, places = [whole], []
    for down in PATCHES:
        for across in PATCHES:
            top, left = round(down * size[0] - height / 2), round(across * size[1] - width / 2)
            picture = whole.copy()
            part = picture[max(0, top) : top + height, max(0, left) : left + width]
            part[:] = chance.integers(0, 256, part.shape, np.uint8)
            pictures.append(picture)
            places.append((max(0, top) + (part.shape[0] - 1) / 2, max(0, left) + (part.shape[1] - 1) / 2))
    return np.stack(pictures), np.array(places)


def _agrees(known: _Known, layer: LayerTrace, rows: Line, columns: Line) -> bool:
    """Whether the cells that answer lie where the picture was changed; also where nothing answers."""
    answers = known.answers.get((layer.module, layer.call))
    if answers is None:
        return True
    down, across = answers
    total = down.sum(1)
    if not (np.isfinite(total).all() and total.min() > 0):
        return True
    middles = (down @ rows) / total, (across @ columns) / total
    return all(
        _follows(middle, known.places[:, axis], line)
        for axis, (middle, line) in enumerate(zip(middles, (rows, columns), strict=True))
    )


def _follows(middle: NDArray[np.float64], places: NDArray[np.float64], line: Line) -> bool:
    if len(line) < 2:
        return True
    spacing = _spacing(line)
    first, last = places == places.min(), places == places.max()
    moved = float(places.max() - places.min())
    slope = float(middle[last].mean() - middle[first].mean()) / moved if moved > 0 else 1.0
    return abs(float((middle - places).mean())) <= max(1.0, FARTHEST * spacing) and SLOPES[0] <= slope <= SLOPES[1]


# Section: measuring


def _measured(model: Model, layer: LayerTrace) -> CellCentres | None:
    """Where gradients of single cells lie; None where two measurements differ, or do not rise."""
    try:
        lines = [_measured_line(model, layer, axis) for axis in (0, 1)]
    except ExplainError:
        return None  # what cannot be differentiated cannot be told, and the map itself says why
    rows, columns = lines
    return None if rows is None or columns is None else _centres(model, rows, columns, "measured")


def _measured_line(model: Model, layer: LayerTrace, axis: int) -> Line | None:
    cells, other = layer.grid[axis], layer.grid[1 - axis] // 2
    asked = np.unique(np.linspace(0, cells - 1, min(cells, MEASURED_CELLS)).round().astype(int))
    if cells == 1:
        return np.array([(model.input_size[axis] - 1) / 2])
    places = [(int(cell), other) if axis == 0 else (other, int(cell)) for cell in asked]
    first, second = (_middles(model, layer, places, axis, seed) for seed in (1, 2))
    mean = (first + second) / 2
    spacing = (mean[-1] - mean[0]) / (cells - 1)
    rises = bool(np.isfinite(mean).all() and (np.diff(mean) > 0).all())
    sure = rises and np.abs(first - second).max() <= max(1, BOTH_AGREE * spacing)
    return np.interp(np.arange(cells), asked, mean) if sure else None


def _middles(model: Model, layer: LayerTrace, cells: list[tuple[int, int]], axis: int, seed: int) -> Line:
    """The middle, along one axis, of what each cell answers to, float64 (cells,)."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 256, (len(cells), *model.input_size, model.channels), np.uint8)
    batch = model.to_input(pixels)
    energy = cell_gradients(model.network, batch, layer, cells).double().square().sum(1).cpu().numpy()
    along = energy.sum(2 - axis)
    with np.errstate(invalid="ignore"):
        return np.asarray(along @ np.arange(model.input_size[axis]) / along.sum(1))
