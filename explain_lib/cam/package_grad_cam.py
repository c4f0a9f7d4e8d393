"""Grad-CAM and its relatives from the package grad-cam, on the same inputs as the manual one.

The package has side effects: evaluation mode stays on, the gradients of the parameters are overwritten, and a GradCAM object
keeps all later activations as long as it lives. All of that is undone here. The parameters are frozen, and the input requires
a gradient instead, which changes no map and admits networks with frozen parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explain_lib.base.errors import NETWORK_FAILURES, InputError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint, recorded, remembered
from explain_lib.cam.settings import VARIANTS, Variant
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import capture
from explain_lib.passes.outputs import Outputs, Read
from explain_lib.passes.running import FirstPart
from explain_lib.passes.sharing import undisturbed
from explain_lib.passes.targets import AnyTarget, Targets, explained_number, settled_target
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images


@recorded
@remembered()
def package_grad_cam(
    model: Model, pixels: Images, layers: str | Sequence[str], targets: Targets = None, *, variant: Variant = "grad-cam"
) -> NDArray[np.float32]:
    """The package's own heat maps, float32 (N, H, W) in [0, 1].

    Of volumes the sheets of its maps, which it enlarges by cubic splines (scipy.ndimage.zoom, the outermost cells at the
    outermost pixels); a signal it takes as a picture of one row.
    Several layers are merged by the package: each is scaled, enlarged and averaged, and the mean is scaled again. Arguments
    and errors are those of grad_cam, but layers must be named, and a module that is called more than once is refused, since the
    package cannot tell its calls apart. variant: grad-cam, hirescam, layercam or grad-cam++.
    """
    if variant not in VARIANTS:
        raise InputError(f"variant: {variant!r}; one of {', '.join(VARIANTS)} would be right")
    asked = addressable_layers(model, layers, "the package")
    if next(model.network.parameters(), None) is None:
        raise NetworkError("network: it has no parameters; the package grad-cam needs one, to see which device it is on")
    what = f"the package's map of {len(model.check_images(pixels))} pictures at {len(asked)} layers"
    with foreign_pass("the package grad-cam", what, model, asked, pixels, targets) as (batch, explained):
        return _run_package(model, asked, batch, explained, variant)


@contextmanager
def foreign_pass(
    program: str, what: str, model: Model, layers: tuple[LayerTrace, ...], pixels: Images, targets: Targets
) -> Iterator[tuple[Tensor, tuple[AnyTarget, ...] | None]]:
    """Let a program run the network: other threads are excluded from it, and side effects on it are undone.

    what: the result in words, for an error about memory. pixels: already checked. Gives the network's input, float32
    (N, C, H, W), which requires a gradient, and one target per image, None for the predicted classes. Raises what grad_cam
    raises, and NetworkError for an exception of the program.
    """
    explained = model.expand_targets(targets, len(pixels))
    model.check_network()
    batch = model.to_input(pixels)
    with model.lock:
        checkpoint()
        with undisturbed(model.network), _gradients_kept(model.network), torch.inference_mode(False), torch.enable_grad():
            asking = batch.requires_grad_().clone()  # not a leaf, since some networks write to their input
            try:
                with enough_memory(f"pixels: {what}"):
                    yield asking, explained
            except NETWORK_FAILURES as error:
                # if the network or a layer is the cause, the manual pass over the same input raises an error that says so
                capture(model.network, batch.detach(), layers, targets=explained, outputs=model.outputs)
                raise NetworkError(f"{program} failed on this network: {type(error).__name__}: {error}") from error


def addressable_layers(model: Model, layers: str | Sequence[str], program: str) -> tuple[LayerTrace, ...]:
    """The layers of these names, for a program that takes modules.

    Raises LayerError, naming the program, for a module that is called more than once, and as Model.find_layers does.
    """
    found = check_model(model).find_layers(layers)
    for layer in found:
        if layer.name != layer.module:
            raise LayerError(
                f"layers: {program} cannot tell the calls of {layer.module!r} apart; name a module that is called once"
            )
    return found


@contextmanager
def _gradients_kept(network: nn.Module) -> Iterator[None]:
    kept = [(parameter, parameter.grad) for parameter in network.parameters()]
    try:
        yield
    finally:
        for parameter, gradient in kept:
            parameter.grad = gradient


def _run_package(
    model: Model, layers: tuple[LayerTrace, ...], batch: Tensor, targets: tuple[AnyTarget, ...] | None, variant: Variant
) -> NDArray[np.float32]:
    import pytorch_grad_cam  # imports matplotlib and scikit-learn, which takes seconds

    methods = {
        "grad-cam": pytorch_grad_cam.GradCAM,
        "hirescam": pytorch_grad_cam.HiResCAM,
        "layercam": pytorch_grad_cam.LayerCAM,
        "grad-cam++": pytorch_grad_cam.GradCAMPlusPlus,
    }
    modules = dict(model.network.named_modules())
    asked: list[nn.Module] = [FirstPart(modules[layer.module]) if layer.in_tuple else modules[layer.module] for layer in layers]
    sheet = model.sheet
    of_volumes = sheet is not None and sheet.is_volume
    reshape = None if of_volumes else _reshape_for(layers)
    network = _ReadNetwork(model.network, model.outputs)
    cam = methods[variant](model=network, target_layers=asked, reshape_transform=reshape)
    try:
        listed = [None] * len(batch) if targets is None else targets
        given = sheet.opened(batch) if sheet is not None and of_volumes else batch
        maps = cam(input_tensor=given, targets=[_Explained(target) for target in listed])
    finally:
        cam.activations_and_grads.release()
    return np.asarray(maps, dtype=np.float32).reshape(len(maps), *model.input_size)


def _reshape_for(layers: tuple[LayerTrace, ...]) -> Callable[[Tensor], Tensor] | None:
    """The package's one reshape_transform for all layers, which tells them apart by shape; None where none needs it."""
    if all(layer.layout is None or layer.layout.is_plain for layer in layers):
        return None
    by_shape = {layer.shape: layer for layer in layers}
    unlike = next((layer for layer in layers if by_shape[layer.shape].layout != layer.layout), None)
    if unlike is not None:
        raise LayerError(
            f"layers: {unlike.name!r} and {by_shape[unlike.shape].name!r} give outputs of one shape over other axes, which the "
            "package cannot tell apart; one of them would be right"
        )
    return lambda output: by_shape[tuple(output.shape[1:])].turned(output)


class _ReadNetwork(nn.Module):
    """A network whose output is, for each picture, what is read of it, so that the package can explain any output."""

    def __init__(self, network: nn.Module, outputs: Outputs) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs

    def forward(self, batch: Tensor) -> list[tuple[Read, int]]:
        read = self.outputs.read(self.network(batch), len(batch))
        return [(read, image) for image in range(len(batch))]


@dataclass(frozen=True)
class _Explained:
    """A target in the form that the package takes. target: None for the predicted class."""

    target: AnyTarget | None

    def __call__(self, one: tuple[Read, int]) -> Tensor:
        read, image = one
        return explained_number(settled_target(read, image, self.target), read, image)
