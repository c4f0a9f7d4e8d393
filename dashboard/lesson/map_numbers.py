"""The numbers of maps for a lesson's answer: where one is strong, how it changes with the class, the layer and the program."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

import explain_lib as xl
from dashboard.lesson.picture_numbers import Number, second_class
from dashboard.topics.sides.cause_words import (
    agreement_sentence,
    causes_by_size,
    causes_sentences,
    differ,
    main_causes_sentences,
    setting_words,
)
from dashboard.topics.sides.side import decompose_sides, make_sides, named_side
from dashboard.view.captions import grid_caption
from dashboard.view.scene import Scene
from explain_lib.base.maps import Map, MapState, map_state
from explain_lib.base.statistics import rank_correlations
from explain_lib.base.words import correlation_words, fine, percent, short, two
from explain_lib.cam.postprocess import place_maps, resize_maps
from explain_lib.receptive_fields.centres import CellCentres, locate_cells, stretched_centres
from explain_lib.trust.region import MapByCell, map_by_cell

THIRDS = (("top left", "top", "top right"), ("left", "middle", "right"), ("bottom left", "bottom", "bottom right"))


# Section: the map of the chosen layer and class


def _map(scene: Scene, layer: str | None = None, target: int | xl.Target | None = None) -> Map:
    """The ReLU map (h, w), as the layer explorer asks for it: of the chosen layer and target unless others are given."""
    asked = scene.target if target is None else target
    cams = xl.grad_cam(scene.model, scene.seen[None], scene.offered_layers, asked)
    return np.asarray(cams[layer or scene.layer].map[0])


def _peak(values: Map) -> tuple[int, int]:
    """Row and column of the largest cell, the first one of several; raises InputError for a map that has none."""
    state = map_state(values)
    if state is not MapState.VARIED:
        raise xl.InputError(f"layer: its map is {state.value}; one with a strongest cell would be right")
    row, column = divmod(int(values.argmax()), values.shape[1])
    return row, column


def _place(scene: Scene, layer: str | None = None, target: int | None = None) -> str:
    """The third of the picture, down and across, that the middle of a map's strongest cell lies in, as it is drawn."""
    middle = _pixel_of(scene, _peak(_map(scene, layer, target)), scene.centres(layer or scene.layer), layer)
    shares = zip(middle, scene.model.input_size, strict=True)
    down, across = (min(max(int(3 * (place + 0.5) / size), 0), 2) for place, size in shares)
    word = THIRDS[down][across]
    return f"{'in' if word == 'middle' else 'at'} the {word}"


def _pixel_of(
    scene: Scene, cell: tuple[int, int], centres: CellCentres | None, layer: str | None = None
) -> tuple[float, float]:
    """The y and x of the middle of a cell, in pixels; stretched without centres."""
    rows, columns = _lines(scene, layer or scene.layer, centres)
    return float(rows[cell[0]]), float(columns[cell[1]])


