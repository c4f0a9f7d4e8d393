"""One family of networks that differ in nothing but their number of conv layers."""

from functools import partial

from torch import Tensor, flatten, nn

from explain_lib.base.errors import InputError
from explain_lib.loading.architectures import BasicBlock
from explain_lib.loading.blueprint import Architecture
from explain_lib.pictures.dataset import CLASSES

DEPTHS = (2, 4, 8, 14, 20)
FIRST, LAST = 16, 64
"""Channels after the first and after the last conv layer."""
_MEAN = _STD = (0.5, 0.5, 0.5)


class FamilyNet(nn.Module):
    """A residual network between the two conv layers of the tutorial's network.

    Input float32 (N, 3, 32, 32); output float32 (N, classes) logits. conv1, relu1, pool1 (16 x 16 x 16), then residual blocks
    of two conv layers each on that grid (He et al. 2015, arXiv 1512.03385), then conv2, relu2 (64 x 16 x 16), pool2 (64 x 8 x
    8), the mean over the grid and a linear layer. Batch normalisation after every conv layer. So the last layers of all depths
    have the same grids and channels, and their cells look at the same places. conv_layers: 2 and two for each block.
    """

    def __init__(self, conv_layers: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, FIRST, 5, padding=2, bias=False)
        self.bn1 = nn.BatchNorm2d(FIRST)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2, 2)
        self.blocks = nn.Sequential(*(BasicBlock(FIRST, FIRST, 1) for _ in range(conv_layers // 2 - 1)))
        self.conv2 = nn.Conv2d(FIRST, LAST, 5, padding=2, bias=False)
        self.bn2 = nn.BatchNorm2d(LAST)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2, 2)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(LAST, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.pool1(self.relu1(self.bn1(self.conv1(x)))))
        x = self.pool2(self.relu2(self.bn2(self.conv2(x))))
        logits: Tensor = self.fc(flatten(self.mean(x), 1))
        return logits


def family_architecture(conv_layers: int, classes: tuple[str, ...] = CLASSES) -> Architecture:
    """The member of the family with so many conv layers, for those classes.

    Raises InputError for a number that is not even, or below 2.
    """
    if conv_layers < 2 or conv_layers % 2:
        raise InputError(f"conv_layers: {conv_layers}; an even number from 2 on, such as {DEPTHS}, would be right")
    build = partial(_build, conv_layers, len(classes))
    return Architecture(f"FamilyNet{conv_layers}", build, False, (32, 32), _MEAN, _STD, "of the family", classes)


def _build(conv_layers: int, classes: int, _: int | None) -> nn.Module:
    return FamilyNet(conv_layers, classes)
