"""torchvision's detectors up to the scores of all candidates, part by part as their own `forward` runs them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from explain_lib.base.errors import NetworkError
from explain_lib.regions.boxes import UNLIKELY, Candidates

if TYPE_CHECKING:
    from torchvision.models.detection.image_list import ImageList

Features = Mapping[str, Tensor]
Boxes = Callable[[Tensor, Tensor], Tensor]
BACKGROUND = 0
"""The class that stands for no object where the scores of a candidate are those of a softmax."""


class _Coder(Protocol):
    """Boxes from the numbers of a regression, around anchors or proposals."""

    def decode(self, numbers: Tensor, around: list[Tensor]) -> Tensor: ...
    def decode_single(self, numbers: Tensor, around: Tensor) -> Tensor: ...


class _Start(Protocol):
    """What all of torchvision's detectors begin with."""

    def transform(self, images: list[Tensor]) -> "tuple[ImageList, object]": ...
    def backbone(self, batch: Tensor) -> Tensor | Features: ...


class _OneStage(_Start, Protocol):
    box_coder: _Coder

    def head(self, features: list[Tensor]) -> Features: ...
    def anchor_generator(self, images: "ImageList", features: list[Tensor]) -> list[Tensor]: ...


class _Heads(Protocol):
    box_coder: _Coder

    def box_roi_pool(self, features: Features, proposals: list[Tensor], sizes: list[tuple[int, int]]) -> Tensor: ...
    def box_head(self, pooled: Tensor) -> Tensor: ...
    def box_predictor(self, pooled: Tensor) -> tuple[Tensor, Tensor]: ...


class _TwoStages(_Start, Protocol):
    roi_heads: _Heads

    def rpn(self, images: "ImageList", features: Features) -> tuple[list[Tensor], object]: ...


def is_one_of(network: nn.Module) -> bool:
    """Whether a network is a detector of torchvision, or of a class made from one."""
    if not any(kind.__module__.startswith("torchvision.models.detection") for kind in type(network).__mro__):
        return False
    from torchvision.models.detection import FCOS, RetinaNet
    from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
    from torchvision.models.detection.ssd import SSD

    return isinstance(network, FCOS | SSD | RetinaNet | GeneralizedRCNN)


def has_background(network: nn.Module) -> bool:
    """Whether its first class stands for no object."""
    from torchvision.models.detection import FCOS, RetinaNet

    return not isinstance(network, FCOS | RetinaNet)


def candidates_of(network: nn.Module, batch: Tensor) -> Candidates:
    """The candidates of a batch float32 (N, 3, H, W), in [0, 1].

    Raises NetworkError for pictures that the network would pad: its cells would not lie over them any more.
    """
    start = cast(_Start, network)
    images, _ = start.transform(list(batch))
    if tuple(images.tensors.shape[2:]) != tuple(images.image_sizes[0]):
        height, width = images.image_sizes[0]
        raise NetworkError(
            f"network: it enlarges pictures of {batch.shape[2]} x {batch.shape[3]} to {height} x {width} and pads them; an "
            "input_size whose sides it brings to multiples of 32, such as (320, 320), would be right"
        )
    found = start.backbone(images.tensors)
    features = {"0": found} if isinstance(found, Tensor) else found
    of_kind = _of_two_stages if hasattr(network, "roi_heads") else _of_one_stage
    return of_kind(network, images, features, (batch.shape[2], batch.shape[3]))


def _of_one_stage(network: nn.Module, images: "ImageList", features: Features, size: tuple[int, int]) -> Candidates:
    """The candidates around anchors, the same ones in each picture."""
    parts = cast(_OneStage, network)
    head = parts.head(list(features.values()))
    anchors = parts.anchor_generator(images, list(features.values()))
    logits, exclusive = head["cls_logits"], has_background(network)
    if "bbox_ctrness" in head:  # around points, whose coder decodes one picture too
        logits = _log_odds_of_root(logits, head["bbox_ctrness"])
        decode = cast(Boxes, parts.box_coder.decode)
    else:
        decode = parts.box_coder.decode_single
    boxes = torch.stack([decode(one, own) for one, own in zip(head["bbox_regression"], anchors, strict=True)])
    corners = _shares(boxes, images.image_sizes[0])
    return Candidates(logits.float(), corners, exclusive, BACKGROUND if exclusive else None, size)


def _of_two_stages(network: nn.Module, images: "ImageList", features: Features, size: tuple[int, int]) -> Candidates:
    """The candidates of the second stage: the regions that the first one proposes, other ones in each picture."""
    parts = cast(_TwoStages, network)
    heads, sizes = parts.roi_heads, images.image_sizes
    proposals = parts.rpn(images, features)[0]
    logits, regression = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, proposals, sizes)))
    decoded = heads.box_coder.decode(regression, proposals).reshape(-1, logits.shape[1], 4)  # of no proposal it has two axes
    boxes = _shares(decoded, sizes[0])
    counts = [len(one) for one in proposals]
    most = max(1, *counts)  # a picture in which nothing is proposed has a candidate of nothing
    return Candidates(
        torch.stack([_filled(part, most) for part in logits.float().split(counts)]),
        torch.stack([functional.pad(part, (0, 0, 0, 0, 0, most - len(part))) for part in boxes.split(counts)]),
        exclusive=True,
        background=BACKGROUND,
        size=size,
        lasting=False,
    )


def _filled(logits: Tensor, count: int) -> Tensor:
    """Scores (K, classes) with candidates of nothing behind them, so many in all."""
    nothing = torch.full((count - len(logits), logits.shape[1]), UNLIKELY).to(logits)
    nothing[:, BACKGROUND] = 0
    return torch.cat([logits, nothing])


def _log_odds_of_root(logits: Tensor, centredness: Tensor) -> Tensor:
    """The log odds of the score of FCOS, which is the root of the product of both sigmoids (Tian et al. 2022, TPAMI 44)."""
    log_score = (functional.logsigmoid(logits) + functional.logsigmoid(centredness)) / 2
    return log_score - torch.log(-torch.expm1(log_score))


def _shares(boxes: Tensor, size: Sequence[int]) -> Tensor:
    """Corners (..., 4) in pixels, left first, as shares of pictures of that size, top first, cut at their edges."""
    height, width = size
    scale = torch.tensor([height, width, height, width]).to(boxes)
    return (boxes[..., [1, 0, 3, 2]] / scale).clamp(0, 1)
