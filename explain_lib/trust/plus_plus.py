"""Grad-CAM++ at a layer: whether its divisors are above zero, as its derivation needs.

Chattopadhyay et al. 2018 (arXiv 1710.11063) take activations as they are after a ReLU. Before one, a divisor of equation 19
can be near zero or below it: weights turn negative, and rounding decides some of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from explain_lib.base.errors import LayerError
from explain_lib.base.frozen import Frozen
from explain_lib.base.run_context import remembered
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import named_layers, plus_plus_divisors, position_weights, seen_layer
from explain_lib.cam.settings import CamSettings, check_settings
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import LayerCapture
from explain_lib.passes.targets import Targets
from explain_lib.pictures.pixels import Images

NEARBY = 6
"""How many later layers of the same shape are looked at for one without activations below zero."""


@dataclass(frozen=True)
class PlusPlusFacts(Frozen):
    """The divisors and the weights of Grad-CAM++ at one layer, counted over N images.

    layer: its name. divisors: how many there are of gradients above zero; the others are multiplied by 0 and do not count.
    not_positive: how many of these are 0 or below; it takes activations below zero. weights: one for each channel of each
    image. negative: how many of them are below zero. after: where some divisor is not positive, the next ReLU after the layer,
    or module that it is part of, without an activation below zero, so that all divisors are positive there; None if none is
    nearby.
    """

    layer: str
    divisors: int
    not_positive: int
    weights: int
    negative: int
    after: str | None = None

    @property
    def hold(self) -> bool:
        """Whether all divisors are positive."""
        return self.not_positive == 0

    @property
    def not_positive_share(self) -> float:
        """The share of the divisors that are 0 or below, in [0, 1]."""
        return self.not_positive / max(1, self.divisors)

    @property
    def negative_share(self) -> float:
        """The share of the weights below zero, in [0, 1]."""
        return self.negative / self.weights


@remembered()
def plus_plus_facts(model: Model, pixels: Images, settings: CamSettings, targets: Targets = None) -> tuple[PlusPlusFacts, ...]:
    """Divisors and weights of Grad-CAM++ at each layer of the settings, measured on pictures uint8 (N, H, W, C).

    Of the settings count the layers, and whether what an in-place operation left is taken for a layer's output, as the package
    does. Other arguments and errors are those of heatmap.
    """
    named = named_layers(check_model(model), check_settings(settings))
    captured = capture_layers(model, pixels, named.layers, targets)
    counted = [_counted(name, layer, named) for name, layer in captured.layers.items()]
    after = _layers_after(model, pixels, [one.layer for one in counted if not one.hold], targets)
    return tuple(replace(one, after=after.get(one.layer)) for one in counted)


def _counted(name: str, layer: LayerCapture, settings: CamSettings) -> PlusPlusFacts:
    """The facts of a layer but for `after`."""
    activation, gradient = (values.numpy() for values in seen_layer(layer, settings))
    with np.errstate(divide="ignore", invalid="ignore"):  # a divisor can be 0
        weights = position_weights(activation, gradient, "grad-cam++")
    counting = gradient > 0
    not_positive = counting & (plus_plus_divisors(activation, gradient) <= 0)
    return PlusPlusFacts(name, int(counting.sum()), int(not_positive.sum()), weights.size, int((weights < 0).sum()))


def _layers_after(model: Model, pixels: Images, layers: Sequence[str], targets: Targets) -> Mapping[str, str]:
    """For each of these layers `after` of its PlusPlusFacts, where there is one; from one pass for all."""
    near = {name: _nearby(model, name) for name in layers}
    asked = tuple(dict.fromkeys(name for names in near.values() for name in names))
    if not asked:
        return {}
    try:
        captured = capture_layers(model, pixels, asked, targets)
    except LayerError:  # one of them does not influence the output, and has no map
        return {}
    right = {name for name in asked if bool((captured.layers[name].activation >= 0).all())}
    found = {layer: next((name for name in names if name in right), None) for layer, names in near.items()}
    return {layer: name for layer, name in found.items() if name is not None}


def _nearby(model: Model, layer: str) -> list[str]:
    """The next ReLUs after a layer, and modules that it is part of, with its shape: other modules can be of another branch."""
    (asked,) = model.find_layers(layer)
    later = [one for one in model.layers[model.layers.index(asked) + 1 :] if one.shape == asked.shape and not one.handed_on]
    modules = [(one.name, one.module, model.network.get_submodule(one.module)) for one in later[:NEARBY]]
    return [
        name
        for name, module, itself in modules
        if isinstance(itself, nn.ReLU | nn.ReLU6) or asked.module.startswith(f"{module}.")
    ]
