"""Completeness: HiResCAM's cells and the biases after the layer add up to the score; Grad-CAM's need not.

Draelos and Carin 2020 (arXiv 2011.08891). A network of ReLUs, max-poolings, convolutions, linear layers and batch
normalisations in evaluation mode is linear around each input. The score is then a sum of parts, each times its gradient: the
cells of the layer, the biases after it, and paths that bypass the layer.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from explain_lib.base.errors import LayerError, TargetError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import recorded, remembered
from explain_lib.base.words import fine, percent
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import Held, hold
from explain_lib.passes.outputs import check_finite
from explain_lib.passes.targets import AnyTarget, OneTarget, Target, precise_number
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images

ROUNDING = 1e-4
"""A residual within this share of the largest part is rounding: float32, and sums of many numbers that cancel."""

SAME = 1e-5
"""Two cells within this share of the larger map's reach are equal up to the order of the sums."""


@dataclass(frozen=True)
class Completeness(Frozen):
    """The parts of the score of one image at one layer, on a grid of h x w, in units of the score.

    layer: its name. target: the explained target. grad_cam: float32 (h, w), the sum over k of alpha_k A_k, with its sign
    (equation 1 of arXiv 1610.02391, without the ReLU). hirescam: float32 (h, w), the sum over k of dy/dA_k * A_k (equation 5
    of arXiv 2011.08891). score: y itself. biases: the part of the biases of the modules that run after the layer, where that
    of a batch normalisation is bias - mean * weight / sqrt(variance + eps). past: the part of the paths that bypass the layer,
    over a shortcut or a parallel branch; 0 if all paths lead through the layer. even: whether the gradient of every channel is
    the same in all cells, so that averaging it over the grid changes nothing and the two maps are equal.
    """

    layer: str
    target: AnyTarget
    grad_cam: NDArray[np.float32]
    hirescam: NDArray[np.float32]
    score: float
    biases: float
    past: float
    even: bool

    @property
    def grad_cam_sum(self) -> float:
        """The sum of Grad-CAM's cells."""
        return _sum(self.grad_cam)

    @property
    def hirescam_sum(self) -> float:
        """The sum of HiResCAM's cells."""
        return _sum(self.hirescam)

    @property
    def gap(self) -> float:
        """The score minus the sum of HiResCAM's cells."""
        return self.score - self.hirescam_sum

    @property
    def residual(self) -> float:
        """The score minus all parts: HiResCAM's cells, the biases and the bypassing paths; rounding if `holds`."""
        return self.gap - self.biases - self.past

    @property
    def holds(self) -> bool:
        """Whether the parts add up to the score up to rounding; they do not if a later module is not piecewise linear."""
        parts = (float(np.abs(self.hirescam).sum(dtype=np.float64)), abs(self.biases), abs(self.past), abs(self.score))
        return abs(self.residual) <= ROUNDING * max(parts)

    @property
    def moved(self) -> float:
        """The change in the sum of the cells from averaging the gradients over the grid."""
        return self.grad_cam_sum - self.hirescam_sum

    @property
    def turned(self) -> NDArray[np.bool_]:
        """The cells with opposite signs in the two maps, beyond rounding: bool (h, w)."""
        opposite = np.sign(self.grad_cam) * np.sign(self.hirescam) < 0
        return np.asarray(opposite & (np.abs(self.grad_cam - self.hirescam) > SAME * self._reach))

    @property
    def turned_share(self) -> float:
        """The share of turned cells, in [0, 1]."""
        return float(self.turned.mean())

    @property
    def worst_cell(self) -> tuple[int, int]:
        """(row, column), from 0, of the cell that averaging the gradients changes most; the first of several."""
        row, column = np.unravel_index(int(np.abs(self.grad_cam - self.hirescam).argmax()), self.hirescam.shape)
        return int(row), int(column)

    @property
    def same_map(self) -> bool:
        """Whether the two maps are equal up to rounding."""
        return bool(np.abs(self.grad_cam - self.hirescam).max() <= SAME * self._reach)

    @property
    def _reach(self) -> float:
        return float(max(np.abs(self.grad_cam).max(), np.abs(self.hirescam).max()))


@recorded
@remembered()
def completeness(model: Model, picture: Images, layer: str | None = None, target: OneTarget | None = None) -> Completeness:
    """The parts of the score of one picture at a layer: its cells, the biases after it, and bypassing paths.

    picture: uint8 (H, W, C) of the model's input size, or a normalised tensor (C, H, W). layer: the name of a module whose
    output is (N, C, h, w); None for model.default_layer. target: None for the predicted class, a class, or a Target of logits.

    Raises InputError for another picture, LayerError for a layer that does not exist, cannot be explained, or returns its
    input unchanged (nn.Identity), TargetError for a class that does not exist and for a probability, which is not a sum of
    cells, NetworkError for a network that cannot be run or explained.
    """
    held_layer = find_own_layer(check_model(model), layer)
    pixels = model.as_batch(picture)
    explained = model.expand_targets(target, 1)
    if explained is not None and isinstance(explained[0], Target) and explained[0].score == "probability":
        raise TargetError("target: a probability is not a sum of cells; Target(..., score='logit') would be right")
    model.check_network()
    constants = _constants(model.network)
    held = hold(
        model.network,
        model.to_input(pixels),
        held_layer,
        {name: -1 if isinstance(model.network.get_submodule(name), nn.Linear) else 1 for name in constants},
        target=None if explained is None else explained[0],
        outputs=model.outputs,
    )
    check_finite(held.read.scores)
    return _add_up(held_layer.name, held, constants)


