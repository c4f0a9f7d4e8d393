"""A model's network beside the library: its input, without in-place modules, and its maps by Captum and by the package."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch
from captum.attr import LayerGradCam
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from torch import Tensor, nn
from torchvision.transforms.functional import normalize, to_tensor

import explain_lib as xl

VARIANTS = {"grad-cam": GradCAM, "hirescam": HiResCAM, "layercam": LayerCAM, "grad-cam++": GradCAMPlusPlus}


def network_input(model: xl.Model, pixels: NDArray[np.uint8]) -> Tensor:
    """Pictures (N, H, W, 3) as torchvision prepares them, float32 (N, 3, H, W)."""
    return normalize(torch.stack([to_tensor(one.copy()) for one in pixels]), model.mean, model.std)


def without_in_place(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode, in which no module writes over its input."""
    copy = deepcopy(network).eval()
    for module in copy.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return copy


def in_place_off(model: xl.Model) -> xl.Model:
    """The model of such a copy."""
    network = without_in_place(model.network)
    return xl.as_model(network, classes=model.classes, input_size=model.input_size, mean=model.mean, std=model.std)


def captum_signed(model: xl.Model, pixels: NDArray[np.uint8], layer: str, target: int | list[int]) -> NDArray[np.float32]:
    """Captum's Grad-CAM before any ReLU, (N, h, w), on a copy of the network."""
    network = deepcopy(model.network).eval()
    explain = LayerGradCam(network, network.get_submodule(layer))
    return np.asarray(explain.attribute(network_input(model, pixels), target=target).detach()[:, 0])


def package_maps(
    model: xl.Model, pixels: NDArray[np.uint8], layers: Sequence[str], targets: object = None, variant: str = "grad-cam"
) -> NDArray[np.float32]:
    """The package called as its README says, on a copy of the network."""
    network = deepcopy(model.network).eval()
    with VARIANTS[variant](model=network, target_layers=[network.get_submodule(name) for name in layers]) as cam:
        return np.asarray(cam(input_tensor=network_input(model, pixels), targets=targets))
