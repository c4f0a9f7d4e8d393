"""Networks of somebody's own, as a module that a server is told to import: `--model own_networks:make`."""

import torch
from torch import nn


def make() -> nn.Module:
    torch.manual_seed(6)
    first, second = (nn.Conv2d(3, 4, 3), nn.ReLU()), (nn.Conv2d(4, 4, 3), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5))


def many() -> nn.Module:
    """A thousand classes."""
    torch.manual_seed(6)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 1000))


def pooled() -> nn.Module:
    """No conv layer."""
    torch.manual_seed(6)
    return nn.Sequential(nn.AvgPool2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5))


def one() -> nn.Module:
    """One class."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 1))


def fails() -> nn.Module:
    raise KeyError("no such layer")


def tiny() -> nn.Module:
    """On 16 x 16 pixels a grid of one cell."""
    torch.manual_seed(6)
    return nn.Sequential(nn.Conv2d(3, 5, 16), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(5, 4))


def wide() -> nn.Module:
    """600 channels."""
    torch.manual_seed(6)
    return nn.Sequential(nn.Conv2d(3, 600, 9, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(600, 4))


def infinite() -> nn.Module:
    """Activations that are not finite."""
    torch.manual_seed(6)
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Hardtanh(0, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4))
    nn.init.constant_(network[0].bias, 3e38)
    nn.init.constant_(network[0].weight, 3e38)
    return network


def grey() -> nn.Module:
    """One channel."""
    return of_channels(1)


def thirteen() -> nn.Module:
    """Thirteen channels."""
    return of_channels(13)


def of_channels(channels: int) -> nn.Module:
    torch.manual_seed(6)
    first, second = (nn.Conv2d(channels, 4, 3), nn.ReLU()), (nn.Conv2d(4, 4, 3), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5))
