"""Sixty kinds of steps from (N, C, h, w) to (N, C, h, w), of which random small networks are built; some are no good."""

from collections.abc import Callable
from random import Random

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

C = 8
"""Channels between two steps."""

Step = Callable[[], nn.Module]


class Does(nn.Module):
    """A module of a function."""

    def __init__(self, function: Callable[[Tensor], Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Parallel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(C, C // 2, 1), nn.Conv2d(C, C // 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


class Last(nn.Module):
    """A module that works on (N, h, w, C)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Tokens(nn.Module):
    """A module that works on (N, T, C), behind `before` tokens of its own."""

    def __init__(self, inner: nn.Module, before: int = 0) -> None:
        super().__init__()
        self.inner, self.before = inner, nn.Parameter(torch.rand(1, before, C))

    def forward(self, x: Tensor) -> Tensor:
        tokens = torch.cat([self.before.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        made = self.inner(tokens)
        made = made[0] if isinstance(made, tuple) else made
        return made[:, self.before.shape[1] :].transpose(1, 2).unflatten(2, x.shape[2:])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).unflatten(2, (3, 2, C // 2)).permute(2, 0, 3, 1, 4)
        return x + self.proj(functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


class Deformed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.offset, self.dcn = nn.Conv2d(C, 18, 3, padding=1), torchvision.ops.DeformConv2d(C, C, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.dcn(x, self.offset(x))


class Sampled(nn.Module):
    """A spatial transformer: where it looks depends on the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.where = nn.Linear(C, 6)

    def forward(self, x: Tensor) -> Tensor:
        theta = self.where(x.mean((2, 3))).view(-1, 2, 3)
        return functional.grid_sample(x, functional.affine_grid(theta, x.shape, align_corners=False), align_corners=False)


class Cast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(C, C, 1)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.conv(x).float()


class Hooks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x * 1
        x.register_hook(torch.clone)
        return x


class Stores(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.relu()
        return self.seen


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.aside = nn.Conv2d(C, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        self.aside(x)
        return x


class Checkpointed(nn.Module):
    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.reentrant = nn.Sequential(nn.Conv2d(C, C, 1), nn.Tanh()), reentrant

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.inner, x, use_reentrant=self.reentrant)


def conv() -> nn.Module:
    return nn.Conv2d(C, C, 3, padding=1)


KINDS: dict[str, Step] = {
    "conv": conv,
    "strided": lambda: nn.Conv2d(C, C, 3, 2, 1),
    "dilated": lambda: nn.Conv2d(C, C, 3, dilation=2, padding=2),
    "grouped": lambda: nn.Conv2d(C, C, 3, groups=4, padding=1),
    "circular": lambda: nn.Conv2d(C, C, 3, padding=1, padding_mode="circular"),
    "transposed": lambda: nn.ConvTranspose2d(C, C, 2, 2),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(conv()),
    "batch norm": lambda: nn.BatchNorm2d(C),
    "batch's own norm": lambda: nn.BatchNorm2d(C, track_running_stats=False),
    "instance norm": lambda: nn.InstanceNorm2d(C),
    "group norm": lambda: nn.GroupNorm(2, C),
    "response norm": lambda: nn.LocalResponseNorm(3),
    "layer norm": lambda: Last(nn.LayerNorm(C)),
    "rms norm": lambda: Last(nn.RMSNorm(C)),
    "relu": nn.ReLU,
    "relu in place": lambda: nn.ReLU(inplace=True),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "prelu": nn.PReLU,
    "rrelu": nn.RReLU,
    "softplus": nn.Softplus,
    "hardtanh": nn.Hardtanh,
    "glu": lambda: nn.Sequential(nn.Conv2d(C, 2 * C, 1), nn.GLU(1)),
    "softmax2d": nn.Softmax2d,
    "threshold": lambda: nn.Threshold(0.1, 0.0),
    "max pool": lambda: nn.MaxPool2d(2),
    "max pool, ceil": lambda: nn.MaxPool2d(3, 2, ceil_mode=True),
    "average pool": lambda: nn.AvgPool2d(2),
    "power pool": lambda: nn.LPPool2d(2, 2),
    "adaptive pool": lambda: nn.AdaptiveAvgPool2d(3),
    "adaptive max pool": lambda: nn.AdaptiveMaxPool2d((4, 2)),
    "pooled to one": lambda: nn.AdaptiveAvgPool2d(1),
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "shuffled": lambda: nn.Sequential(nn.Conv2d(C, 4 * C, 1), nn.PixelShuffle(2)),
    "unshuffled": lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2), nn.Conv2d(4 * C, C, 1)),
    "channels shuffled": lambda: nn.ChannelShuffle(2),
    "zero padding": lambda: nn.ZeroPad2d(1),
    "reflected": lambda: nn.ReplicationPad2d(1),
    "dropout": lambda: nn.Dropout2d(0.5),
    "dropout always": lambda: Does(lambda x: functional.dropout(x, 0.5)),
    "identity": nn.Identity,
    "flattened": lambda: nn.Sequential(
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * C, 4 * C), nn.Unflatten(1, (C, 2, 2))
    ),
    "excited": lambda: torchvision.ops.SqueezeExcitation(C, 4),
    "residual": lambda: Residual(nn.Sequential(conv(), nn.ReLU(), conv())),
    "parallel": Parallel,
    "depth": lambda: torchvision.ops.StochasticDepth(0.5, "row"),
    "channels last": lambda: Last(nn.Sequential(nn.Linear(C, 2 * C), nn.GELU(), nn.Linear(2 * C, C))),
    "tokens": lambda: Tokens(nn.Sequential(nn.LayerNorm(C), nn.Linear(C, C)), 1),
    "attention": lambda: Tokens(Attention(), 2),
    "multihead": lambda: Tokens(nn.TransformerEncoderLayer(C, 2, 16, batch_first=True)),
    "recurrent": lambda: Tokens(nn.LSTM(C, C, batch_first=True)),
    "deformed": Deformed,
    "sampled": Sampled,
    "fourier": lambda: Does(lambda x: torch.fft.ifft2(torch.fft.fft2(x) * 0.5).real),
    "rolled": lambda: Does(lambda x: x.roll(1, 2)),
    "einsum": lambda: Does(lambda x: torch.einsum("nchw,ncij->nchw", x, x) / x[0, 0].numel()),
    "autocast": Cast,
    "hooking": Hooks,
    "storing": Stores,
    "unused": Unused,
    "checkpointed": lambda: Checkpointed(reentrant=False),
    "checkpointed again": lambda: Checkpointed(reentrant=True),
    "detached": lambda: Does(lambda x: x.detach() + 0 * x),
    "not finite": lambda: Does(torch.log),
    "broken": lambda: Does(lambda x: x.view(3, 5)),
}
"""By what they are called in the name of a test."""


class Built(nn.Module):
    """A convolution, some steps, and a linear layer on the mean, or on what is left of the grid."""

    def __init__(self, steps: list[nn.Module]) -> None:
        super().__init__()
        self.stem, self.steps, self.head = nn.Conv2d(3, C, 3), nn.Sequential(*steps), nn.Linear(C, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.steps(self.stem(x)).mean((2, 3)))


def random_network(seed: int) -> tuple[str, nn.Module]:
    """A network of two to five steps, and their names."""
    chance = Random(seed)
    torch.manual_seed(seed)
    names = [chance.choice(list(KINDS)) for _ in range(chance.randint(2, 5))]
    return ", ".join(names), Built([KINDS[name]() for name in names])
