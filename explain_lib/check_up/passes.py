"""Findings about the passes: layers without a gradient, and NaN or infinity, forward and back."""

from collections.abc import Iterator

import torch
from torch import Tensor

from explain_lib.base.words import few_names
from explain_lib.check_up.findings import FEW, Finding, note, problem
from explain_lib.check_up.probe import Probe
from explain_lib.networks.weights import all_finite
from explain_lib.passes.capture import Reached
from explain_lib.passes.tracing import LayerTrace
from explain_lib.regions.boxes import Candidates


def gradient_findings(probe: Probe) -> Iterator[Finding]:
    """All findings about the gradient of the scores, and about NaN and infinity in either pass."""
    if isinstance(probe.reached, Exception):
        yield problem(
            "gradient",
            f"The network runs, but not with gradients: {error_line(probe.reached)}.",
            "Let forward use operations of PyTorch that can be differentiated: no numpy(), and no writing into a tensor that "
            "the gradient needs later.",
        )
        return
    scores = probe.scores_of(probe.reached.output)
    if scores is None:
        return
    if not scores.requires_grad:
        yield _no_gradient(scores)
    else:
        yield from _missing(probe, probe.reached)
        yield from _zero(probe, probe.reached)
    yield from _not_finite(probe.reached, scores)


SAME_SCORES = 1e-3
"""Scores of two passes differ by less, as a share of the largest, where only the order of sums differs."""


def repeat_findings(probe: Probe) -> Iterator[Finding]:
    """All findings about scores that another pass, or another batch, changes."""
    scores, again = probe.scores_of(probe.output), probe.scores_of(probe.again)
    if scores is None or again is None:
        return
    single = probe.scores_of(probe.alone, 1)
    if isinstance(probe.alone, Exception) or single is None:
        what = error_line(probe.alone) if isinstance(probe.alone, Exception) else f"it returns {_shape(probe.alone)}"
        yield problem(
            "one picture",
            f"The network runs on two pictures at once, and not on one: {what}. Pages that explain one picture cannot.",
            "Name the axes that forward drops: x.squeeze((2, 3)) or x.flatten(1) instead of x.squeeze().",
        )
    if not _alike(scores, again):
        yield problem(
            "chance",
            "Two passes over the same pictures give different scores, even in evaluation mode: every map is different each "
            "time.",
            "Let forward call F.dropout(x, p, training=self.training), or use nn.Dropout, which evaluation mode switches off.",
        )
    elif single is not None and not _alike(scores[:1], single):
        yield problem(
            "neighbours",
            "The scores of a picture depend on the other pictures in the batch, as with a batch normalisation without running "
            "statistics; so does its map.",
            "Train with nn.BatchNorm2d(..., track_running_stats=True), or explain one picture at a time and say so.",
        )


def _shape(output: object) -> str:
    return f"a tensor of shape {tuple(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"


def _alike(one: Tensor, other: Tensor) -> bool:
    """Whether two scores are the same up to the order of sums, NaN included."""
    one, other = one.float(), other.float()
    if one.shape != other.shape:
        return True  # another form of output is another finding
    within = SAME_SCORES * max(1e-12, float(one.nan_to_num(0, 0, 0).abs().max()))
    return torch.allclose(one, other, atol=within, rtol=0, equal_nan=True)


def _no_gradient(scores: Tensor) -> Finding:
    if not scores.is_floating_point():
        kind = str(scores.dtype).removeprefix("torch.")
        return problem(
            "gradient",
            f"The network returns {kind}, like argmax or a comparison: it has no gradient, so no layer gets a map.",
            "Let forward return the scores before that step, and do that step where you use the outputs.",
        )
    return problem(
        "gradient",
        "The network's output has no gradient, because detach, .data or no_grad cuts it off in forward: no layer gets a map.",
        "Take detach(), .data, torch.no_grad() and torch.inference_mode() out of forward; use them in the caller.",
    )


FIRST_STAGE = "rpn."
"""The names of the modules of torchvision's detectors that propose boxes to the second stage."""


