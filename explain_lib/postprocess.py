"""From activations and gradients to a heat map: weigh, reduce, shift, resize, scale, merge.

The same steps in the same order for every setting, so that two heat maps that differ in one setting differ for that
reason alone. Dividing comes after resizing, since a resized map divided is the divided map resized: so maps that differ
in their divisor alone are resized once.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import assert_never

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from explain_lib.capture import LayerCapture
from explain_lib.errors import InputError
from explain_lib.grad_cam import capture_layers, channel_weights
from explain_lib.maps import Map
from explain_lib.model import Model, check_model
from explain_lib.settings import CamSettings, Resize, Scope, Variant, check_settings
from explain_lib.targets import Targets


def position_weights(activation: Tensor, gradient: Tensor, variant: Variant) -> Tensor:
    """What each activation is multiplied by before the channels are reduced: (N, C, 1, 1) or (N, C, h, w)."""
    match variant:
        case "grad-cam":
            return channel_weights(gradient)[:, :, None, None]
        case "hirescam":
            return gradient
        case "layercam":
            return gradient.relu()
        case "grad-cam++":
            return _plus_plus_weights(activation, gradient)
        case _:
            assert_never(variant)


def _plus_plus_weights(activation: Tensor, gradient: Tensor) -> Tensor:
    """Equations 10 and 19 of arXiv 1710.11063, with 1e-6 added to the divisor as the package does."""
    square, cube = gradient**2, gradient**3
    divisor = 2 * square + activation.sum((2, 3), keepdim=True) * cube + 1e-6
    alpha = torch.where(gradient != 0, square / divisor, 0.0)
    return (alpha * gradient.relu()).sum((2, 3), keepdim=True)


def resize_maps(maps: Map, size: tuple[int, int], method: Resize) -> Map:
    """Maps float32 (N, h, w) enlarged to (N, H, W)."""
    height, width = size
    match method:
        case "none":
            return maps
        case "cv2-linear":
            return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])
        case "torch-bilinear":
            return _interpolate(maps, size, "bilinear")
        case "torch-bicubic":
            return _interpolate(maps, size, "bicubic")
        case "nearest":
            return functional.interpolate(torch.from_numpy(maps)[:, None], size, mode="nearest")[:, 0].numpy()
        case _:
            assert_never(method)


def _interpolate(maps: Map, size: tuple[int, int], mode: str) -> Map:
    return functional.interpolate(torch.from_numpy(maps)[:, None], size, mode=mode, align_corners=False)[:, 0].numpy()


def rescale(maps: Tensor, epsilon: float) -> Tensor:
    """Each map (N, H, W) less its minimum, by its maximum plus epsilon; 0 / 0 is 0."""
    shifted = maps - maps.amin((1, 2), keepdim=True)
    return _divided(shifted, shifted.amax((1, 2)) + epsilon)


def _divided(maps: Tensor, divisor: Tensor) -> Tensor:
    """Maps (N, H, W) by divisors (N,); 0 / 0 is 0."""
    by = torch.where(divisor == 0, torch.ones_like(divisor), divisor)  # where the divisor is 0, so is the map
    return maps / by[:, None, None]


class PostProcess:
    """What follows the pass through a network, under any settings; steps that settings have in common are done once.

    layers: what the pass left at every layer that will be asked for, N images. size: (H, W) of the picture. batch: how many
    images, one after the other, are a batch to scale_over="batch"; None for all. images: those of the N, K of them, whose
    maps are wanted; None for all.
    """

    def __init__(
        self,
        layers: Mapping[str, LayerCapture],
        size: tuple[int, int],
        *,
        batch: int | None = None,
        images: list[int] | None = None,
    ) -> None:
        self._layers = layers
        self._size = size
        self._batch = batch
        self._images = images
        self._done: dict[Hashable, Tensor] = {}

    def heatmaps(self, settings: CamSettings) -> Tensor:
        """Heat maps float32 (K, H, W), on the CPU. The settings name their layers.

        Raises InputError where layers with unlike grids are to be merged without resizing.
        """
        merged = self._merged(settings)
        if settings.rescale_after_merge:
            merged = rescale(merged, settings.epsilon)
        if settings.exponent != 1:
            merged = merged.sign() * merged.abs() ** settings.exponent
        return merged

    def effective(self, settings: CamSettings) -> CamSettings:
        """The settings without what changes nothing here: two that are equal afterwards give the same heat maps."""
        layers = settings.layers or ()
        if not any(self._is_overwritten(layer) for layer in layers):
            settings = replace(settings, inplace_overwrites=False)
        if settings.subtract_minimum and not any(self._low(layer, settings).any() for layer in layers):
            settings = replace(settings, subtract_minimum=False)
        return settings

    def _once(self, key: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        if key not in self._done:
            self._done[key] = compute()
        return self._done[key]

    def _merged(self, settings: CamSettings) -> Tensor:
        """The mean over the layers, each scaled and resized: (K, H, W)."""
        layers = settings.layers or ()
        resized = [self._resized(layer, settings) for layer in layers]
        _check_grids({tuple(maps.shape[1:]) for maps in resized})
        scaled = [_divided(maps, self._divisor(layer, settings)) for layer, maps in zip(layers, resized, strict=True)]
        total = scaled[0]
        for other in scaled[1:]:
            total = total + other
        return total / len(layers) if len(layers) > 1 else total

    def _divisor(self, layer: str, settings: CamSettings) -> Tensor:
        """What a layer's maps are divided by, (K,). A mean over channels is their sum divided by their number, here."""
        low, high = self._low(layer, settings), self._high(layer, settings)
        channels = self._layers[layer].activation.shape[1] if settings.channel_reduction == "mean" else 1
        if settings.scale_over == "none":
            return torch.full_like(low, channels)
        peak = high - low if settings.subtract_minimum else torch.maximum(-low, high)
        return peak + channels * settings.epsilon

    def _resized(self, layer: str, settings: CamSettings) -> Tensor:
        """Sums over channels, less their minimum if so set, at the size of the picture: (K, H, W)."""
        low = self._low(layer, settings)
        shifted = settings.subtract_minimum and bool(low.any())
        scope = _scope(settings) if shifted else None
        key = "resized", self._source(layer, settings), scope, settings.resize

        def compute() -> Tensor:
            maps = self._reduced(layer, settings)
            if shifted:
                maps = maps - low[:, None, None]
            resized = torch.from_numpy(resize_maps(maps.numpy(), self._size, settings.resize))
            flat = maps.amin((1, 2)) == maps.amax((1, 2))
            if flat.any():  # rounding in the interpolation must not make specks of a map that is the same everywhere
                resized[flat] = maps[flat, :1, :1]
            return resized

        return self._once(key, compute)

    def _reduced(self, layer: str, settings: CamSettings) -> Tensor:
        """The sum over channels, cut at zero if so set: (K, h, w)."""

        def compute() -> Tensor:
            weights, activation = self._weighed(layer, settings)
            own = slice(None) if self._images is None else self._images
            return _sum(weights[own], activation[own], settings).cpu()

        return self._once(("reduced", self._source(layer, settings)), compute)

    def _low(self, layer: str, settings: CamSettings) -> Tensor:
        """The least value, (K,), of what the settings scale over."""
        return self._range(layer, settings)[0]

    def _high(self, layer: str, settings: CamSettings) -> Tensor:
        """The largest value, (K,), of what the settings scale over."""
        return self._range(layer, settings)[1]

    def _range(self, layer: str, settings: CamSettings) -> Tensor:
        scope = _scope(settings)

        def compute() -> Tensor:
            if scope == "batch":
                return self._batch_range(layer, settings)
            return torch.stack(torch.aminmax(self._reduced(layer, settings).flatten(1), dim=1))

        return self._once(("range", self._source(layer, settings), scope), compute)

    def _batch_range(self, layer: str, settings: CamSettings) -> Tensor:
        """Minimum and maximum, (2, K), over the maps that each image's weights give on every image of its batch."""
        weights, activation = self._weighed(layer, settings)
        size = self._batch or len(activation)
        batches = activation.unflatten(0, (-1, size))
        places = weights.unflatten(0, (-1, size)).unbind(1)
        ranges = [torch.stack(torch.aminmax(_sum(own[:, None], batches, settings).flatten(1), dim=1)) for own in places]
        every = torch.stack(ranges, dim=2).flatten(1).cpu()
        return every if self._images is None else every[:, self._images]

    def _weighed(self, layer: str, settings: CamSettings) -> tuple[Tensor, Tensor]:
        """The weights of the activations, and the activations."""
        captured = self._layers[layer]
        activation = captured.seen_by_hooks if settings.inplace_overwrites else captured.activation
        key = "weights", self._source(layer, settings)
        return self._once(key, lambda: position_weights(activation, captured.gradient, settings.variant)), activation

    def _source(self, layer: str, settings: CamSettings) -> Hashable:
        """What the sum over channels depends on."""
        overwritten = settings.inplace_overwrites and self._is_overwritten(layer)
        return layer, overwritten, settings.variant, settings.relu

    def _is_overwritten(self, layer: str) -> bool:
        captured = self._layers[layer]
        compare: Callable[[], Tensor] = lambda: torch.tensor(
            captured.seen_by_hooks.data_ptr() != captured.activation.data_ptr()
            and not torch.equal(captured.seen_by_hooks, captured.activation)
        )
        return bool(self._once(("overwritten", layer), compare))


