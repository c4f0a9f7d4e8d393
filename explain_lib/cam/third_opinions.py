"""Grad-CAM by two more programs, torch-cam and Captum's LayerGradCam, on the same inputs, if they are installed.

As in package.py, their side effects on the network are undone, the parameters are frozen, and the input requires a gradient.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError, LayerError, NetworkError
from explain_lib.base.maps import Map
from explain_lib.base.memory import enough_memory
from explain_lib.base.run import checkpoint, recorded, remembered
from explain_lib.cam.package import addressable_layers
from explain_lib.cam.postprocess import resize_maps
from explain_lib.networks.capture import NETWORK_FAILURES, LayerTrace, capture, check_logits
from explain_lib.networks.model import Model
from explain_lib.networks.sharing import undisturbed
from explain_lib.networks.targets import Target, Targets, expand_targets, explained_number, predicted_targets
from explain_lib.pictures.pixels import check_pixels, to_input

Opinion = Literal["torch-cam", "captum"]
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


@dataclass(frozen=True)
class _Library:
    """A library by its import name, and its supported versions, from `least` up to but without `end`."""

    module: str
    least: tuple[int, int]
    end: tuple[int, int]

    @property
    def requirement(self) -> str:
        """The requirement in the syntax of pip."""
        return f"{self.module}>={_dotted(self.least)},<{_dotted(self.end)}"

    @property
    def is_installed(self) -> bool:
        """Whether it is installed in a supported version."""
        if find_spec(self.module) is None:
            return False
        major, minor, *_ = version(self.module).split(".")
        return self.least <= (int(major), int(minor)) < self.end


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))


LIBRARIES: Mapping[str, _Library] = MappingProxyType(
    {"torch-cam": _Library("torchcam", (0, 5), (0, 6)), "captum": _Library("captum", (0, 8), (1, 0))}
)
"""The library of each program, which requirements.txt does not contain."""


def how_to_install(program: Opinion) -> str:
    """The shell command that installs a program."""
    return f"pip install '{LIBRARIES[program].requirement}'"


def check_installed(program: Opinion) -> None:
    """Raise InputError, with the command to install it, if a program is not installed in a supported version."""
    if not LIBRARIES[program].is_installed:
        raise InputError(f"program: {program} is not installed in a version that fits; {how_to_install(program)} brings it")


@recorded
@remembered()
def third_opinion(
    program: Opinion,
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    targets: Targets = None,
) -> Map:
    """torch_cam_map or captum_map, by the name of the program."""
    ask = torch_cam_map if program == "torch-cam" else captum_map
    return ask(model, pixels, layer, targets)


def torch_cam_map(
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    targets: Targets = None,
) -> Map:
    """The mask that torch-cam's overlay colours, float32 (N, H, W), at least 0, and above 1 where bicubic resizing overshoots.

    torchcam.methods.GradCAM, normalised, then the steps of torchcam.utils.overlay_mask before colouring: Pillow's bicubic
    enlargement and the square. Arguments and errors are those of package_grad_cam, with a single layer; InputError
    also if torch-cam is not installed.
    """
    grids = _ask("torch-cam", _run_torch_cam, model, pixels, layer, targets)
    return np.asarray(resize_maps(grids, model.input_size, "pil-bicubic") ** 2)


def captum_map(
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    targets: Targets = None,
) -> Map:
    """Captum's LayerGradCam.attribute and LayerAttribution.interpolate, without options: float32 (N, H, W), with sign.

    The unit is that of the score. Arguments and errors are those of package_grad_cam, with a single layer; InputError also
    if Captum is not installed.
    """
    return _ask("captum", _run_captum, model, pixels, layer, targets)


@dataclass(frozen=True)
class _Request:
    """A request to a program: a batch float32 (N, 3, H, W), and one target per image, None for the predicted classes."""

    model: Model
    layer: LayerTrace
    batch: Tensor
    targets: tuple[Target, ...] | None

    def logits(self, batch: Tensor) -> Tensor:
        """The network's output (N, classes)."""
        return check_logits(self.model.network(batch), len(batch), len(self.model.classes))

    def explained(self, logits: Tensor) -> tuple[Target, ...]:
        """The targets for these logits."""
        return predicted_targets(logits.detach()) if self.targets is None else self.targets


def _ask(
    program: Opinion,
    run: Callable[[_Request], Tensor],
    model: Model,
    pixels: NDArray[np.uint8],
    layer: str,
    targets: Targets,
) -> Map:
    """Check the arguments, and run the program while other threads are excluded from the network."""
    check_installed(program)
    found = addressable_layers(model, layer, program)
    if len(found) > 1:
        raise LayerError(f"layers: {', '.join(one.name for one in found)}; one layer for {program} would be right")
    check_pixels(pixels, model.input_size)
    explained = expand_targets(targets, len(pixels), model.classes)
    model.check_network()
    batch = to_input(pixels, model.mean, model.std, model.device)
    with model.lock:
        checkpoint()
        with undisturbed(model.network), torch.inference_mode(False), torch.enable_grad():
            asking = batch.clone().requires_grad_().clone()  # not a leaf, since some networks write to their input
            try:
                with enough_memory(f"pixels: {program}'s map of {len(batch)} pictures"):
                    maps = run(_Request(model, found[0], asking, explained))
            except NETWORK_FAILURES as error:
                # if the network or the layer is the cause, the manual pass over the same input raises an error that says so
                capture(model.network, batch, found, targets=explained, classes=len(model.classes))
                raise NetworkError(f"{program} failed on this network: {type(error).__name__}: {error}") from error
    return np.asarray(maps.detach().cpu().numpy(), dtype=np.float32)


def _run_torch_cam(request: _Request) -> Tensor:
    """Its normalised maps, (N, h, w)."""
    from torchcam.methods import GradCAM

    with GradCAM(request.model.network, request.layer.module) as extractor:
        logits = request.logits(request.batch)
        scores: list[Callable[[Tensor], Tensor]] = [partial(explained_number, one) for one in request.explained(logits)]
        (maps,) = extractor(scores=logits, targets=scores)
    return torch.as_tensor(maps)


def _run_captum(request: _Request) -> Tensor:
    """Its attributions, enlarged: (N, H, W)."""
    from captum.attr import LayerAttribution, LayerGradCam

    def scores(batch: Tensor) -> Tensor:
        logits = request.logits(batch)
        pairs = zip(request.explained(logits), logits, strict=True)
        return torch.stack([explained_number(target, own) for target, own in pairs])

    method = LayerGradCam(scores, request.model.network.get_submodule(request.layer.module))
    attributions = method.attribute(request.batch)
    return torch.as_tensor(LayerAttribution.interpolate(attributions, request.model.input_size))[:, 0]
