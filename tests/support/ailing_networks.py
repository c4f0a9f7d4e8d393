"""Small networks, each with one thing that a check-up finds. Input (N, 3, 8, 8), two classes, where nothing else is said."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Ailing(nn.Module):
    """A convolution to a 6 x 6 grid, a ReLU and a linear layer: healthy, until a subclass changes a step."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu, self.fc = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 2)

    def body(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))

    def head(self, activation: Tensor) -> Tensor:
        return self.fc(activation.mean((2, 3)))

    def forward(self, x: Tensor) -> object:
        return self.head(self.body(x))


# Section: squashed outputs


class SoftmaxModule(Ailing):
    def __init__(self, squash: nn.Module) -> None:
        super().__init__()
        self.squash = squash

    def head(self, activation: Tensor) -> Tensor:
        return self.squash(super().head(activation))


class SoftmaxInForward(Ailing):
    def head(self, activation: Tensor) -> Tensor:
        return super().head(activation).softmax(1)


class SoftmaxByHand(Ailing):
    """Told from its values alone: the last operation is a division."""

    def head(self, activation: Tensor) -> Tensor:
        powers = super().head(activation).exp()
        return powers / powers.sum(1, keepdim=True)


class GatedBySigmoid(Ailing):
    """Scores multiplied with a sigmoid: no squashed output."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Sigmoid()

    def head(self, activation: Tensor) -> Tensor:
        scores = super().head(activation)
        return 10 * scores * self.gate(scores)


# Section: gradients


class Detached(Ailing):
    """The whole output is cut off."""

    def head(self, activation: Tensor) -> Tensor:
        return super().head(activation).detach()


class CutInBetween(Ailing):
    """conv is cut off from the output, conv2 is not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2 = nn.Conv2d(4, 4, 3)

    def body(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            first = super().body(x)
        return self.conv2(first)


class BestClass(Ailing):
    """Returns which class is best, once for each class, as whole numbers (N, 2)."""

    def head(self, activation: Tensor) -> Tensor:
        return super().head(activation).argmax(1, keepdim=True).expand(-1, 2)


class ThroughNumPy(Ailing):
    """Runs without gradients only."""

    def body(self, x: Tensor) -> Tensor:
        return torch.from_numpy(super().body(x).numpy())


# Section: layers


class OneCell(nn.Module):
    """Grids of 4 x 4, 2 x 2 and, at the last conv layer, 1 x 1."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 4, 2, 2), nn.Conv2d(4, 4, 2, 2), nn.Conv2d(4, 4, 2, 2)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv3(self.conv2(self.conv1(x))).flatten(1))


class Excited(Ailing):
    """Channels weighed by a convolution on the pooled picture, as in squeeze-and-excitation: 1 x 1, but not at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze, self.last = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3)

    def body(self, x: Tensor) -> Tensor:
        activation = super().body(x)
        return self.last(activation * self.squeeze(activation.mean((2, 3), keepdim=True)))


class SmallTransformer(nn.Module):
    """Patches of 2 x 2 to 16 tokens, attention with the tokens as first axis, the mean token."""

    def __init__(self, embed: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Conv2d(3, 8, 2, 2) if embed is None else embed
        self.attention = nn.MultiheadAttention(8, 2)
        self.fc = nn.Linear(8, 2)

    def tokens(self, x: Tensor) -> Tensor:
        return self.embed(x).flatten(2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.tokens(x).transpose(0, 1)
        return self.fc(self.attention(tokens, tokens, tokens)[0].mean(0))


class SelfAttention(nn.Module):
    """Attention by name, on features (N, C) without a grid."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.values = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.values(x)


class LinearPatches(SmallTransformer):
    """The same without a convolution: no module gives a grid."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(12, 8))

    def tokens(self, x: Tensor) -> Tensor:
        return self.embed(nn.functional.unfold(x, 2, stride=2).transpose(1, 2))


class ChannelsLast(Ailing):
    """A layer normalisation over the last axis of (N, 6, 6, 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4)

    def body(self, x: Tensor) -> Tensor:
        return self.norm(super().body(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class InPlaceInForward(Ailing):
    """What conv gives is overwritten by an operation that is no module."""

    def body(self, x: Tensor) -> Tensor:
        return self.conv(x).relu_()


# Section: numbers


class InfiniteGradient(Ailing):
    """The root of 0, whose value is finite and whose gradient is not."""

    def head(self, activation: Tensor) -> Tensor:
        scores = super().head(activation)
        return scores + (scores - scores).abs().sqrt()


class DividesByZero(Ailing):
    def body(self, x: Tensor) -> Tensor:
        activation = self.conv(x)
        return self.relu(activation / (activation - activation))


# Section: outputs


FORMS: Mapping[str, Callable[[Tensor, Tensor], object]] = {
    "tuple": lambda activation, scores: (activation, scores),
    "dict": lambda activation, scores: {"aux": activation, "out": scores},
    "dataclass": lambda activation, scores: Answer(logits=scores, features=activation),
    "twice": lambda _, scores: (scores, 2 * scores),
    "text": lambda *_: "frog",
    "tokens": lambda activation, _: activation.flatten(2),
    "map": lambda activation, _: activation,
    "vector": lambda _, scores: scores[:, 0],
    "turned": lambda _, scores: scores[:, :1].t(),
}


class Returning(Ailing):
    """Returns activation and scores in a form of FORMS."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: Tensor) -> object:
        activation = self.body(x)
        return FORMS[self.form](activation, self.head(activation))


class Then(nn.Module):
    """A network, and what is made of its output."""

    def __init__(self, network: nn.Module, then: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.network, self.then = network, then

    def forward(self, x: Tensor) -> object:
        return self.then(self.network(x))


@dataclass
class Answer:
    features: Tensor
    logits: Tensor


# Section: side effects


class Meddling(Ailing):
    """Counts its calls in a buffer, replaces another and draws random numbers."""

    calls: Tensor
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("seen", torch.zeros(3))

    def body(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen = self.seen + x.detach().mean((0, 2, 3))
        self.register_buffer("latest", x.detach().mean((0, 2, 3)))
        return super().body(x) + 0.01 * torch.rand(())


class Raising(Ailing):
    """Raises what it is given."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def body(self, _: Tensor) -> Tensor:
        raise self.error


def without_gradient(names: Iterable[str], network: nn.Module) -> nn.Module:
    """The network with the parameters of these modules frozen."""
    for name in names:
        network.get_submodule(name).requires_grad_(False)
    return network


class Squeezing(Ailing):
    """Drops every axis of length 1, that of the pictures too."""

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.body(x).mean((2, 3), keepdim=True).squeeze()).log_softmax(1) * 2


class Dropping(Ailing):
    """A dropout that evaluation mode does not switch off."""

    def body(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(super().body(x), 0.5)
