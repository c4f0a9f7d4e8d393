"""Ultralytics' YOLO, whose output in evaluation has the boxes and the raw scores of all anchors beside it."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explain_lib.base.errors import NetworkError
from explain_lib.regions.boxes import Candidates


def is_one_of(network: nn.Module) -> bool:
    """Whether a network is a DetectionModel of Ultralytics, or of a class made from one, that finds upright boxes alone."""
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(network).__mro__}
    others = ("SegmentationModel", "PoseModel", "OBBModel")
    inherited = {kind.__name__ for kind in type(network).__mro__}
    return "ultralytics.nn.tasks.DetectionModel" in names and not inherited & set(others)


def class_names(network: nn.Module) -> tuple[str, ...]:
    """The names of its classes."""
    named = getattr(network, "names", {})
    return tuple(str(named[key]) for key in sorted(named)) if isinstance(named, Mapping) else ()


def candidates_of(network: nn.Module, batch: Tensor) -> Candidates:
    """The anchors of a batch float32 (N, 3, H, W), in [0, 1].

    Raises NetworkError for an output of another form, as that of releases before 8.4.
    """
    _without_inferred_anchors(network)
    output = network(batch)
    boxes, raw = output if isinstance(output, tuple) and len(output) == 2 else (None, None)
    raw = raw.get("one2many", raw) if isinstance(raw, Mapping) else None
    logits = raw.get("scores") if isinstance(raw, Mapping) else None
    if not isinstance(boxes, Tensor) or not isinstance(logits, Tensor) or boxes.shape[2:] != logits.shape[2:]:
        raise NetworkError(
            "network: it does not give (boxes, {'scores': ...}) for all of its anchors; a DetectionModel of Ultralytics 8.4 in "
            "evaluation, with end2end=False, would be right"
        )
    across, down, width, height = boxes[:, :4].float().unbind(1)
    sides = torch.stack((down - height / 2, across - width / 2, down + height / 2, across + width / 2), dim=2)
    rows, columns = batch.shape[2:]
    scale = torch.tensor([rows, columns, rows, columns]).to(sides)
    return Candidates(logits.permute(0, 2, 1).float(), (sides / scale).clamp(0, 1), False, None, (rows, columns))


def _without_inferred_anchors(network: nn.Module) -> None:
    """Let the head make its anchors anew where it keeps some from torch.inference_mode, through which no gradient passes."""
    for part in network.modules():
        anchors = getattr(part, "anchors", None)
        if isinstance(anchors, Tensor) and anchors.is_inference() and hasattr(part, "shape"):
            vars(part)["shape"] = None
