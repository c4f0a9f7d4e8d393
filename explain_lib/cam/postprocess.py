"""From activations and gradients to a heat map: weigh, reduce, shift, resize, scale, merge.

The steps and their order are the same for all settings, so that two heat maps under settings that differ in one field differ
for that reason alone. Division comes after resizing, which gives the same result: maps that differ only in their divisor are
resized once.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from itertools import product
from operator import attrgetter
from typing import assert_never

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from explain_lib.base.errors import InputError
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.grad_cam import capture_layers, channel_weights, positive_part
from explain_lib.cam.settings import CamSettings, Placement, Resize, Scope, Variant, check_settings
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import LayerCapture
from explain_lib.passes.targets import Targets
from explain_lib.pictures.pixels import Images
from explain_lib.receptive_fields.centres import CellCentres, locate_cells, nearest_looking

Values = NDArray[np.float32]


def position_weights(activation: Values, gradient: Values, variant: Variant) -> Values:
    """The factors of the activations before the channels are reduced: (N, C, 1, 1) or (N, C, h, w).

    In NumPy, and in the order of the package: where large terms cancel in a map, another order of the same sum is visible.
    """
    match variant:
        case "grad-cam":
            return np.asarray(gradient.mean((2, 3), keepdims=True))
        case "hirescam":
            return gradient
        case "layercam":
            return np.maximum(gradient, 0)
        case "grad-cam++":
            return _plus_plus_weights(activation, gradient)
        case _:
            assert_never(variant)


def _plus_plus_weights(activation: Values, gradient: Values) -> Values:
    """Equations 10 and 19 of arXiv 1710.11063, with 1e-6 added to the divisor as the package does."""
    alpha = np.where(gradient != 0, gradient**2 / plus_plus_divisors(activation, gradient), np.float32(0))
    return np.asarray((np.maximum(gradient, 0) * alpha).sum((2, 3), keepdims=True))


def plus_plus_divisors(activation: Values, gradient: Values) -> Values:
    """The divisors of Grad-CAM++'s alpha, (N, C, h, w), each of one gradient.

    In float32 like the package, which rounds where a divisor is near zero: in float64 the map would be another one than its.
    """
    square = gradient**2
    return np.asarray(2 * square + activation.sum((2, 3), keepdims=True) * (square * gradient) + np.float32(1e-6))


def seen_layer(captured: LayerCapture, settings: CamSettings) -> tuple[Tensor, Tensor]:
    """The activation and the gradient of a layer as the settings see them: before or after an in-place operation."""
    activation = captured.seen_by_hooks if settings.inplace_overwrites else captured.activation
    return activation.cpu(), (captured.seen_gradient if settings.inplace_gradient else captured.gradient).cpu()


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
        case "pil-bicubic":
            enlarged = [Image.fromarray(one).resize((width, height), Image.Resampling.BICUBIC) for one in maps]
            return np.stack([np.asarray(one) for one in enlarged])
        case "nearest":
            return functional.interpolate(torch.from_numpy(maps)[:, None], size, mode="nearest")[:, 0].numpy()
        case _:
            assert_never(method)


def place_maps(maps: Map, size: tuple[int, int], method: Resize, centres: CellCentres) -> Map:
    """Maps float32 (N, h, w) enlarged to (N, H, W) with each cell where it looks; beyond the outermost the nearest holds."""
    if method == "none":
        return maps
    pairs = zip((centres.rows, centres.columns), size, strict=True)
    down, across = (_interpolation(line.astype(np.float64), pixels, method) for line, pixels in pairs)
    return np.asarray(down @ maps.astype(np.float64) @ across.T, np.float32)


def _interpolation(line: NDArray[np.float64], pixels: int, method: Resize) -> NDArray[np.float64]:
    """The share of each cell along an axis in each pixel, (pixels, cells)."""
    cells, shares = len(line), np.zeros((pixels, len(line)))
    places = np.interp(np.arange(pixels), line, np.arange(cells))
    if method == "nearest":
        shares[np.arange(pixels), nearest_looking(line, np.arange(pixels, dtype=np.float64))] = 1
        return shares
    before = np.floor(places).astype(int)
    for tap in range(-1, 3):
        cell, weight = before + tap, _kernel(places - before - tap, method)
        inside = (cell >= 0) & (cell < cells)
        if method == "pil-bicubic":
            weight = np.where(inside, weight, 0)
        np.add.at(shares, (np.arange(pixels), cell.clip(0, cells - 1)), weight)
    return np.asarray(shares / shares.sum(1, keepdims=True))


def _kernel(distance: NDArray[np.float64], method: Resize) -> NDArray[np.float64]:
    """The weight of a cell at this distance, in cells: linear, or the cubic convolution of Keys 1981 with the program's a."""
    d = np.abs(distance)
    if method in ("cv2-linear", "torch-bilinear"):
        return np.asarray(np.maximum(1 - d, 0))
    a = -0.75 if method == "torch-bicubic" else -0.5
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((d - 5) * d + 8) * d * a - 4 * a
    return np.asarray(np.where(d <= 1, near, np.where(d < 2, far, 0)))


