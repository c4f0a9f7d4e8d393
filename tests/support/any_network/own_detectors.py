"""Small detectors of torchvision's own kinds, and of DETR's and YOLO's, on pictures of 32 or 64 pixels."""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.ops import MultiScaleRoIAlign

NAMES = ("cat", "dog", "car")
SIDE = 32


class Levels(nn.Module):
    """Three convolutions of stride 2, of which the last two give features: grids of 8 and 4."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 16, 3, 2, padding=1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(16, 32, 3, 2, padding=1), nn.ReLU()
        self.conv3, self.relu3 = nn.Conv2d(32, 32, 3, 2, padding=1), nn.ReLU()
        self.out_channels: int | list[int] = 32

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        fine = self.relu2(self.conv2(self.relu1(self.conv1(x))))
        return OrderedDict([("0", fine), ("1", self.relu3(self.conv3(fine)))])


def ssd() -> nn.Module:
    torch.manual_seed(3)
    boxes = DefaultBoxGenerator([[2], [2]], scales=[0.25, 0.5, 0.75])
    levels = Levels()
    levels.out_channels = [32, 32]
    return lively(SSD(levels, boxes, (SIDE, SIDE), len(NAMES) + 1))


def retina() -> nn.Module:
    torch.manual_seed(3)
    anchors = AnchorGenerator(((8,), (16,)), ((0.5, 1.0, 2.0),) * 2)
    return lively(RetinaNet(Levels(), len(NAMES), min_size=SIDE, max_size=2 * SIDE, anchor_generator=anchors))


def fcos() -> nn.Module:
    torch.manual_seed(3)
    anchors = AnchorGenerator(((4,), (8,)), ((1.0,),) * 2)
    return lively(FCOS(Levels(), len(NAMES), min_size=SIDE, max_size=2 * SIDE, anchor_generator=anchors))


def two_stages() -> nn.Module:
    torch.manual_seed(3)
    return lively(
        FasterRCNN(
            Levels(),
            len(NAMES) + 1,
            min_size=SIDE,
            max_size=2 * SIDE,
            rpn_anchor_generator=AnchorGenerator(((8,), (16,)), ((0.5, 1.0, 2.0),) * 2),
            box_roi_pool=MultiScaleRoIAlign(["0", "1"], 4, 2),
            rpn_post_nms_top_n_test=20,
        )
    )


def lively(network: nn.Module) -> nn.Module:
    """The network with weights so large that its scores differ from box to box."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.5)
            if "bbox" in name or "regression_head" in name:
                module.weight.data *= 0.1  # else boxes fly off
    return network.eval()


def detr() -> nn.Module:
    """DETR of transformers with 20 queries, on grids of 2 for pictures of 64 pixels."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    torch.manual_seed(3)
    sizes = {"embedding_size": 16, "hidden_sizes": [16, 32, 48, 64], "depths": [1, 1, 1, 1], "layer_type": "basic"}
    config = DetrConfig(
        use_timm_backbone=False, backbone_config=ResNetConfig(**sizes, out_features=["stage4"]), d_model=32, encoder_layers=2,
        decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64, decoder_ffn_dim=64,
        num_queries=20, id2label=dict(enumerate(NAMES)), init_std=0.4, init_xavier_std=4.0,
    )  # fmt: skip
    network: nn.Module = DetrForObjectDetection(config).eval()
    return network


def yolo() -> nn.Module:
    """The smallest YOLO of Ultralytics with random weights, for pictures whose sides are multiples of 32."""
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(3)
    network: nn.Module = DetectionModel("yolov8n.yaml", nc=len(NAMES), verbose=False)
    network.names = dict(enumerate(NAMES))
    return network.eval()
