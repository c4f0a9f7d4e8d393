"""DETR and its kin in transformers, whose output has the scores and the box of each query."""

import torch
from torch import Tensor, nn

from explain_lib.base.errors import NetworkError
from explain_lib.regions.boxes import Candidates

_SOFTMAX = ("detr", "yolos", "table-transformer")
_SIGMOID = ("conditional_detr", "deformable_detr", "rt_detr", "rt_detr_v2", "d_fine", "deta")
"""The types of configurations: those with a last class for no object, and those with labels by themselves."""


def _type_of(network: nn.Module) -> str:
    return str(getattr(getattr(network, "config", None), "model_type", ""))


def is_one_of(network: nn.Module) -> bool:
    """Whether a network is one of transformers that detects, of a kind whose scores are known."""
    return type(network).__name__.endswith("ForObjectDetection") and _type_of(network) in (*_SOFTMAX, *_SIGMOID)


def class_names(network: nn.Module) -> tuple[str, ...]:
    """The names of its classes, from its configuration, without that for no object."""
    named = getattr(getattr(network, "config", None), "id2label", {})
    return tuple(str(named[key]) for key in sorted(named))


def has_background(network: nn.Module) -> bool:
    """Whether its last class stands for no object."""
    return _type_of(network) in _SOFTMAX


def candidates_of(network: nn.Module, batch: Tensor) -> Candidates:
    """The queries of a batch float32 (N, 3, H, W), normalised. Raises NetworkError for an output without scores or boxes."""
    output = network(batch)
    logits, boxes = getattr(output, "logits", None), getattr(output, "pred_boxes", None)
    if not isinstance(logits, Tensor) or not isinstance(boxes, Tensor):
        raise NetworkError("network: it gives no logits with pred_boxes; a network of transformers that detects does")
    across, down, width, height = boxes.float().unbind(2)
    sides = (down - height / 2, across - width / 2, down + height / 2, across + width / 2)
    exclusive = has_background(network)
    background = logits.shape[2] - 1 if exclusive else None
    return Candidates(
        logits.float(), torch.stack(sides, dim=2).clamp(0, 1), exclusive, background, (batch.shape[2], batch.shape[3])
    )
