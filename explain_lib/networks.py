"""The network architectures whose checkpoints are bundled."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional


class TutorialNet(nn.Module):
    """The CIFAR-10 network of Captum's tutorial "Getting started with Captum Insights".

    Input float32 (N, 3, 32, 32); output float32 (N, 10) logits. Each ReLU and each pooling is a module of its own, so
    that every one of them can be explained: conv1 (6 x 28 x 28), relu1, pool1 (6 x 14 x 14), conv2 (16 x 10 x 10),
    relu2, pool2 (16 x 5 x 5), then three linear layers. 62,006 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(120, 84)
        self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.relu1(self.conv1(x)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = x.flatten(1)
        x = self.relu3(self.fc1(x))
        x = self.relu4(self.fc2(x))
        logits: Tensor = self.fc3(x)
        return logits


class ShortcutA(nn.Module):
    """The parameter-free shortcut of He et al. 2015, option A: every second pixel, zeros for the new channels."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, x: Tensor) -> Tensor:
        half = self.new_channels // 2
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.new_channels - half))

    def extra_repr(self) -> str:
        return f"new_channels={self.new_channels}"


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation and a shortcut; one nn.ReLU a use."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Identity() if stride == 1 else ShortcutA(channels - channels_in)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        activated: Tensor = self.relu2(y + self.shortcut(x))
        return activated


class ResNet20(nn.Module):
    """ResNet-20 in the CIFAR form of He et al. 2015 (arXiv 1512.03385, section 4.2): n = 3, option A shortcuts.

    Input float32 (N, 3, 32, 32); output float32 (N, 10) logits. 19 conv layers on grids of 32, 16 and 8; 269,722
    parameters with the last linear layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu1 = nn.ReLU()
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    @staticmethod
    def _stage(channels_in: int, channels: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            BasicBlock(channels_in, channels, stride),
            BasicBlock(channels, channels, 1),
            BasicBlock(channels, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


ARCHITECTURES: Mapping[str, Callable[[], nn.Module]] = MappingProxyType({"TutorialNet": TutorialNet, "ResNet20": ResNet20})
"""What a checkpoint's card may name as its architecture."""