def _scope(settings: CamSettings) -> Scope:
    """What minimum and maximum are taken over; without scaling, a minimum that is subtracted is the image's own."""
    return "batch" if settings.scale_over == "batch" else "image"


def _sum(weights: Tensor, activation: Tensor, settings: CamSettings) -> Tensor:
    """Weighted activations (..., C, h, w) summed over the channels, cut at zero if so set."""
    summed = (weights * activation).sum(-3)
    return summed.relu() if settings.relu else summed


def _check_grids(sizes: set[tuple[int, ...]]) -> None:
    if len(sizes) > 1:
        listed = " and ".join(f"{height} x {width}" for height, width in sorted(sizes, reverse=True))
        raise InputError(f"resize: 'none' leaves grids of {listed}, which cannot be merged; another resize would be right")


def layer_names(model: Model, settings: CamSettings) -> tuple[str, ...]:
    """The layers that the settings mean for this model, None being its last conv layer."""
    return settings.layers if settings.layers is not None else (model.find_layers(None)[-1].name,)


def named_layers(model: Model, settings: CamSettings) -> CamSettings:
    """The settings with their layers named."""
    return replace(settings, layers=layer_names(model, settings))


def heatmap(
    model: Model,
    pixels: NDArray[np.uint8],
    settings: CamSettings,
    targets: Targets = None,
    *,
    between: Callable[[], None] | None = None,
) -> Map:
    """The manual implementation under the settings: float32 (N, H, W), or (N, h, w) without resizing.

    pixels: uint8 (N, H, W, 3) RGB, the whole batch for settings that look at it (scale_over="batch"). Arguments and errors
    are those of grad_cam; InputError also where several layers with unlike grids are to be merged without resizing.
    """
    named = named_layers(check_model(model), check_settings(settings))
    captured = capture_layers(model, pixels, named.layers, targets, between)
    return PostProcess(captured.layers, model.input_size).heatmaps(named).numpy()