def _interpolate(maps: Map, size: tuple[int, int], mode: str) -> Map:
    return functional.interpolate(torch.from_numpy(maps)[:, None], size, mode=mode, align_corners=False)[:, 0].numpy()


def rescale(maps: Tensor, epsilon: float) -> Tensor:
    """Each map (N, H, W) minus its minimum, divided by its maximum plus epsilon; 0 / 0 is 0."""
    shifted = maps - maps.amin((1, 2), keepdim=True)
    return shifted / _not_zero(shifted.amax((1, 2), keepdim=True) + epsilon)


def _not_zero(divisor: Tensor) -> Tensor:
    """The divisor with 1 in place of 0: the dividend is 0 there too, and the quotient is to be 0."""
    return divisor.masked_fill(divisor == 0, 1.0)


class PostProcess:
    """The steps after the pass through a network, under any settings; steps that settings share are computed once.

    model: whose layers they are. layers: the captures of all layers that the settings name, of N images. batch: how many
    consecutive images form a batch for scale_over="batch"; None for all. images: the positions of the K images, of the N,
    whose maps are wanted; None for all. The settings must name their layers, L of them.
    """

    def __init__(
        self, model: Model, layers: Mapping[str, LayerCapture], *, batch: int | None = None, images: list[int] | None = None
    ) -> None:
        self._model = model
        self._layers = layers
        self._batch = batch
        self._images = images
        self._done: dict[Hashable, Tensor] = {}
        self._last: tuple[Hashable, Tensor] = None, torch.empty(0)

    def heatmaps(self, settings: CamSettings) -> Tensor:
        """Heat maps float32 (K, H, W), on the CPU.

        Raises InputError if layers with different grids are to be merged without resizing.
        """
        key = _until_merged(settings)
        if self._last[0] != key:  # only the last one is kept: there can be thousands
            self._last = key, self._merged(settings)
        maps = self._last[1]
        if settings.rescale_after_merge:
            maps = rescale(maps, settings.epsilon)
        if settings.exponent != 1:
            maps = _power(maps, settings.exponent)
        return maps

    def size_of(self, settings: CamSettings) -> tuple[int, int]:
        """(H, W) of the heat maps under the settings, which need not be computed for it. Raises InputError as heatmaps does."""
        if settings.resize != "none":
            return self._model.input_size
        grids = {self._layers[layer].activation.shape[2:] for layer in settings.layers or ()}
        _check_grids({tuple(grid) for grid in grids})
        height, width = grids.pop()
        return height, width

    def is_idle(self, name: str, sides: tuple[CamSettings, CamSettings]) -> bool:
        """Whether this setting has no effect here, whichever side the other settings come from.

        This is known for `inplace_overwrites` and `inplace_gradient` if no layer is overwritten, and for `subtract_minimum`
        if all minima are 0; False for all others.
        """
        layers = tuple(dict.fromkeys(layer for side in sides for layer in side.layers or ()))
        match name:
            case "inplace_overwrites" | "inplace_gradient":
                return not any(self._is_overwritten(layer) for layer in layers)
            case "subtract_minimum":
                varied = ("variant", "inplace_overwrites", "inplace_gradient", "relu", "scale_over", "resize")
                values = product(*({getattr(side, name) for side in sides} for name in varied))
                every = [replace(sides[0], layers=layers, **dict(zip(varied, mixed, strict=True))) for mixed in values]
                return not any(self._ranges(settings)[0].any() for settings in every)
            case _:
                return False

    def _once(self, key: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        if key not in self._done:
            self._done[key] = compute()
        return self._done[key]

    def _merged(self, settings: CamSettings) -> Tensor:
        """The mean over the layers, each resized and divided, (K, H, W)."""
        resized = self._resized_layers(settings)
        divisors = self._divisors(settings, resized)
        if len(resized) == 1:
            return resized[0] / divisors[:, :, None]
        key = (
            "stacked",
            *(self._shifted(layer, settings) for layer in settings.layers or ()),
            settings.resize,
            settings.placement,
        )
        stacked = self._once(key, lambda: torch.stack(resized, 1).flatten(2))
        return torch.bmm((1 / (divisors * len(resized)))[:, None], stacked).view_as(resized[0])

    def _divisors(self, settings: CamSettings, resized: list[Tensor]) -> Tensor:
        """The divisors of the maps of each layer, (K, L); a mean over channels is a sum divided by their number here.

        resized: the maps of each layer at the size of the picture, (K, H, W).
        """
        low, high = self._ranges(settings)
        channels = torch.ones(1)
        if settings.channel_reduction == "mean":
            channels = torch.tensor([float(self._layers[layer].activation.shape[1]) for layer in settings.layers or ()])
        if settings.scale_over == "none":
            return channels.expand_as(low)
        if settings.scale_over == "enlarged":
            enlarged = torch.stack([maps.abs().amax((1, 2)) for maps in resized], 1)
            return _not_zero(torch.maximum(enlarged, channels * settings.epsilon))
        peak = high - low if settings.subtract_minimum else torch.maximum(-low, high)
        return _not_zero(peak + channels * settings.epsilon)

    def _ranges(self, settings: CamSettings) -> Tensor:
        """The smallest and largest values, (2, K, L), of the maps that the settings scale over."""
        layers, scope = settings.layers or (), _scope(settings)
        key = "ranges", *(self._source(layer, settings) for layer in layers), scope
        return self._once(key, lambda: torch.stack([self._range(layer, settings) for layer in layers], 2))

    def _resized_layers(self, settings: CamSettings) -> list[Tensor]:
        """The maps of each layer at the size of the picture, (K, H, W)."""
        resized = [self._resized(layer, settings) for layer in settings.layers or ()]
        _check_grids({tuple(maps.shape[1:]) for maps in resized})
        sheets = len(resized) > 1 and settings.resize == "none" and self._model.sheet is not None
        if sheets and len({layer.slices for layer in self._model.find_layers(settings.layers)}) > 1:
            raise InputError("resize: 'none' leaves grids of several numbers of slices; another resize would be right")
        return resized

    def _resized(self, layer: str, settings: CamSettings) -> Tensor:
        """The sums over channels, minus their minimum if so set, at the size of the picture: (K, H, W)."""

        def compute() -> Tensor:
            maps = self._reduced(layer, settings)
            if settings.subtract_minimum:
                maps = maps - self._range(layer, settings)[0][:, None, None]
            return torch.from_numpy(enlarged_layer(self._model, layer, maps.numpy(), settings.placement, settings.resize))

        return self._once(("resized", self._shifted(layer, settings), settings.placement, settings.resize), compute)

    def _shifted(self, layer: str, settings: CamSettings) -> Hashable:
        """The key of the sum over channels minus its minimum, without the scope of the minimum if that is 0."""
        shifts = settings.subtract_minimum and bool(self._range(layer, settings)[0].any())
        return self._source(layer, settings), _scope(settings) if shifts else None

    def _range(self, layer: str, settings: CamSettings) -> Tensor:
        """The smallest and largest values, (2, K), of the maps of one layer that the settings scale over."""
        scope = _scope(settings)

        def compute() -> Tensor:
            if scope == "batch":
                return self._batch_range(layer, settings)
            return _extremes(self._reduced(layer, settings), (1, 2))

        return self._once(("range", self._source(layer, settings), scope), compute)

    def _batch_range(self, layer: str, settings: CamSettings) -> Tensor:
        """The same over the maps that the weights of each image give on all images of its batch."""
        weights, activation = self._weighed(layer, settings)
        size = self._batch or len(activation)
        batches = activation.reshape(-1, size, *activation.shape[1:])
        places = weights.reshape(-1, size, *weights.shape[1:]).swapaxes(0, 1)
        ranges = [_extremes(_sum(own[:, None], batches, settings), (1, 2, 3)) for own in places]
        every = torch.stack(ranges, dim=2).flatten(1)
        return every if self._images is None else every[:, self._images]

    def _reduced(self, layer: str, settings: CamSettings) -> Tensor:
        """The sum over channels, cut at zero if so set: (K, h, w)."""

        def compute() -> Tensor:
            weights, activation = self._weighed(layer, settings)
            own = slice(None) if self._images is None else self._images
            return _sum(weights[own], activation[own], settings)

        return self._once(("reduced", self._source(layer, settings)), compute)

    def _weighed(self, layer: str, settings: CamSettings) -> tuple[Tensor, Tensor]:
        """The weights of the activations of a layer, and the activations."""
        activation, gradient = seen_layer(self._layers[layer], settings)

        def compute() -> Tensor:
            if _in_numpy(settings) or settings.variant != "grad-cam":
                return torch.from_numpy(position_weights(activation.numpy(), gradient.numpy(), settings.variant))
            return channel_weights(gradient)[:, :, None, None]

        return self._once(("weights", self._source(layer, settings)), compute), activation

    def _source(self, layer: str, settings: CamSettings) -> Hashable:
        """The key of the sum over channels."""
        in_place = (settings.inplace_overwrites, settings.inplace_gradient) if self._is_overwritten(layer) else None
        return layer, in_place, settings.variant, settings.relu, _in_numpy(settings)

    def _is_overwritten(self, layer: str) -> bool:
        captured = self._layers[layer]

        def compare() -> Tensor:
            if captured.seen_by_hooks.data_ptr() == captured.activation.data_ptr():
                return torch.tensor(False)
            same = torch.equal(captured.seen_by_hooks, captured.activation)
            return torch.tensor(not (same and torch.equal(captured.seen_gradient, captured.gradient)))

        return bool(self._once(("overwritten", layer), compare))


_until_merged = attrgetter(
    "layers",
    "variant",
    "inplace_overwrites",
    "inplace_gradient",
    "channel_reduction",
    "relu",
    "scale_over",
    "subtract_minimum",
    "epsilon",
    "placement",
    "resize",
)
"""The settings that take effect before the layers are merged."""


def _scope(settings: CamSettings) -> Scope:
    """The scope of minimum and maximum; without scaling, the minimum is that of the image."""
    return "batch" if settings.scale_over == "batch" else "image"


def _in_numpy(settings: CamSettings) -> bool:
    """Whether NumPy computes the sums, as in the package, or PyTorch, as in torch-cam and Captum.

    Where large terms cancel in a map, another order of the same sum is visible. The resize decides, since the three programs
    differ in it.
    """
    return settings.resize in ("cv2-linear", "none")


def _sum(weights: Tensor, activation: Tensor, settings: CamSettings) -> Tensor:
    """The sum of weighted activations (..., C, h, w) over the channels, cut at zero if so set."""
    if _in_numpy(settings):
        summed = torch.from_numpy(_channel_by_channel(weights.numpy(), activation.numpy()))
    else:
        summed = (weights * activation).sum(-3)
    return positive_part(summed) if settings.relu else summed


def _channel_by_channel(weights: Values, activation: Values) -> Values:
    """NumPy's sum of all products over the channels, in its order, but without holding all products, which fit no cache."""
    (first, values), *others = zip(np.moveaxis(weights, -3, 0), np.moveaxis(activation, -3, 0), strict=True)
    total = first * values
    for weight, values in others:
        total += weight * values
    return np.asarray(total)


def _extremes(maps: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The smallest and largest values over the axes, stacked; several times as fast as aminmax."""
    return torch.stack([maps.amin(axes), maps.amax(axes)])


def _power(maps: Tensor, exponent: float) -> Tensor:
    """The power of each magnitude, with the sign of the value unless the exponent is even."""
    powers = maps.abs() ** exponent
    return powers if exponent % 2 == 0 else maps.sign() * powers


def _check_grids(sizes: set[tuple[int, ...]]) -> None:
    if len(sizes) > 1:
        listed = " and ".join(f"{height} x {width}" for height, width in sorted(sizes, reverse=True))
        raise InputError(f"resize: 'none' leaves grids of {listed}, which cannot be merged; another resize would be right")


def layer_names(model: Model, settings: CamSettings) -> tuple[str, ...]:
    """The names of the layers of the settings; that of the model's default layer for None."""
    return settings.layers if settings.layers is not None else (model.default_layer,)


def named_layers(model: Model, settings: CamSettings) -> CamSettings:
    """The settings with their layers named."""
    return replace(settings, layers=layer_names(model, settings))


@recorded
@remembered()
def heatmap(model: Model, pixels: Images, settings: CamSettings, targets: Targets = None) -> Map:
    """The manual implementation under the settings: float32 (N, H, W), or (N, h, w) without resizing.

    pixels: uint8 (N, H, W, C), or a normalised tensor (N, C, H, W), the whole batch for settings that depend on it
    (scale_over="batch"). Arguments and errors are those of grad_cam; InputError also if layers with different grids are to be
    merged without resizing.
    """
    named = named_layers(check_model(model), check_settings(settings))
    captured = capture_layers(model, pixels, named.layers, targets)
    return PostProcess(model, captured.layers).heatmaps(named).numpy()


def enlarged_layer(model: Model, layer: str, maps: Map, placement: Placement, resize: Resize = "torch-bilinear") -> Map:
    """Maps of a layer float32 (N, h, w) at the size of the picture, (N, H, W), its cells where the placement puts them.

    Where nobody can tell where cells look, the maps are stretched, whatever the placement. Those of a volume are enlarged over
    its slices, rows and columns; InputError for a resize that pictures alone have.
    """
    centres = None if placement == "stretched" else locate_cells(model, layer)
    size, sheet = model.input_size, model.sheet
    if sheet is not None and sheet.is_volume and resize != "none":
        (asked,) = model.find_layers(layer)
        enlarged = sheet.enlarged(maps, asked.slices, _volume_mode(resize))
    else:
        enlarged = resize_maps(maps, size, resize) if centres is None else place_maps(maps, size, resize, centres)
    flat = maps.min((1, 2)) == maps.max((1, 2))
    if flat.any():  # rounding in the interpolation must not make specks in a constant map
        enlarged = np.where(flat[:, None, None], maps[:, :1, :1], enlarged)
    return enlarged


def _volume_mode(resize: Resize) -> str:
    """How PyTorch enlarges a volume in the place of pictures."""
    if resize in ("torch-bicubic", "pil-bicubic"):
        raise InputError(f"resize: {resize!r} is for pictures; torch-bilinear, trilinear for a volume, would be right")
    return "nearest" if resize == "nearest" else "trilinear"


def enlarged_maps(process: PostProcess, layer: str) -> Map:
    """A layer's ReLU maps, not scaled, enlarged bilinearly (align_corners=False): float32 (N, H, W)."""
    settings = CamSettings(layers=(layer,), scale_over="none", resize="torch-bilinear")
    return process.heatmaps(settings).numpy()
