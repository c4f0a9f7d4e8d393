"""Networks built by name and given weights: the bundled architectures, torchvision's, and factories of the caller's."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torch.nn import functional

from explain_lib.base.errors import DataError, InputError
from explain_lib.base.words import error_words
from explain_lib.loading.blueprint import Architecture, Channels
from explain_lib.loading.efficientnet_lite0 import NAME as LITE0
from explain_lib.loading.efficientnet_lite0 import lite0_architecture, published_lite0
from explain_lib.loading.hf_folders import PREFIX as FOLDER
from explain_lib.loading.hf_folders import folder_architecture
from explain_lib.loading.timm_networks import PREFIX as TIMM
from explain_lib.loading.timm_networks import published_by_timm, timm_architecture
from explain_lib.networks.model import Model
from explain_lib.pictures.dataset import CLASSES

TRAINING_ONLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "googlenet": ("aux1.", "aux2."),
        "inception_v3": ("AuxLogits.",),
        **{
            name: ("aux_classifier.",)
            for name in (
                "deeplabv3_mobilenet_v3_large",
                "deeplabv3_resnet50",
                "deeplabv3_resnet101",
                "fcn_resnet50",
                "fcn_resnet101",
            )
        },
    }
)
"""The prefixes, by network of torchvision, of weights that only training uses; they are left out."""

DETECTED = 320
"""The side of pictures for networks that detect, unless another is given. Most of them enlarge it to 800 themselves."""
SEGMENTED = 256
"""The side of pictures for networks that segment, unless another is given. They take any; those published saw 480 pixels."""

VIDEOS = ("mc3_18", "r2plus1d_18", "r3d_18", "s3d")
"""torchvision's networks of videos that convolve them, and so have layers with slices, rows and columns."""
FRAMES = 16
"""The slices of a volume for these, unless others are given: as many as torchvision's r3d_18 was trained with."""

_CIFAR_STATISTICS: Mapping[str, tuple[Channels, Channels]] = MappingProxyType(
    {
        "TutorialNet": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        "ResNet20": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
        "ViTTiny": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    }
)


def find_architecture(name: str) -> Architecture:
    """The architecture of that name: TutorialNet, ResNet20, ViTTiny, one of torchvision's, efficientnet-lite0, timm:NAME,
    hf:FOLDER, package.module:factory.

    A factory is a function of the caller's own, imported from the working directory and called without arguments.
    Raises InputError for an unknown name, or for a library that is not installed, DataError for a factory that cannot be
    imported or a folder that cannot be read.
    """
    if name in ARCHITECTURES:
        return _bundled(name)
    if name == LITE0:
        return lite0_architecture()
    if name.startswith(TIMM):
        return timm_architecture(name)
    if name.startswith(FOLDER):
        return folder_architecture(name)
    if ":" in name:
        return _made_by(name)
    if name in torchvision_names():
        return _torchvision(name)
    raise InputError(
        f"model: unknown architecture {name!r}; package.module:factory, {', '.join(ARCHITECTURES)}, a network of torchvision "
        f"that classifies, segments or detects, such as resnet18, {LITE0}, timm:NAME or hf:FOLDER would be right"
    )


def is_architecture(name: str) -> bool:
    """Whether a name has the form of an architecture's; one of another library, or of the caller's, need not be there."""
    return ":" in name or name in (*ARCHITECTURES, LITE0) or name in torchvision_names()


def publisher_of(name: str) -> str:
    """Who publishes weights for an architecture, where DEFAULT names them."""
    if name == LITE0:
        return "ML Illustrated"
    return "timm" if name.startswith(TIMM) else "torchvision"


def _bundled(name: str) -> Architecture:
    make = ARCHITECTURES[name]
    mean, std = _CIFAR_STATISTICS[name]
    usual = f"as for the bundled {name}"
    return Architecture(name, lambda _: make(), False, (32, 32), mean, std, usual, CLASSES)


# Section: torchvision


@lru_cache(maxsize=1)
def torchvision_names() -> tuple[str, ...]:
    """Names of torchvision's networks that classify pictures or videos, of those that segment, and of those that detect."""
    from torchvision import models

    return (*models.list_models(module=models), *_segmenting(), *_detecting(), *VIDEOS)


@lru_cache(maxsize=1)
def _segmenting() -> tuple[str, ...]:
    from torchvision import models

    return tuple(models.list_models(module=models.segmentation))


@lru_cache(maxsize=1)
def _detecting() -> tuple[str, ...]:
    from torchvision import models

    return tuple(models.list_models(module=models.detection))


def _torchvision(name: str) -> Architecture:
    from torchvision.models import get_model_weights

    weights = get_model_weights(name).DEFAULT
    if name in _detecting():
        return _detector(name, weights.meta["categories"])
    usual = weights.transforms()
    if name in VIDEOS:
        size: tuple[int, ...] = (FRAMES, *usual.crop_size)
    else:
        (side,) = (SEGMENTED,) if name in _segmenting() else usual.crop_size
        size = (side, side)
    mean, std, said = tuple(usual.mean), tuple(usual.std), f"as for torchvision's own weights of {name}"
    names = _names_of(weights.meta["categories"]) if name in _segmenting() else ()
    return Architecture(name, partial(_build_torchvision, name), True, size, mean, std, said, names)


