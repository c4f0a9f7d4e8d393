"""Grad-CAM and its relatives from the package grad-cam, on the same inputs as the manual one.

The package has side effects: evaluation mode stays on, the gradients of the parameters are overwritten, and a GradCAM object
keeps all later activations as long as it lives. All of that is undone here. The parameters are frozen, and the input requires
a gradient instead, which changes no map and admits networks with frozen parameters.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explain_lib.base.errors import InputError, LayerError, NetworkError
from explain_lib.base.memory import enough_memory
from explain_lib.base.run_context import checkpoint, recorded, remembered
from explain_lib.cam.settings import VARIANTS, Variant
from explain_lib.networks.capture import NETWORK_FAILURES, LayerTrace, capture, check_logits
from explain_lib.networks.model import Model, check_model
from explain_lib.networks.sharing import undisturbed
from explain_lib.networks.targets import Target, Targets, expand_targets, explained_number
from explain_lib.pictures.pixels import Images


@recorded
@remembered()
def package_grad_cam(
    model: Model, pixels: Images, layers: str | Sequence[str], targets: Targets = None, *, variant: Variant = "grad-cam"
) -> NDArray[np.float32]:
    """The package's own heat maps, float32 (N, H, W) in [0, 1].

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
) -> Iterator[tuple[Tensor, tuple[Target, ...] | None]]:
    """Let a program run the network: other threads are excluded from it, and side effects on it are undone.

    what: the result in words, for an error about memory. pixels: already checked. Gives the network's input, float32
    (N, C, H, W), which requires a gradient, and one target per image, None for the predicted classes. Raises what grad_cam
    raises, and NetworkError for an exception of the program.
    """
    explained = expand_targets(targets, len(pixels), model.classes)
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
                capture(model.network, batch.detach(), layers, targets=explained, classes=len(model.classes))
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
    model: Model, layers: tuple[LayerTrace, ...], batch: Tensor, targets: tuple[Target, ...] | None, variant: Variant
) -> NDArray[np.float32]:
    import pytorch_grad_cam  # imports matplotlib and scikit-learn, which takes seconds

    methods = {
        "grad-cam": pytorch_grad_cam.GradCAM,
        "hirescam": pytorch_grad_cam.HiResCAM,
        "layercam": pytorch_grad_cam.LayerCAM,
        "grad-cam++": pytorch_grad_cam.GradCAMPlusPlus,
    }
    modules = dict(model.network.named_modules())
    cam = methods[variant](model=model.network, target_layers=[modules[layer.module] for layer in layers])
    try:
        scores = None if targets is None else [partial(explained_number, target) for target in targets]
        maps = cam(input_tensor=batch, targets=scores)
    finally:
        cam.activations_and_grads.release()
    check_logits(cam.outputs, len(batch), len(model.classes))
    return np.asarray(maps, dtype=np.float32)
