"""Grad-CAM by hand (Selvaraju et al. 2017, arXiv 1610.02391)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import LayerError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import recorded, remembered
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import Capture, LayerCapture, capture, capture_each
from explain_lib.passes.targets import AnyTarget, Score, Target, Targets
from explain_lib.passes.tasks import is_by_place
from explain_lib.passes.tracing import LayerTrace
from explain_lib.pictures.pixels import Images
from explain_lib.regions.region import AnyRegion, Predicted


@dataclass(frozen=True)
class LayerCam(Frozen):
    """Grad-CAM at one layer with C channels on a grid of h x w.

    weights: float32 (N, C), alpha_k of equation 1: the gradient of the score by the activation A_k, averaged over the
    grid. signed: float32 (N, h, w), the sum over k of alpha_k A_k. map: float32 (N, h, w), its ReLU, equation 2; not scaled.
    """

    weights: NDArray[np.float32]
    signed: NDArray[np.float32]
    map: NDArray[np.float32]

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        return self.map.shape[1], self.map.shape[2]


Each = TypeVar("Each")


class ByLayer(Frozen, Generic[Each]):
    """Results by the names of their layers, in the requested order: cams["conv2"]."""

    names: tuple[str, ...]
    cams: tuple[Each, ...]

    def __getitem__(self, name: str) -> Each:
        if name not in self.names:
            raise LayerError(f"layers: {name!r} was not asked for; there are {', '.join(self.names)}")
        return self.cams[self.names.index(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class GradCams(ByLayer[LayerCam]):
    """Grad-CAM at several layers from one pass: cams["conv2"] is a LayerCam, `names` are the layers in the requested order.

    logits: float32 (N, classes). targets: the explained targets, one per image.
    """

    logits: NDArray[np.float32]
    targets: tuple[AnyTarget, ...]
    names: tuple[str, ...]
    cams: tuple[LayerCam, ...]


def channel_weights(gradient: Tensor) -> Tensor:
    """alpha_k of equation 1: float32 (N, C, h, w) averaged over the grid to (N, C)."""
    return gradient.mean((2, 3))


def weighted_sum(weights: Tensor, activation: Tensor) -> Tensor:
    """The sum over k of alpha_k A_k: (N, C) and (N, C, h, w) to (N, h, w)."""
    return torch.bmm(weights.unsqueeze(1), activation.flatten(2)).view(len(activation), *activation.shape[2:])


def positive_part(signed: Tensor) -> Tensor:
    """ReLU of equation 2: signed maps of any shape with 0 in place of the values below zero."""
    return signed.relu()


def layer_cam(layer: LayerCapture) -> LayerCam:
    """Grad-CAM from the activation and the gradient of one layer."""
    weights = channel_weights(layer.gradient)
    signed = weighted_sum(weights, layer.activation)
    return LayerCam(weights.cpu().numpy(), signed.cpu().numpy(), positive_part(signed).cpu().numpy())


def capture_layers(model: Model, pixels: Images, layers: str | Sequence[str] | None, targets: Targets) -> Capture:
    """Activations and gradients at the named layers, from one pass over checked input; see grad_cam for the arguments."""
    check_model(model).find_layers(layers)
    model.check_images(pixels)
    explained = model.expand_targets(targets, len(pixels))
    model.check_network()
    batch = model.to_input(pixels)
    return with_influence(
        model, layers, lambda asked: capture(model.network, batch, asked, targets=explained, outputs=model.outputs)
    )


Found = TypeVar("Found")


def with_influence(
    model: Model, layers: str | Sequence[str] | None, explain: Callable[[tuple[LayerTrace, ...]], Found]
) -> Found:
    """What `explain` makes of the layers; of all conv layers, for None, those that the scores depend on count."""
    asked = model.find_layers(layers)
    try:
        return explain(asked)
    except LayerError:
        idle = model.without_influence([layer.name for layer in asked]) if layers is None else ()
        rest = tuple(layer for layer in asked if layer.name not in idle)
        if not idle or not rest:
            raise
    return explain(rest)


@recorded
@remembered()
def grad_cam(model: Model, pixels: Images, layers: str | Sequence[str] | None = None, targets: Targets = None) -> GradCams:
    """Grad-CAM at all requested layers, from one forward and one backward pass over the batch.

    pixels: uint8 (N, H, W, C), RGB for three channels, of the model's input size; or a float tensor (N, C, H, W) on any device
    that is normalised already, as it comes from a DataLoader, and is used as it is. layers: names of modules whose output is
    (N, C, h, w); None for every conv layer. targets: None for the predicted class; a class, a Target, or a function from the
    output of one picture to a number, for all images; or one per image.

    Raises InputError for other pixels, LayerError for a layer that does not exist or cannot be explained, TargetError for a
    class that does not exist or targets of the wrong number, NetworkError for a network that cannot be run or explained.
    """
    captured = capture_layers(model, pixels, layers, targets)
    cams = tuple(map(layer_cam, captured.layers.values()))
    return GradCams(captured.logits.cpu().numpy(), captured.targets, tuple(captured.layers), cams)


# Section: every class of one picture


@dataclass(frozen=True)
class LayerClassMaps(Frozen):
    """The maps of every class at one layer. signed: float32 (classes, h, w), the sum over k of alpha_k A_k for each class."""

    signed: NDArray[np.float32]

    @property
    def map(self) -> NDArray[np.float32]:
        """The ReLU of signed: Grad-CAM of each class, float32 (classes, h, w); not scaled."""
        return np.maximum(self.signed, np.float32(0))

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        return self.signed.shape[1], self.signed.shape[2]


@dataclass(frozen=True)
class ClassMaps(ByLayer[LayerClassMaps]):
    """Grad-CAM of one picture for every class: maps["conv2"].signed[k] explains class k.

    logits: float32 (classes,). names: the layers in the requested order.
    """

    logits: NDArray[np.float32]
    names: tuple[str, ...]
    cams: tuple[LayerClassMaps, ...]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.logits)


FEW_NUMBERS = 10_000_000
"""Up to so many passed_numbers class_maps takes a moment: for ten classes of ResNet-20, 7.7 million, some 0.4 s."""


def passed_numbers(model: Model) -> int:
    """The cost of class_maps at all layers: the activations that its backward passes go through, once for each class."""
    return len(model.classes) * sum(prod(layer.shape) for layer in model.layers)


def is_quick(model: Model) -> bool:
    """Whether five passes, forward and back, take a moment; others are made behind the pages."""
    return 5 * passed_numbers(model) <= FEW_NUMBERS * len(model.classes)


@remembered()
def class_maps(
    model: Model, picture: Images, layers: str | Sequence[str] | None = None, score: Score = "logit", region: AnyRegion = None
) -> ClassMaps:
    """Grad-CAM of one picture for every class, from one forward pass and one backward pass a class: grad_cam, class by class.

    picture: uint8 (H, W, C) of the model's input size, or a normalised tensor (C, H, W). layers: as in grad_cam. score: "logit"
    or "probability". region: of a segmentation, the places of all classes; None for those of the class that covers most.

    No network is refused. Time grows with the number of classes, though it is well below that of as many calls of
    grad_cam; memory is that of one call, and the maps. Between two classes the run may end the work. Errors as in grad_cam.
    """
    check_model(model).find_layers(layers)
    batch = model.as_batch(picture)
    count, where = len(model.classes), (region or Predicted()) if is_by_place(model.task) else None
    targets = model.expand_targets([Target(index, score=score, region=where) for index in range(count)], count) or ()
    model.check_network()
    given = model.to_input(batch)

    def explain(asked: tuple[LayerTrace, ...]) -> ClassMaps:
        logits, found = capture_each(model.network, given, asked, targets, signed_map, outputs=model.outputs)
        maps = (LayerClassMaps(np.stack(of_layer)) for of_layer in zip(*found, strict=True))
        return ClassMaps(logits[0].cpu().numpy(), tuple(layer.name for layer in asked), tuple(maps))

    return with_influence(model, layers, explain)


def signed_map(layer: LayerCapture) -> NDArray[np.float32]:
    """The signed map of one image, float32 (h, w)."""
    signed: NDArray[np.float32] = weighted_sum(channel_weights(layer.gradient), layer.activation)[0].cpu().numpy()
    return signed