def _lines(scene: Scene, layer: str, centres: CellCentres | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The y of each row of cells and the x of each column, in pixels; stretched without centres."""
    if centres is None:
        return stretched_centres(_grid(scene, layer), scene.model.input_size)
    return centres.rows.astype(np.float64), centres.columns.astype(np.float64)


@dataclass(frozen=True)
class Brightest:
    """The strongest cell of a map, among all of its cells as they are drawn.

    cell: its row and column. rows, columns: the y of each row and the x of each column, in pixels. size: (H, W) of the picture.
    """

    cell: tuple[int, int]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    size: tuple[int, int]

    @property
    def pixel(self) -> tuple[float, float]:
        """The y and x of its middle."""
        return float(self.rows[self.cell[0]]), float(self.columns[self.cell[1]])

    def is_hit_by(self, place: tuple[float, float]) -> bool:
        """Whether a y and x lie in it: no other cell is nearer, and halfway none comes after it."""
        pairs = zip((self.rows, self.columns), place, strict=True)
        nearest = (int(np.searchsorted((line[:-1] + line[1:]) / 2, at, "right")) for line, at in pairs)
        return tuple(nearest) == self.cell

    def distance(self, place: tuple[float, float]) -> tuple[float, float]:
        """How far a y and x lie from its middle, in pixels and in cells."""
        down, across = (own - at for own, at in zip(self.pixel, place, strict=True))
        height, width = (_step(line, side) for line, side in zip((self.rows, self.columns), self.size, strict=True))
        return hypot(down, across), hypot(down / height, across / width)


def _step(line: NDArray[np.float64], side: int) -> float:
    """How far neighbouring cells lie apart on average, in pixels; the side of the picture for a single cell."""
    return float(line[-1] - line[0]) / (len(line) - 1) if len(line) > 1 else float(side)


def brightest(scene: Scene) -> Brightest:
    """The strongest cell of the map on screen. Raises InputError for a map that has none."""
    lines = _lines(scene, scene.layer, scene.centres(scene.layer))
    return Brightest(_peak(_map(scene)), *lines, scene.model.input_size)


def map_for_outline(scene: Scene) -> MapByCell:
    """The map on screen, as large as the picture, for an outline on it: bilinear, as in the measures, with its cells where they
    are drawn. Raises InputError for a map that is the same everywhere.
    """
    values = _map(scene)
    _peak(values)
    centres, size = scene.centres(scene.layer), scene.model.input_size
    maps = np.array(values[None], np.float32)
    if centres is None:
        return map_by_cell(resize_maps(maps, size, "torch-bilinear")[0])
    return map_by_cell(place_maps(maps, size, "torch-bilinear", centres)[0])


def _peak_pixel(scene: Scene, *, stretched: bool) -> str:
    """Row and column of the pixel in the middle of the strongest cell, where it looks or where stretching puts it."""
    y, x = _pixel_of(scene, _peak(_map(scene)), None if stretched else _looking(scene))
    return f"row {short(y)}, column {short(x)}"


def _looking(scene: Scene) -> CellCentres:
    centres = locate_cells(scene.model, scene.layer)
    if centres is None:
        raise xl.InputError(f"layer: it is unknown where the cells of {scene.layer} look; another layer would be right")
    return centres


def _correlation(a: Map, b: Map) -> str:
    return correlation_words(float(rank_correlations(a[None], b[None])[0]))


def _channels(scene: Scene) -> str:
    return str(next(trace.channels for trace in scene.model.layers if trace.name == scene.layer))


def _cell(scene: Scene) -> str:
    centres, grid = scene.centres(scene.layer), _grid(scene, scene.layer)
    height, width = (side / cells for side, cells in zip(scene.model.input_size, grid, strict=True))
    if centres is not None and min(grid) > 1:
        height, width = centres.spacing
    return f"{short(height)} × {short(width)}"


def _grid(scene: Scene, layer: str) -> tuple[int, int]:
    height, width = _map(scene, layer).shape
    return height, width


def _strong_share(scene: Scene) -> str:
    values = _map(scene)
    _peak(values)
    return percent(float((values >= values.max() / 2).mean()))


# Section: several layers


def _between_layers(scene: Scene) -> str:
    layers = scene.offered_layers
    first, last = (
        resize_maps(_map(scene, name)[None].copy(), scene.model.input_size, "torch-bilinear")[0]
        for name in (layers[0], layers[-1])
    )
    return _correlation(first, last)


# Section: two programs


def _comparison(scene: Scene) -> xl.Comparison:
    a, b = make_sides(scene)
    return xl.compare(a.values, b.values)


def _pixel(scene: Scene) -> tuple[int, int]:
    size = abs(_comparison(scene).difference)
    row, column = divmod(int(size.argmax()), size.shape[1])
    return row, column


def _decomposition(scene: Scene) -> xl.Decomposition:
    return decompose_sides(scene, named_side(scene, "a"), named_side(scene, "b"))


def _cause(scene: Scene, place: int) -> tuple[str, str]:
    """The setting at that place, largest effect first, and its share of the mean difference."""
    found = _decomposition(scene)
    causes = causes_by_size(found)
    if place >= len(causes):
        raise xl.InputError(f"a, b: {len(causes)} settings have an effect here; sides that differ in more would be right")
    name, share = causes[place]
    return setting_words(name), percent(share / found.mae, 0)


def _why(scene: Scene) -> str:
    found = _decomposition(scene)
    words = causes_sentences(found) if differ(found) else agreement_sentence(found, _comparison(scene).max_abs)
    return words.replace("**", "")


MAPS: Mapping[str, Number] = {
    "layer.name": Number("the chosen layer", lambda scene: scene.layer, unit=None),
    "layer.grid": Number("its grid, height × width", lambda scene: grid_caption(_grid(scene, scene.layer)), unit=None),
    "layer.channels": Number("how many channels it has", _channels),
    "layer.cell": Number("how many pixels one cell of its map covers, height × width", _cell, unit=None),
    "layer.offset": Number("by how many pixels stretching shifts a cell, at most", lambda scene: two(_looking(scene).farthest)),
    "map.peak": Number("the largest value of the map, not scaled", lambda scene: short(_map(scene).max())),
    "map.peak_row": Number("the row of the strongest cell, counted from 0", lambda scene: str(_peak(_map(scene))[0])),
    "map.peak_column": Number("its column, counted from 0", lambda scene: str(_peak(_map(scene))[1])),
    "map.peak_looks": Number(
        "the pixel that the strongest cell looks at", lambda scene: _peak_pixel(scene, stretched=False), unit=None
    ),
    "map.peak_stretched": Number(
        "where that cell is drawn when stretched", lambda scene: _peak_pixel(scene, stretched=True), unit=None
    ),
    "map.place": Number("where the map is strongest: at the top left, in the middle", _place, unit=None),
    "map.empty_share": Number(
        "the share of its cells at zero", lambda scene: percent(float((_map(scene) == 0).mean())), unit="%"
    ),
    "map.strong_share": Number("the share of its cells with at least half of the largest value", _strong_share, unit="%"),
    "predicted.place": Number(
        "where the predicted class's map is strongest", lambda scene: _place(scene, None, scene.predicted), unit=None
    ),
    "predicted.second_place": Number(
        "where the map of the next likeliest class is strongest",
        lambda scene: _place(scene, None, second_class(scene)),
        unit=None,
    ),
    "target.correlation": Number(
        "the Spearman correlation of the explained class's map with the predicted class's",
        lambda scene: _correlation(_map(scene), _map(scene, None, scene.predicted)),
    ),
    "layers.count": Number("how many layers can be chosen", lambda scene: str(len(scene.offered_layers))),
    "layers.first": Number("the first of them", lambda scene: scene.offered_layers[0], unit=None),
    "layers.first_grid": Number("its grid", lambda scene: grid_caption(_grid(scene, scene.offered_layers[0])), unit=None),
    "layers.first_place": Number("where its map is strongest", lambda scene: _place(scene, scene.offered_layers[0]), unit=None),
    "layers.last": Number("the last of them", lambda scene: scene.offered_layers[-1], unit=None),
    "layers.last_grid": Number("its grid", lambda scene: grid_caption(_grid(scene, scene.offered_layers[-1])), unit=None),
    "layers.last_place": Number("where its map is strongest", lambda scene: _place(scene, scene.offered_layers[-1]), unit=None),
    "layers.correlation": Number("the Spearman correlation of the first layer's map with the last one's", _between_layers),
    "difference.mean": Number("the mean absolute difference of the sides a and b", lambda scene: fine(_comparison(scene).mae)),
    "difference.largest": Number("the largest difference of a pixel", lambda scene: fine(_comparison(scene).max_abs)),
    "difference.largest_row": Number("the row of that pixel, counted from 0", lambda scene: str(_pixel(scene)[0])),
    "difference.largest_column": Number("its column, counted from 0", lambda scene: str(_pixel(scene)[1])),
    "difference.correlation": Number(
        "the Pearson correlation of the sides", lambda scene: correlation_words(_comparison(scene).pearson)
    ),
    "difference.overlap": Number(
        "how far the brightest fifths of both overlap (intersection over union)",
        lambda scene: percent(_comparison(scene).iou),
        unit="%",
    ),
    "causes.count": Number("how many settings differ", lambda scene: str(len(_decomposition(scene).settings))),
    "causes.why": Number(
        "what causes the difference and how much of it, in sentences; or how far the sides agree", _why, unit=None
    ),
    "causes.main": Number(
        "the same, limited to causes of at least 1 % of the difference",
        lambda scene: plain_causes(_decomposition(scene)),
        unit=None,
    ),
    "causes.largest": Number("the setting that causes most of the difference", lambda scene: _cause(scene, 0)[0], unit=None),
    "causes.largest_share": Number("its share of the mean difference", lambda scene: _cause(scene, 0)[1], unit="%"),
    "causes.second": Number("the setting with the next largest share", lambda scene: _cause(scene, 1)[0], unit=None),
    "causes.second_share": Number("its share of the mean difference", lambda scene: _cause(scene, 1)[1], unit="%"),
}


def plain_causes(found: xl.Decomposition) -> str:
    """What makes at least 1 % of the difference, in a sentence without emphasis."""
    return main_causes_sentences(found).replace("**", "") if differ(found) else _none(found)


def _none(found: xl.Decomposition) -> str:
    if causes_by_size(found):
        return "The programs' different choices cancel out on this picture."
    if found.settings:
        return "The programs' different choices change nothing on this picture."
    return "The two programs made the same choices."
