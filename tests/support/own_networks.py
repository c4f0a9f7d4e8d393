"""Networks of somebody's own, as a module that a server is told to import: `--model own_networks:make`."""

import torch
import torchvision
from torch import nn
from torchvision import transforms

import explain_lib as xl


def make() -> nn.Module:
    torch.manual_seed(6)
    first, second = (nn.Conv2d(3, 4, 3), nn.ReLU()), (nn.Conv2d(4, 4, 3), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 5))


def many() -> nn.Module:
    """A thousand classes."""
    torch.manual_seed(6)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 1000))


def large() -> nn.Module:
    """Three million activations, and a softmax at the end, which is a problem."""
    torch.manual_seed(6)
    head = nn.Flatten(), nn.Linear(256, 5), nn.Softmax(1)
    return nn.Sequential(nn.Conv2d(3, 64, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), *head)


def pooled() -> nn.Module:
    """No conv layer."""
    torch.manual_seed(6)
    return nn.Sequential(nn.AvgPool2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5))


def one() -> nn.Module:
    """One class."""
    torch.manual_seed(6)
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


class TwoInputs(nn.Module):
    """A picture, and two numbers beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = make()
        self.head = nn.Linear(7, 3)

    def forward(self, picture: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        return self.head(torch.cat([self.body(picture), beside.expand(len(picture), -1)], dim=1))


def complete() -> xl.Model:
    """A Model with a transform, which looks at the middle, and with a second input."""
    network, beside = TwoInputs(), torch.tensor([[1.0, -2.0]])
    normalise = transforms.Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.3))
    middle = [transforms.Resize(40), transforms.CenterCrop(16), transforms.ToTensor(), normalise]
    return xl.as_model(
        network, classes=("a", "b", "c"), transform=transforms.Compose(middle), forward=lambda batch: network(batch, beside)
    )


def transformer() -> nn.Module:
    """Tokens behind a class token, which alone is read."""
    torch.manual_seed(6)
    network = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4)
    nn.init.normal_(network.heads.head.weight)  # 0 before training
    return network


def windowed() -> nn.Module:
    """Channels at the end, attention in windows that are shifted."""
    torch.manual_seed(6)
    return torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 2], [4, 4], num_classes=4)


def with_idle_branch() -> nn.Module:
    """A convolution whose output nobody uses."""
    torch.manual_seed(6)

    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.aside, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found = self.conv(x).relu()
            self.aside(found)
            return self.fc(found.mean((2, 3)))

    return Idle()


def labels() -> nn.Module:
    """Fourteen scores for labels, in a dict."""
    torch.manual_seed(6)
    return _InADict(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 14))


class _InADict(nn.Sequential):
    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {"logits": super().forward(x)}


class _Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.norm(self.conv(x))


class _Deep(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 4, 3, padding=1), nn.Sequential(*(_Shortcut() for _ in range(30)))
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


def deep() -> nn.Module:
    """Thirty blocks alike, each with a shortcut."""
    torch.manual_seed(7)
    return _Deep()


class _Unwatched(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch._C._len_torch_dispatch_stack():
            raise RuntimeError("a watched pass")
        return super().forward(x)  # type: ignore[no-any-return]


def unwatched() -> nn.Module:
    """It runs only while nobody watches its operations, as a compiled one."""
    torch.manual_seed(8)
    return _Unwatched(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3))


class UNet(nn.Module):
    """Two levels with a path around the lower one (Ronneberger et al. 2015, arXiv 1505.04597): scores for each pixel."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(6)
        self.down, self.bottom, self.up = (_twice(*channels) for channels in ((3, 6), (6, 8), (14, 6)))
        self.pool, self.enlarge = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
        self.scores = nn.Conv2d(6, classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside = self.down(x)
        below = self.enlarge(self.bottom(self.pool(beside)))
        scores: torch.Tensor = self.scores(self.up(torch.cat([beside, below], 1)))
        return scores


def _twice(before: int, after: int) -> nn.Sequential:
    convs = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
    return nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.ReLU())


def unet() -> nn.Module:
    """Three classes for each pixel, none of which covers all of a picture."""
    return _balanced(UNet(3))


def two_of_three() -> nn.Module:
    """The same, but the last class is predicted nowhere."""
    network = _balanced(UNet(3))
    with torch.no_grad():
        network.scores.bias[2] -= 1000
    return network


def one_mask() -> nn.Module:
    """One number for each pixel: what belongs to the object has it above 0."""
    return _balanced(UNet(1))


def _balanced(network: UNet) -> UNet:
    """The network with a bias that makes its scores 0 on average, over pictures of one colour."""
    with torch.no_grad():
        network.scores.weight *= 40
        network.scores.bias -= network(torch.linspace(-1, 1, 9)[:, None, None, None].expand(-1, 3, 8, 8)).mean((0, 2, 3))
    return network


class _Bright(nn.Module):
    """Class 1 at the pixels above 0.85, class 0 elsewhere, with a convolution that moves the scores a little."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = x.mean(1, keepdim=True) - 0.85
        scores: torch.Tensor = torch.cat([-bright, bright], 1) * 20 + self.last(self.first(x).relu()) * 1e-4
        return scores


def bright() -> nn.Module:
    """A class that many pictures show nowhere."""
    return _Bright()


def volume() -> nn.Module:
    """Slices, rows and columns; two of the slices become one."""
    torch.manual_seed(6)
    first, second = (nn.Conv3d(3, 4, 3, padding=1), nn.ReLU()), (nn.Conv3d(4, 6, 3, stride=2, padding=1), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool3d((1, 2, 2)), nn.Flatten(), nn.Linear(24, 3, bias=False))


def signal() -> nn.Module:
    """Samples of one channel."""
    torch.manual_seed(6)
    first, second = (nn.Conv1d(1, 4, 5), nn.ReLU()), (nn.Conv1d(4, 6, 5, stride=2), nn.ReLU())
    return nn.Sequential(*first, *second, nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(24, 3, bias=False))
