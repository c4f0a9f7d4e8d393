"""The effect of covering parts of a picture, beside what the map of the whole picture promised for them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.settings import Placement
from explain_lib.cam.walkthrough import walkthrough
from explain_lib.networks.model import Model, of_pictures
from explain_lib.passes.outputs import check_finite
from explain_lib.passes.targets import AnyTarget, OneTarget, precise_number
from explain_lib.receptive_fields.centres import locate_cells, nearest_looking, stretched_centres
from explain_lib.trust.cover import CoverFill, cover_cells, cover_picture, covered_pixels


@dataclass(frozen=True)
class CoverEffect(Frozen):
    """A picture explained at one layer on a grid of h x w, and the score of the same picture with parts covered.

    layer: its name. target: the explained target, of both. cover: the code of the covered cells. picture: uint8 (H, W, C), the
    covered one. score_whole, score: the explained number of the whole picture, and of the covered one. signed: float32 (h, w),
    the sum over k of alpha_k A_k of the whole picture, with its sign; by_cell: float32 (h, w), the same with the gradient of
    each cell in place of the mean. under: float64 (h, w), the share of each cell's pixels that are covered, in [0, 1]; a pixel
    is of the cell that looks nearest.
    """

    layer: str
    target: AnyTarget
    cover: str
    picture: NDArray[np.uint8]
    score_whole: float
    score: float
    signed: Map
    by_cell: Map
    under: NDArray[np.float64]

    @property
    def change(self) -> float:
        """The change of the score: the covered picture's less the whole one's."""
        return self.score - self.score_whole

    @cached_property
    def share(self) -> float:
        """The share of the map's sum, above zero, that lay in the covered parts, in [0, 1]; 0 for a map of zeros."""
        positive = np.maximum(self.signed, 0).astype(np.float64)
        total = positive.sum()
        return float((positive * self.under).sum() / total) if total > 0 else 0.0

    @cached_property
    def promised(self) -> float:
        """The change of the score that Grad-CAM's sum promises: that of the layer's covered cells falling to zero, if nothing
        else changed and the gradient were the same everywhere.
        """
        return -float((self.signed.astype(np.float64) * self.under).sum())

    @cached_property
    def promised_by_cell(self) -> float:
        """The same from the gradient of each cell in place of the mean, which is the linear prediction of that change."""
        return -float((self.by_cell.astype(np.float64) * self.under).sum())


@recorded
@remembered(parts=True)
def cover_effect(
    model: Model,
    picture: NDArray[np.uint8],
    cover: str,
    fill: CoverFill = "grey",
    layer: str | None = None,
    target: OneTarget | None = None,
    placement: Placement = "receptive-field",
) -> CoverEffect:
    """What covering parts of a picture does to the score, and what the map at a layer promised.

    picture: uint8 (H, W, C) of the model's input size. cover, fill: the code of the covered cells of 16 x 16, and what stands
    there; see cover_picture. layer: the name of a module whose output is (N, C, h, w); None for model.default_layer. target:
    None for the class that is predicted for the whole picture, a class, or a Target. placement: whether the map's cells lie
    where they look, as far as that can be told, or are stretched over the picture. Raises what grad_cam raises, and InputError
    for another code or fill.
    """
    of_pictures(model, "covering is").check_pixels(np.asarray(picture)[None], "picture")
    hidden = cover_picture(picture, cover, fill)
    name = model.find_layers(layer or model.default_layer)[0].name
    whole = walkthrough(model, picture, name, target)
    read = model.read_input(model.to_input(hidden[None]))
    check_finite(read.scores)
    covered = covered_pixels(model.input_size, cover_cells(cover))
    return CoverEffect(
        layer=name,
        target=whole.target,
        cover=cover,
        picture=hidden,
        score_whole=whole.score,
        score=precise_number(whole.target, read, 0),
        signed=whole.signed,
        by_cell=(whole.gradient.astype(np.float64) * whole.activation).sum(0).astype(np.float32),
        under=_under(model, name, covered, placement),
    )


def _under(model: Model, layer: str, covered: NDArray[np.bool_], placement: Placement) -> NDArray[np.float64]:
    """The covered share of each cell's pixels, float64 (h, w)."""
    (asked,) = model.find_layers(layer)
    centres = locate_cells(model, layer) if placement == "receptive-field" else None
    rows, columns = stretched_centres(asked.grid, model.input_size)
    if centres is not None:
        rows, columns = centres.rows.astype(np.float64), centres.columns.astype(np.float64)
    height, width = model.input_size
    return read_only(_pixels_of_cells(rows, height) @ covered @ _pixels_of_cells(columns, width).T)


def _pixels_of_cells(line: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The part of each cell along an axis that each pixel is, float64 (cells, size), rows that sum to 1.

    A cell that no pixel is nearest to takes the pixel nearest to it.
    """
    pixels = np.arange(size, dtype=np.float64)
    own = (nearest_looking(line, pixels)[None] == np.arange(len(line))[:, None]).astype(np.float64)
    nearest = np.abs(line[:, None] - pixels).argmin(1)
    empty = own.sum(1) == 0
    own[empty, nearest[empty]] = 1
    return np.asarray(own / own.sum(1, keepdims=True))