def _detector(name: str, categories: Sequence[str]) -> Architecture:
    """A network that detects and that normalises pictures itself; the second stage has its scores in one layer."""
    head = "roi_heads.box_predictor.cls_score" if "rcnn" in name else ""
    said = f"as torchvision's {name} takes it, which normalises pictures itself"
    build, side = partial(_build_torchvision, name), DETECTED
    return Architecture(
        name, build, bool(head), (side, side), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), said, _names_of(categories), head
    )


def _names_of(categories: Sequence[str]) -> tuple[str, ...]:
    """The names of classes without the underscores around torchvision's background."""
    return tuple(one.strip("_") for one in categories)


def _build_torchvision(name: str, classes: int | None) -> nn.Module:
    from torchvision.models import get_model

    extra: dict[str, object] = {"aux_logits": False, "init_weights": False} if name in TRAINING_ONLY else {}
    if name in (*_segmenting(), *_detecting()):
        extra = {"weights_backbone": None}  # else its backbone's are downloaded
    network: nn.Module = get_model(name, weights=None, **({} if classes is None else {"num_classes": classes}), **extra)
    return network


def published_network(name: str) -> tuple[nn.Module, tuple[str, ...]]:
    """A network with published weights, downloaded once or from its package, and the names of its classes if known.

    Raises InputError for a network without published weights, DataError if they cannot be downloaded.
    """
    if name == LITE0:
        return published_lite0()
    if name.startswith(TIMM):
        return published_by_timm(name)
    if name not in torchvision_names():
        raise InputError(
            f"weights: DEFAULT names what torchvision publishes, and {name} is not one of its networks; a file would be right"
        )
    from torchvision.models import get_model, get_model_weights

    weights = get_model_weights(name).DEFAULT
    try:
        network: nn.Module = get_model(name, weights=weights, progress=False)
    except (OSError, RuntimeError) as error:  # no connection (a URLError is an OSError), no room, or an unexpected digest
        reason = error.reason if isinstance(error, URLError) else error
        raise DataError(
            f"weights: DEFAULT: torchvision's weights of {name} cannot be downloaded ({reason}); a connection to the internet, "
            "or a file with weights, would be right"
        ) from error
    return network, _names_of(weights.meta["categories"])


# Section: factories


def _made_by(name: str) -> Architecture:
    factory, usual = _import_factory(name), "as usual where nothing is known"
    return Architecture(
        name, lambda _: _network_of(_call(name, factory)), False, (224, 224), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), usual
    )


def _import_factory(name: str) -> Callable[[], object]:
    module_name, _, path = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise InputError(f"model: {name!r}; package.module:factory, such as my_networks.small:make, would be right")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: object = importlib.import_module(module_name)
    except Exception as error:  # the caller's code may raise anything
        raise DataError(
            f"model: {module_name} cannot be imported from {folder} ({error_words(error)}); a module that Python can import "
            "from there would be right"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(f"model: {module_name} has no {path}; the name of a function in it would be right")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"model: {name} is a {type(found).__name__}; a function that makes the network would be right")
    return found


def call_factory(name: str) -> nn.Module | Model:
    """What a factory, package.module:factory, makes: a network, or a Model of as_model with all that belongs to it.

    Raises InputError and DataError as find_architecture and the factory's own errors in a sentence.
    """
    return _call(name, _import_factory(name))


def _network_of(made: nn.Module | Model) -> nn.Module:
    return made.network if isinstance(made, Model) else made


def _call(name: str, factory: Callable[[], object]) -> nn.Module | Model:
    try:
        made = factory()
    except Exception as error:  # the caller's code may raise anything
        raise DataError(
            f"model: {name}() raises {error_words(error)}; a function that needs no argument and makes the network would be "
            "right"
        ) from error
    if not isinstance(made, nn.Module | Model):
        raise DataError(
            f"model: {name}() gives a {type(made).__name__}; a torch.nn.Module would be right, or what xl.as_model makes of one"
        )
    return made


# Section: the bundled architectures


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
    """Two 3 x 3 convolutions with batch normalisation and a shortcut; one nn.ReLU per use."""

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
            BasicBlock(channels_in, channels, stride), BasicBlock(channels, channels, 1), BasicBlock(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(torch.flatten(self.pool(x), 1))
        return logits


def vit_tiny() -> nn.Module:
    """A small vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929), of torchvision's parts.

    Input float32 (N, 3, 32, 32); output float32 (N, 10) logits. Two convolutions of stride 2 cut the picture into patches of 4
    pixels (Xiao et al. 2021, arXiv 2106.14881: a transformer that starts so learns faster): 8 x 8 tokens and one for the class,
    96 numbers each; 6 blocks of 3 heads; 481,930 parameters.
    """
    from torchvision.models import VisionTransformer  # takes a second to import, and the other networks do not need it
    from torchvision.models.vision_transformer import ConvStemConfig

    network: nn.Module = VisionTransformer(
        image_size=32, patch_size=4, num_layers=6, num_heads=3, hidden_dim=96, mlp_dim=192, num_classes=10,
        conv_stem_configs=[ConvStemConfig(channels, kernel_size=3, stride=2) for channels in (32, 64)],
    )  # fmt: skip
    return network


ARCHITECTURES: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {"TutorialNet": TutorialNet, "ResNet20": ResNet20, "ViTTiny": vit_tiny}
)
"""The architectures that the card of a checkpoint may name."""
