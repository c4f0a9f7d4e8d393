"""The settings of a heat map, one field for each possible cause of a difference, and the presets."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from explain_lib.base.errors import InputError, LayerError
from explain_lib.base.words import list_names

Reduction = Literal["sum", "mean"]
Scope = Literal["image", "batch", "enlarged", "none"]
Resize = Literal["cv2-linear", "torch-bilinear", "torch-bicubic", "pil-bicubic", "nearest", "none"]
Variant = Literal["grad-cam", "hirescam", "layercam", "grad-cam++"]
Placement = Literal["stretched", "receptive-field"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

CHOICES: dict[str, tuple[str, ...]] = {
    "channel_reduction": get_args(Reduction),
    "scale_over": get_args(Scope),
    "placement": get_args(Placement),
    "resize": get_args(Resize),
    "variant": VARIANTS,
}
"""The values of each setting with a fixed choice."""


@dataclass(frozen=True)
class CamSettings:
    """How a heat map is made from activations and gradients; the steps happen in the order of the fields below.

    layers: names of modules; None for model.default_layer; several are merged by the mean at the end.
    variant: grad-cam (arXiv 1610.02391), hirescam (arXiv 2011.08891), layercam (IEEE TIP 2021, 10.1109/TIP.2021.3089943),
      grad-cam++ (arXiv 1710.11063).
    inplace_overwrites: where an in-place operation follows the layer, use its result, which a hook holds that does not copy
      the output.
    inplace_gradient: weigh by the gradient of that result instead of the layer's own output.
    channel_reduction: sum or mean over the weighted channels.
    relu: drop negative evidence.
    scale_over: divide by the largest magnitude in this image's map (its maximum after a ReLU), or in the maps that this
      image's weights give on all images of the batch, or in the enlarged map, or not at all.
    subtract_minimum: first subtract the minimum over the same maps; the maximum is then that of the difference.
    epsilon: added to every divisor, but the least divisor where scale_over is enlarged; 0 / 0 is 0.
    placement: where the cells lie when the map is resized: stretched over the picture, as every program does it, or in the
      middle of their receptive fields, where that can be told (cell_centres); beyond the outermost the nearest cell holds.
    resize: to the size of the picture; none leaves the grid. PyTorch's bicubic has a = -0.75, Pillow's has a = -0.5.
    rescale_after_merge: subtract the minimum of the merged map, then divide by the maximum.
    exponent: the power at the end; for a negative value, the power of its magnitude, with its sign unless the exponent is even.

    Raises InputError for a value that is not among these, LayerError for an empty list of layers.
    """

    layers: tuple[str, ...] | None = None
    variant: Variant = "grad-cam"
    inplace_overwrites: bool = False
    inplace_gradient: bool = False
    channel_reduction: Reduction = "sum"
    relu: bool = True
    scale_over: Scope = "image"
    subtract_minimum: bool = False
    epsilon: float = 0.0
    placement: Placement = "stretched"
    resize: Resize = "cv2-linear"
    rescale_after_merge: bool = False
    exponent: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _checked_layers(self.layers))
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(f"{name}: {getattr(self, name)!r}; one of {', '.join(choices)} would be right")
        for name in ("inplace_overwrites", "inplace_gradient", "relu", "subtract_minimum", "rescale_after_merge"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name}: {getattr(self, name)!r}; True or False would be right")
        if not _is_number(self.epsilon) or self.epsilon < 0:
            raise InputError(f"epsilon: {self.epsilon!r}; a finite number, 0 or more, would be right")
        if not _is_number(self.exponent) or self.exponent <= 0:
            raise InputError(f"exponent: {self.exponent!r}; a finite number above 0 would be right")

    def as_dict(self) -> dict[str, object]:
        """The fields by name, for JSON."""
        return asdict(self)


def _checked_layers(layers: object) -> tuple[str, ...] | None:
    if layers is None:
        return None
    listed = list_names(layers)
    if not listed:
        raise LayerError("layers: no layer is named; one name or several, or None for the default one, would be right")
    return listed


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_settings(settings: object) -> CamSettings:
    """The settings themselves. Raises InputError for anything else."""
    if not isinstance(settings, CamSettings):
        raise InputError(f"settings: a {type(settings).__name__}; CamSettings, or a preset such as PAPER, would be right")
    return settings


def differing(a: CamSettings, b: CamSettings) -> tuple[str, ...]:
    """The names of the settings in which a and b differ, in the order of their steps."""
    return tuple(field.name for field in fields(CamSettings) if getattr(a, field.name) != getattr(b, field.name))


PAPER = CamSettings(resize="torch-bilinear")
"""Equations 1 and 2 of arXiv 1610.02391 on the last conv layer, divided by the maximum and enlarged for display."""

NOTEBOOK_MANUAL = CamSettings(layers=("relu2",), channel_reduction="mean", scale_over="batch")
"""The study's manual Grad-CAM (jane-cz/GradCAM): an image's weights on its whole batch, divided by the maximum over it."""


def package_settings(layers: tuple[str, ...] | None, variant: Variant = "grad-cam") -> CamSettings:
    """The settings of the package grad-cam on the CPU, at these layers (None: model.default_layer); it fixes all others.

    Of volumes the package enlarges maps by cubic splines, which no setting does.
    """
    return CamSettings(
        layers=layers, variant=variant, subtract_minimum=True, epsilon=1e-7, rescale_after_merge=True, inplace_overwrites=True
    )


NOTEBOOK_PACKAGE = package_settings(("conv1", "relu1", "pool1", "conv2", "relu2"))
"""The study's call of the package grad-cam, which took the five modules of an nn.Sequential as five target layers."""