def _missing(probe: Probe, reached: Reached) -> Iterator[Finding]:
    without = [layer for layer in probe.layers if layer.name in reached.gradients and reached.gradients[layer.name] is None]
    cut = [layer for layer in without if layer.name not in probe.unused]
    unused = [layer for layer in without if layer.name in probe.unused]
    if isinstance(probe.output, Candidates) and not probe.output.lasting:
        first_stage = [layer for layer in cut if layer.module.startswith(FIRST_STAGE)]
        cut = [layer for layer in cut if layer not in first_stage]
        if first_stage:
            yield note(
                "gradient",
                f"No gradient comes back to {_names(first_stage)}: the first stage only chooses the boxes that are scored.",
                "Name a layer of the backbone, from which both stages read.",
            )
    if cut:
        arrived = next((name for name, gradient in reached.gradients.items() if gradient is not None), None)
        later = f"; or name a layer from {arrived} on, where the gradient does arrive" if arrived else ""
        yield problem(
            "gradient",
            f"No gradient comes back to {_names(cut)}, though the output depends on it: there is no map.",
            f"Take detach(), .data or torch.no_grad() around or behind {cut[-1].name} out of forward{later}.",
        )
    if unused:
        yield note(
            "unused",
            f"The output does not depend on {_names(unused)}, although forward runs it: there is no map.",
            "Name another layer; or let forward use its output, if that was intended.",
        )


def _zero(probe: Probe, reached: Reached) -> Iterator[Finding]:
    """Gradients that come back, and are 0 in every cell."""
    felt = {name: bool(one.count_nonzero()) for name, one in reached.gradients.items() if one is not None}
    if felt and not any(felt.values()):
        yield problem(
            "zero gradient",
            "The gradient that comes back is 0 at every layer, as before training where the last layer's weights are 0: every "
            "map is 0.",
            "Load trained weights.",
        )
        return
    behind = [layer for layer in probe.layers if felt.get(layer.name) is False and layer.layout and layer.layout.tokens]
    if behind:
        last = next(layer.name for layer in reversed(probe.layers) if felt.get(layer.name) and layer.grid != (1, 1))
        yield note(
            "zero gradient",
            f"After {_names(behind)} the scores depend only on the class token, which has no place: the gradient of the "
            f"patches is 0, and so is a map there.",
            f"Name an earlier layer; the last one whose patches are used is {last}.",
        )


def _names(layers: list[LayerTrace]) -> str:
    """The names of the convolutions among the layers, or of all layers if there is none."""
    return few_names([layer.name for layer in layers if layer.is_conv] or [layer.name for layer in layers], FEW)


def _not_finite(reached: Reached, scores: Tensor) -> Iterator[Finding]:
    broken = next((name for name, activation in reached.activations.items() if not all_finite(activation)), None)
    if broken is not None or not all_finite(scores):
        what = "scores" if not all_finite(scores) else "layers"
        where = "in the layers behind the last grid" if broken is None else f"at {broken}"
        yield problem(
            "finite",
            f"On pictures of noise the network's {what} contain NaN or infinity, which starts {where}: a map of that means "
            f"nothing.",
            f"Look {where} for a division by 0, the logarithm or root of what is not above 0, or weights that are far too "
            "large.",
        )
        return
    gradients = [name for name, gradient in reached.gradients.items() if gradient is not None and not all_finite(gradient)]
    if gradients:
        yield problem(
            "finite",
            f"The scores are finite, but the gradient that comes back to {few_names(gradients, FEW)} contains NaN or infinity, "
            "and so does the map.",
            f"Look behind {gradients[-1]} for the root of 0 or the norm of zeros, which have no finite gradient, and add a "
            "small number inside: (x.square().sum() + 1e-12).sqrt().",
        )


def error_line(error: Exception) -> str:
    """The type of an exception, or of its cause, and the first line of its message."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    first, _, _ = str(cause).strip().partition("\n")
    return f"{type(cause).__name__}: {first.strip().rstrip('.')}".removesuffix(": ")
