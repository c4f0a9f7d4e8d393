"""Maps by three more programs on the same inputs, if installed: torch-cam, Captum's LayerGradCam, Ultralytics' LayerCAM.

As in package.py, their side effects on the network are undone, the parameters are frozen, and the input requires a gradient.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from types import MappingProxyType, SimpleNamespace
from typing import Literal, get_args

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explain_lib.base.errors import InputError, LayerError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.package_grad_cam import addressable_layers, foreign_pass
from explain_lib.cam.postprocess import resize_maps
from explain_lib.networks.model import Model
from explain_lib.passes.outputs import Read
from explain_lib.passes.running import run_hooked
from explain_lib.passes.targets import AnyTarget, Targets, explained_number, settled
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images

Opinion = Literal["torch-cam", "captum", "ultralytics"]
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


@dataclass(frozen=True)
class _Library:
    """A library by its import name, and its supported versions, from `least` up to but without `end`."""

    module: str
    least: tuple[int, ...]
    end: tuple[int, ...]
    options: str = ""
    """Options of pip that its installation needs here."""

    @property
    def requirement(self) -> str:
        """The requirement in the syntax of pip."""
        return f"{self.module}>={_dotted(self.least)},<{_dotted(self.end)}"

    @property
    def is_installed(self) -> bool:
        """Whether it is installed in a supported version."""
        if find_spec(self.module) is None:
            return False
        try:
            numbers = version(self.module).split(".")[: len(self.least)]
        except PackageNotFoundError:  # a copy under another name, of which nothing is known
            return False
        return self.least <= tuple(map(int, numbers)) < self.end


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


LIBRARIES: Mapping[str, _Library] = MappingProxyType(
    {
        "torch-cam": _Library("torchcam", (0, 5), (0, 6)),
        "captum": _Library("captum", (0, 8), (1, 0)),
        # 8.4.113 brought its LayerCAM. It asks for opencv-python, whose files would overwrite those of the headless build.
        "ultralytics": _Library("ultralytics", (8, 4, 113), (8, 5), "--no-deps "),
    }
)
"""The library of each program, which requirements.txt does not contain."""


def how_to_install(program: Opinion) -> str:
    """The shell command that installs a program."""
    library = LIBRARIES[program]
    return f"pip install {library.options}'{library.requirement}'"


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
    and in the unit of the score. Ultralytics: what class_activation_map paints over a picture, in [0, 1], before it rounds to
    256 steps, with the layer in the place of a detector's head inputs, and the target as its only prediction.

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
    run = {"torch-cam": _run_torch_cam, "captum": _run_captum, "ultralytics": _run_ultralytics}[program]
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


# Section: Ultralytics, whose LayerCAM writes pictures and returns no map


def _run_ultralytics(request: _Request) -> Tensor:
    """The maps that it is about to colour, (N, H, W)."""
    with _settings_kept():
        from ultralytics.utils.plotting import class_activation_map
    names = [str(image) for image in range(len(request.batch))]
    try:
        with _BeforeRounding():
            class_activation_map(_AsDetector(request), request.batch, names, Path(gettempdir()))
    except _RoundingError as reached:
        return reached.steps / 255
    raise RuntimeError("it rounds no map to 256 steps, as the releases known here do")


class _AsDetector:
    """A network as class_activation_map takes one: `model.model[-1]` is a head, which gets activations and gives scores."""

    def __init__(self, request: _Request) -> None:
        self._request, self._head = request, _Head()
        self.model = SimpleNamespace(model=[self._head])

    def __call__(self, batch: Tensor) -> Tensor:
        request, kept = self._request, []

        def keep(_: nn.Module, __: object, output: object) -> Tensor | None:
            if not isinstance(output, Tensor):
                return None
            kept.append(output)
            return output.clone()  # so that an in-place operation that follows leaves the layer as it is

        output = run_hooked(request.model.network, batch, {request.layer.module: keep})
        read = request.model.outputs.read(output, len(batch))
        scores = torch.stack(request.numbers(read))[:, None]
        return torch.as_tensor(self._head(kept[0], scores))


class _Head(nn.Module):
    """A head that is given its scores."""

    def forward(self, _: Tensor, scores: Tensor) -> Tensor:
        return scores


class _RoundingError(Exception):
    """Ends a call where a map is rounded. steps: the map times 255, before the rounding, float32 (N, H, W)."""

    def __init__(self, steps: Tensor) -> None:
        super().__init__()
        self.steps = steps


class _BeforeRounding(TorchFunctionMode):
    """Raises _RoundingError at the first conversion to bytes in this thread."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        if func is Tensor.byte and isinstance(args[0], Tensor):
            raise _RoundingError(args[0])
        return func(*args, **(kwargs or {}))


@contextmanager
def _settings_kept() -> Iterator[None]:
    """Undo what the import of Ultralytics does: variables, print options, OpenCV's threads, torch.save, Image.open."""
    if "ultralytics" in sys.modules:  # imported by its user already, who may have changed these since
        yield
        return
    variables, printed, threads = dict(os.environ), np.get_printoptions(), cv2.getNumThreads()
    save, opened = torch.save, Image.open
    try:
        yield
    finally:
        for name in os.environ.keys() - variables.keys():
            del os.environ[name]
        os.environ.update(variables)
        np.set_printoptions(**printed)
        torch.set_printoptions(profile="default")
        cv2.setNumThreads(threads)
        torch.save, Image.open = save, opened
