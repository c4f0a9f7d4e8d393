"""Small networks, each with one peculiarity, and how to make a Model of them."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import explain_lib as xl

SIDE = 8
Models = Callable[[str], xl.Model]
"""From the name of a model to the model."""


def model_of(network: nn.Module, classes: int = 2, side: int = SIDE) -> xl.Model:
    names = tuple(f"class {index}" for index in range(classes))
    return xl.as_model(network, classes=names, input_size=(side, side), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def noise(count: int, side: int = SIDE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def seeded(build: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(1)
    return build()


class Headed(nn.Module):
    """Any body that gives 4 channels, averaged over the grid, then a linear layer with 2 outputs."""

    def __init__(self, *body: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*body)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean((2, 3)))


def plain() -> nn.Module:
    """body.0 conv, body.1 ReLU, body.2 conv, body.3 ReLU."""
    return Headed(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU())


class Scripted(nn.Module):
    """A network whose forward pass ends in `answer`, so that it can return or raise anything once it is a Model."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.answer: Callable[[Tensor], object] = lambda logits: logits

    def forward(self, x: Tensor) -> object:
        return self.answer(self.conv(x).mean((2, 3)))


class Branches(nn.Module):
    """Two convolutions of the picture side by side, joined by concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 5, padding=1)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(torch.cat([self.left(x), self.right(x)], 1).relu().mean((2, 3)))


class Repeated(nn.Module):
    """One ReLU module called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.relu = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU()
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu(self.conv2(self.relu(self.conv1(x)))).mean((2, 3)))


class DeadEnd(nn.Module):
    """A convolution that runs but whose output nobody uses, and one that never runs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.unused, self.unreached = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.unused(x)
        return self.fc(self.conv(x).mean((2, 3)))


class Folded(nn.Module):
    """The colours of each picture become pictures of their own for `conv`, whose output is (3 N, 4, h, w)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv(x.flatten(0, 1)[:, None]).mean((2, 3)).view(len(x), 12))


class Gated(nn.Module):
    """The picture is used again after the convolution: it is multiplied with what the convolution makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.fc = nn.Identity(), nn.Conv2d(3, 3, 1), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.fc((x * self.conv(x)).mean((2, 3)))
