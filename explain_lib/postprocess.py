"""From activations and gradients to a heat map: weigh, reduce, scale, resize, merge.

The same steps in the same order for every setting, so that two heat maps that differ in one setting differ for that
reason alone.
"""

from collections.abc import Callable
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
from explain_lib.settings import CamSettings, Resize, Variant, check_settings
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


def _reduce(weights: Tensor, activation: Tensor, settings: CamSettings) -> Tensor:
    weighted = weights * activation
    reduced = weighted.sum(1) if settings.channel_reduction == "sum" else weighted.mean(1)
    return reduced.relu() if settings.relu else reduced


def _layer_maps(layer: LayerCapture, settings: CamSettings) -> Map:
    """Scaled maps of one layer on its own grid, float32 (N, h, w)."""
    activation = layer.seen_by_hooks if settings.inplace_overwrites else layer.activation
    weights = position_weights(activation, layer.gradient, settings.variant)
    maps = _reduce(weights, activation, settings)
    if settings.scale_over == "batch":
        low, high = _batch_range(weights, activation, settings)
    else:
        low, high = maps.amin((1, 2)), maps.amax((1, 2))
    return _scale(maps, low, high, settings).cpu().numpy()


def _batch_range(weights: Tensor, activation: Tensor, settings: CamSettings) -> tuple[Tensor, Tensor]:
    """Minimum and maximum, (N,) each, over the maps that image n's weights give on every image of the batch."""
    ranges = [torch.aminmax(_reduce(own, activation, settings)) for own in weights.split(1)]
    return torch.stack([low for low, _ in ranges]), torch.stack([high for _, high in ranges])


def _scale(maps: Tensor, low: Tensor, high: Tensor, settings: CamSettings) -> Tensor:
    if settings.subtract_minimum:
        maps, low, high = maps - low[:, None, None], torch.zeros_like(low), high - low
    if settings.scale_over == "none":
        return maps
    divisor = (torch.maximum(-low, high) + settings.epsilon)[:, None, None]
    return torch.where(divisor == 0, torch.zeros_like(maps), maps / divisor)


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


def merge(maps: list[Map], settings: CamSettings) -> Map:
    """The mean over layers, each float32 (N, H, W), rescaled and raised to the power as the settings say."""
    sizes = {one.shape[1:] for one in maps}
    if len(sizes) > 1:
        raise InputError(
            f"resize: 'none' leaves grids of {_listed(sizes)}, which cannot be merged; another resize would be right"
        )
    merged: Map = np.stack(maps).mean(axis=0, dtype=np.float32) if len(maps) > 1 else maps[0]
    if settings.rescale_after_merge:
        merged = _rescaled(merged, settings.epsilon)
    if settings.exponent != 1:
        merged = np.sign(merged) * np.abs(merged) ** np.float32(settings.exponent)
    return np.ascontiguousarray(merged, dtype=np.float32)


def _listed(sizes: set[tuple[int, ...]]) -> str:
    return " and ".join(f"{height} x {width}" for height, width in sorted(sizes, reverse=True))


def _rescaled(maps: Map, epsilon: float) -> Map:
    shifted = maps - maps.min((1, 2), keepdims=True)
    divisor = shifted.max((1, 2), keepdims=True) + np.float32(epsilon)
    scaled: Map = np.divide(shifted, divisor, out=np.zeros_like(shifted), where=divisor != 0)
    return scaled


def layer_names(model: Model, settings: CamSettings) -> tuple[str, ...]:
    """The layers that the settings mean for this model, None being its last conv layer."""
    return settings.layers if settings.layers is not None else (model.find_layers(None)[-1].name,)


def heatmaps_from(layers: dict[str, LayerCapture], size: tuple[int, int], settings: CamSettings) -> Map:
    """Heat maps float32 (N, H, W) from what was captured at the settings' layers."""
    return merge([resize_maps(_layer_maps(layer, settings), size, settings.resize) for layer in layers.values()], settings)


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
    captured = capture_layers(model, pixels, layer_names(check_model(model), check_settings(settings)), targets, between)
    return heatmaps_from(captured.layers, model.input_size, settings)
