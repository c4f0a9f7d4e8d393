"""Grad-CAM by two more programs, torch-cam and Captum's LayerGradCam, on the same inputs, if they are installed.

As in package.py, their side effects on the network are undone, the parameters are frozen, and the input requires a gradient.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from explain_lib.base.errors import InputError, LayerError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.package_grad_cam import addressable_layers, foreign_pass
from explain_lib.cam.postprocess import resize_maps
from explain_lib.networks.model import Model
from explain_lib.passes.outputs import Read
from explain_lib.passes.targets import AnyTarget, Targets, explained_number, settled
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images

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


@dataclass(frozen=True)
class _Request:
    """A request to a program: a batch float32 (N, C, H, W), and one target per image, None for the predicted classes."""

    model: Model
    layer: LayerTrace
    batch: Tensor
    targets: tuple[AnyTarget, ...] | None

    def read(self, batch: Tensor) -> Read:
        """What is read of the network's output."""
        return self.model.outputs.read(self.model.network(batch), len(batch))

    def numbers(self, read: Read) -> list[Tensor]:
        """The explained number of each picture."""
        explained = settled(read.detached(), self.targets)
        return [explained_number(target, read, image) for image, target in enumerate(explained)]


@recorded
@remembered()
def third_opinion(program: Opinion, model: Model, pixels: Images, layer: str, targets: Targets = None) -> Map:
    """The map of a program at one layer, float32 (N, H, W).

    torch-cam: the mask that its overlay colours, at least 0, and above 1 where bicubic resizing overshoots:
    torchcam.methods.GradCAM, normalised, then the steps of torchcam.utils.overlay_mask before colouring, Pillow's bicubic
    enlargement and the square. Captum: LayerGradCam.attribute and LayerAttribution.interpolate, without options, with sign
    and in the unit of the score.

    Arguments and errors are those of package_grad_cam, with a single layer; InputError also if the program is not installed
    in a supported version.
    """
    if not LIBRARIES[program].is_installed:
        raise InputError(f"program: {program} is not installed in a version that fits; {how_to_install(program)} brings it")
    found = addressable_layers(model, layer, program)
    if model.sheet is not None:
        raise InputError(f"program: {program} is asked about pictures only, and this network takes volumes or signals")
    if found[0].in_tuple or (found[0].layout is not None and not found[0].layout.is_plain):
        raise LayerError(f"layers: {layer!r} gives no (N, C, h, w) itself, and {program} takes nothing else; another layer")
    if len(found) > 1:
        raise LayerError(f"layers: {', '.join(one.name for one in found)}; one layer for {program} would be right")
    run = _run_torch_cam if program == "torch-cam" else _run_captum
    with foreign_pass(
        program, f"{program}'s map of {len(model.check_images(pixels))} pictures", model, found, pixels, targets
    ) as (batch, explained):
        maps = run(_Request(model, found[0], batch, explained))
    values = np.asarray(maps.detach().cpu().numpy(), dtype=np.float32)
    return np.asarray(resize_maps(values, model.input_size, "pil-bicubic") ** 2) if program == "torch-cam" else values


def _run_torch_cam(request: _Request) -> Tensor:
    """Its normalised maps, (N, h, w)."""
    from torchcam.methods import GradCAM

    with GradCAM(request.model.network, request.layer.module) as extractor:
        read = request.read(request.batch)
        (maps,) = extractor(scores=read.start, targets=[_given(number) for number in request.numbers(read)])
    return torch.as_tensor(maps)


def _given(number: Tensor) -> Callable[[Tensor], Tensor]:
    """A target as torch-cam takes it, of a number that is known already."""
    return lambda _: number


def _run_captum(request: _Request) -> Tensor:
    """Its attributions, enlarged: (N, H, W)."""
    from captum.attr import LayerAttribution, LayerGradCam

    def scores(batch: Tensor) -> Tensor:
        return torch.stack(request.numbers(request.read(batch)))

    method = LayerGradCam(scores, request.model.network.get_submodule(request.layer.module))
    attributions = method.attribute(request.batch)
    return torch.as_tensor(LayerAttribution.interpolate(attributions, request.model.input_size))[:, 0]
