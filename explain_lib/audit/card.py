"""The belief card of one map: five questions, each answered by a number.

Does it foretell single deletions better than the middle of the picture does? Does it change with the weights? Does it change
with the class? Do its cells add up to the score? Does each cell lie where it looks? One picture answers; no sentence here goes
beyond it.
"""

from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.audit.evidence import gather_evidence, layers_beside, score_changes
from explain_lib.base.errors import LayerError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import checkpoint, recorded, remembered
from explain_lib.base.statistics import Estimate
from explain_lib.cam.completeness import Completeness, completeness
from explain_lib.cam.postprocess import enlarged_layer
from explain_lib.cam.settings import Placement
from explain_lib.networks.model import Model, of_pictures
from explain_lib.passes.targets import AnyTarget, OneTarget, Target
from explain_lib.receptive_fields.centres import locate_cells, stretched_centres
from explain_lib.trust.faithfulness import centre_map
from explain_lib.trust.single_deletion import single_deletion

ALIKE: Final = 0.5
"""From this rank correlation on two maps count as alike: a large one in Cohen's terms (1988, page 80)."""
AHEAD: Final = 0.25
"""Two rank correlations over the 64 patches of one picture that differ by less count as equal: two standard errors of one, each
1 / sqrt(64 - 3).
"""
NEAR: Final = 0.5
"""A cell that is drawn at most half a cell from where it looks counts as placed right."""
SUMS_UP: Final = 0.05
"""Averaging the gradients may move the sum of the cells by this share of the score, and turn this share of their signs."""
PASSES: Final = 80
"""About so many passes of the network are a card: one for each patch, and two for each random start, forward and back."""

Question = Literal["beats-centre", "learnt", "class", "sum", "place"]
Verdict = Literal["yes", "no", "unclear", "unknown"]
"""unclear: the interval reaches to both sides, or the lead is within AHEAD. unknown: the question cannot be asked here."""


@dataclass(frozen=True)
class BeliefCard(Frozen):
    """What speaks for the ReLU map of one picture at one layer, and what against it.

    layer: its name. target: the explained target. foretells, centre: Spearman correlations over patches of the map's sums, and
    of those of a blob in the middle, with the changes of the score by single deletion (mid grey), NaN where one of them is the
    same everywhere. learnt: the mean Spearman correlation with the maps of ten copies with random weights, with its interval
    over the copies. other: the likeliest class that the map does not explain, None if there is none. alike: the Spearman
    correlation with its map, NaN if there is none or a map is constant. parts: see Completeness; None where the score is no
    sum of parts. away: the largest distance along an axis, in pixels, between the place where a cell is drawn and the middle of
    what it sees, NaN where that is unknown; cell: the size of a cell as it is drawn, in pixels.
    """

    layer: str
    target: AnyTarget
    foretells: float
    centre: float
    learnt: Estimate
    other: int | None
    alike: float
    parts: Completeness | None
    away: float
    cell: float

    @property
    def verdicts(self) -> dict[Question, Verdict]:
        """The answers; "yes" speaks for the map."""
        return {
            "beats-centre": self._beats_centre(),
            "learnt": self._changes_with_weights(),
            "class": _if_known(self.alike < ALIKE, self.alike),
            "sum": self._sums_up(),
            "place": _if_known(self.away <= NEAR * self.cell, self.away),
        }

    def _beats_centre(self) -> Verdict:
        lead = self.foretells - self.centre
        if isnan(lead):
            return "unknown"
        return "unclear" if abs(lead) < AHEAD else "yes" if lead > 0 else "no"

    def _changes_with_weights(self) -> Verdict:
        if isnan(self.learnt.mean):
            return "unknown"
        if self.learnt.low < ALIKE <= self.learnt.high:
            return "unclear"
        return "yes" if self.learnt.high < ALIKE else "no"

    def _sums_up(self) -> Verdict:
        if self.parts is None or not self.parts.holds:
            return "unknown"
        moved = abs(self.parts.moved) <= SUMS_UP * abs(self.parts.score)
        return "yes" if moved and self.parts.turned_share <= SUMS_UP else "no"


def _if_known(holds: bool, *numbers: float) -> Verdict:
    if any(isnan(number) for number in numbers):
        return "unknown"
    return "yes" if holds else "no"


@recorded
@remembered(parts=True)
def belief_card(
    model: Model,
    picture: NDArray[np.uint8],
    layer: str | None = None,
    target: OneTarget | None = None,
    placement: Placement = "stretched",
) -> BeliefCard:
    """The card of the map of one picture at a layer.

    picture: uint8 (H, W, C) of the model's input size. layer: None for model.default_layer. target: None for the predicted
    class. placement: see CamSettings. The network is asked for all layers at once: in a run that keeps results, the card of
    another layer is two passes more. Raises the errors of grad_cam.
    """
    of_pictures(model, "the card is")
    name = layer or model.default_layer
    gathered = gather_evidence(model, picture, layers_beside(model, name), target)
    explained, found = gathered.target, gathered[name]
    drawn = enlarged_layer(model, name, found.own[None].copy(), placement)
    middle = np.broadcast_to(centre_map(*model.input_size), drawn.shape)
    checkpoint()
    changes = score_changes(model, picture, explained)
    foretells, centre = single_deletion(np.stack([drawn, middle], axis=1), changes)[0, :, 0].tolist()
    away, cell = _places(model, name, placement)
    parts = _parts(model, picture, name, explained)
    return BeliefCard(name, explained, foretells, centre, found.learnt, gathered.other, found.alike, parts, away, cell)


def _places(model: Model, layer: str, placement: Placement) -> tuple[float, float]:
    """How far a cell is drawn from where it looks, at most, along an axis, and the size of a cell as drawn, in pixels."""
    (asked,) = model.find_layers(layer)
    stretched = stretched_centres(asked.grid, model.input_size)
    cell = max(pixels / cells for pixels, cells in zip(model.input_size, asked.grid, strict=True))
    looks = locate_cells(model, layer)
    if looks is None:
        return nan, cell
    if placement == "receptive-field":
        return 0.0, cell
    rows, columns = (
        float(np.abs(drawn - true).max()) for drawn, true in zip(stretched, (looks.rows, looks.columns), strict=True)
    )
    return max(rows, columns), cell


def _of_logit(target: AnyTarget) -> AnyTarget:
    """The same target in logits: a probability is not a sum of cells."""
    return replace(target, score="logit") if isinstance(target, Target) else target


def _parts(model: Model, picture: NDArray[np.uint8], layer: str, target: AnyTarget) -> Completeness | None:
    try:
        return completeness(model, picture, layer, _of_logit(target))
    except LayerError:  # a layer that only passes on its input has no cells of its own
        return None
