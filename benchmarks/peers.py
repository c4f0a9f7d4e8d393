"""Other implementations of Grad-CAM, used as their own documentation says.

Each has its object made once and used again, on a copy of the network of its own, since their hooks stay on it. They take
the network's input as a tensor; it is made from the same uint8 pixels inside what is timed, as it is in ours.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from importlib.util import find_spec
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

import explain_lib
from explain_lib.pictures.pixels import to_input

Contestant = Callable[[], object]
Maker = Callable[[explain_lib.Model, NDArray[np.uint8], Sequence[str]], Contestant]

PACKAGE, TORCH_CAM = "package grad-cam", "torch-cam"


def package(model: explain_lib.Model, pixels: NDArray[np.uint8], layers: Sequence[str]) -> Contestant:
    """The package grad-cam: GradCAM(model=, target_layers=), then a call with the input; several layers are merged."""
    from pytorch_grad_cam import GradCAM

    network = own_copy(model)
    cam = GradCAM(model=network, target_layers=[network.get_submodule(name) for name in layers])
    return lambda: cam(input_tensor=tensor_of(model, pixels), targets=None)


def package_one_by_one(model: explain_lib.Model, pixels: NDArray[np.uint8], layers: Sequence[str]) -> Contestant:
    """The package grad-cam, which merges the layers that it is given together, called once for each."""
    calls = [package(model, pixels, [name]) for name in layers]
    return lambda: [call() for call in calls]


def torch_cam(model: explain_lib.Model, pixels: NDArray[np.uint8], layers: Sequence[str]) -> Contestant:
    """torch-cam: GradCAM(model, layers), a forward pass, then a call with the classes and the scores."""
    from torchcam.methods import GradCAM

    network = own_copy(model)
    extractor = GradCAM(network, list(layers))

    def explain() -> object:
        scores: Tensor = network(tensor_of(model, pixels))
        return extractor(scores.argmax(1).tolist(), scores)

    return explain


def own_copy(model: explain_lib.Model) -> nn.Module:
    """A copy of the network, in evaluation mode."""
    return deepcopy(model.network).eval()


def tensor_of(model: explain_lib.Model, pixels: NDArray[np.uint8]) -> Tensor:
    """The network's input, made as ours makes it."""
    return to_input(pixels, model.mean, model.std, model.device)


MODULES: Mapping[str, str] = MappingProxyType({PACKAGE: "pytorch_grad_cam", TORCH_CAM: "torchcam"})


def is_installed(name: str) -> bool:
    """Whether the peer of that name can be imported."""
    return find_spec(MODULES[name]) is not None


def why_missing(name: str) -> str:
    """The sentence for a peer that is not installed."""
    return f"{name} is not installed, so nothing is compared with it: pip install -r benchmarks/requirements.txt"