def torch_cam_settings(layers: tuple[str, ...] | None) -> CamSettings:
    """The settings of torch-cam 0.5 up to the colours of its overlay, at one layer (None: model.default_layer).

    Its hooks keep the output of a layer without copying it, and take the gradient of the overwritten tensor. A map is cut at
    zero, its minimum subtracted, and divided by its maximum + 1e-8; `overlay_mask` enlarges it with Pillow and squares it.
    Raises LayerError for several layers: torch-cam merges them by their maximum, not by their mean.
    """
    return CamSettings(
        layers=_single("torch-cam merges by the maximum", layers),
        inplace_overwrites=True,
        inplace_gradient=True,
        subtract_minimum=True,
        epsilon=1e-8,
        resize="pil-bicubic",
        exponent=2.0,
    )


def captum_settings(layers: tuple[str, ...] | None) -> CamSettings:
    """The settings of Captum's LayerGradCam and its `interpolate`, at one layer (None: model.default_layer).

    Both are called without options: nothing is cut or scaled, and cells are repeated. Raises LayerError for several layers.
    """
    return CamSettings(layers=_single("Captum merges none", layers), relu=False, scale_over="none", resize="nearest")


def ultralytics_settings(layers: tuple[str, ...] | None) -> CamSettings:
    """The settings of Ultralytics' LayerCAM before it rounds to 256 steps, at one layer (None: model.default_layer).

    A map is cut at zero, enlarged, and divided by the maximum of the enlarged map, at least 1e-7. Raises LayerError for several
    layers: Ultralytics merges them by their maximum, not by their mean.
    """
    return CamSettings(
        layers=_single("Ultralytics merges by the maximum", layers),
        variant="layercam",
        scale_over="enlarged",
        epsilon=1e-7,
        resize="torch-bilinear",
    )


def _single(why: str, layers: tuple[str, ...] | None) -> tuple[str, ...] | None:
    listed = _checked_layers(layers)
    if listed is not None and len(listed) > 1:
        raise LayerError(f"layers: {', '.join(listed)}; one layer would be right, since {why}")
    return listed