def find_own_layer(model: Model, name: str | None) -> LayerTrace:
    """The layer of that name, None for model.default_layer. Raises LayerError for one that returns its input unchanged."""
    found = model.find_layers(name or model.default_layer)[0]
    if found.handed_on:
        raise LayerError(
            f"layers: {found.name!r} only passes on its input, which other layers may have received, too; the layer before it "
            f"would be right"
        )
    return found


def _constants(network: nn.Module) -> dict[str, Tensor]:
    """The constant part of the output of each module, (C,), by the name of the module."""
    found = {name: _constant(module) for name, module in network.named_modules()}
    return {name: constant for name, constant in found.items() if constant is not None}


def _constant(module: nn.Module) -> Tensor | None:
    if isinstance(module, _BatchNorm):
        return _batch_norm_constant(module)
    bias = module.bias if isinstance(module, _ConvNd | nn.Linear) else None
    return None if bias is None else bias.detach()


def _batch_norm_constant(module: _BatchNorm) -> Tensor | None:
    """The bias of a batch normalisation in the form weight * x + bias; in float64, since it can be a small difference."""
    mean, variance = module.running_mean, module.running_var
    if mean is None or variance is None:  # it is not linear then
        return None if module.bias is None else module.bias.detach()
    constant = -mean.double() / (variance.double() + module.eps).sqrt()
    if module.weight is not None:
        constant = constant * module.weight.detach().double()
    return constant if module.bias is None else constant + module.bias.detach().double()


def _add_up(layer: str, held: Held, constants: dict[str, Tensor]) -> Completeness:
    activation, gradient = held.activation[0].double(), held.gradient[0].double()
    mean = gradient.mean((1, 2), keepdim=True)
    shares = {True: 0.0, False: 0.0}
    for shift in held.shifts:
        shares[shift.later] += float(shift.gradient.double() @ constants[shift.module].double())
    return Completeness(
        layer=layer,
        target=held.target,
        grad_cam=(mean * activation).sum(0).float().cpu().numpy(),
        hirescam=(gradient * activation).sum(0).float().cpu().numpy(),
        score=precise_number(held.target, held.read, 0),
        biases=shares[True],
        past=shares[False] + float((held.batch.double() * held.batch_gradient.double()).sum()),
        even=bool((gradient - mean).abs().max() <= SAME * gradient.abs().max()),
    )


def _sum(cells: NDArray[np.float32]) -> float:
    return float(cells.sum(dtype=np.float64))


# Section: sentences

LOGITS_ONLY = (
    "HiResCAM's cells add up to a logit, or to the difference of two. A probability is not a sum of cells, so nothing is "
    "compared here; choose the score “logit”."
)
"""The text in place of the sentences if a probability is explained."""


def sum_sentence(found: Completeness) -> str:
    """A sentence on the sum of all parts, compared with the score."""
    parts = f"HiResCAM's cells add up to {fine(found.hirescam_sum, 2)}, the biases after the layer to {fine(found.biases, 2)}"
    if found.past:
        parts += f", and the part that reaches the score past the layer to {fine(found.past, 2)}"
    score = score_words(found)
    if found.holds:
        return f"{parts}: together {score}, {fine(found.score, 2)}."
    return (
        f"{parts}. That leaves {fine(found.residual, 2)} of {score}, {fine(found.score, 2)}: a module after the layer is not "
        f"piecewise linear, so HiResCAM's cells need not add up here."
    )


def averaging_sentence(found: Completeness) -> str:
    """A sentence on the effect of averaging the gradients: on the sum, the signs, and the cell that changes most."""
    if found.same_map:
        why = (
            "Every channel's gradient is the same in all cells"
            if found.even
            else "Gradients vary only where that does not matter"
        )
        return f"{why}, so averaging over the grid changes nothing: Grad-CAM's map is HiResCAM's, cell by cell."
    row, column = found.worst_cell
    turned = percent(found.turned_share, 0) if found.turned.any() else "none"
    return (
        f"Grad-CAM's cells add up to {fine(found.grad_cam_sum, 2)}: averaging the gradients over the grid changed "
        f"the sum by {fine(abs(found.moved), 2)}, and in {turned} of the cells it turned the sign. The largest change is at "
        f"row "
        f"{row}, column {column}, counted from 0: {fine(float(found.hirescam[row, column]), 2)} became "
        f"{fine(float(found.grad_cam[row, column]), 2)}."
    )


def score_words(found: Completeness) -> str:
    """The score in words: the logit, a difference of two, or either with its sign turned."""
    if not isinstance(found.target, Target):
        return "the number that the function makes of the output"
    words = "the logit" if found.target.minus is None else "the difference of the two logits"
    return words if found.target.sign == 1 else f"{words} with its sign turned"
