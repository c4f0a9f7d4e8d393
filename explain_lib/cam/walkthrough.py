"""Grad-CAM of one picture at one layer with all intermediate numbers, and the effect of switching channels off.

Selvaraju et al. 2017 (arXiv 1610.02391), equations 1 and 2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.maps import Map
from explain_lib.base.run_context import checkpoint, recorded, remembered
from explain_lib.cam.completeness import find_own_layer
from explain_lib.cam.grad_cam import capture_layers, layer_cam, positive_part, weighted_sum
from explain_lib.networks.model import Model, check_model
from explain_lib.passes.capture import run_changed
from explain_lib.passes.outputs import check_finite
from explain_lib.passes.targets import AnyTarget, OneTarget, precise_number, settled
from explain_lib.pictures.pixels import Images

Channels = NDArray[np.float32]
"""A number for each cell of each channel, float32 (C, h, w)."""


@dataclass(frozen=True)
class Walkthrough(Frozen):
    """Grad-CAM at a layer with C channels, numbered from 0, on a grid of h x w; gradients in units of the score.

    layer: its name. target: the explained target. score: y, the explained number. activation: float32 (C, h, w),
    A_k. gradient: float32 (C, h, w), dy/dA_k. weights: float32 (C,), alpha_k, the mean of dy/dA_k over the grid (equation 1).
    signed: float32 (h, w), the sum over k of alpha_k A_k. map: float32 (h, w), its ReLU (equation 2); not scaled.
    """

    layer: str
    target: AnyTarget
    score: float
    activation: Channels
    gradient: Channels
    weights: NDArray[np.float32]
    signed: Map
    map: Map

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        return self.map.shape[0], self.map.shape[1]

    @property
    def contributions(self) -> Channels:
        """The term of each channel in the sum: alpha_k A_k, float32 (C, h, w)."""
        return self.weights[:, None, None] * self.activation

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The share of each channel in the map: its terms in the cells above zero, divided by the sum of the map; float64 (C,).

        The shares sum to 1; a channel that lowers the map has a negative share. All are 0 if the map is zero everywhere.
        """
        total = self.map.sum(dtype=np.float64)
        if not total > 0:
            return read_only(np.zeros(len(self.weights)))
        inside = (self.activation * (self.map > 0)).sum((1, 2), dtype=np.float64)
        return read_only(self.weights * inside / total)

    @property
    def leading(self) -> int:
        """The channel with the largest share of the map; the first of several."""
        return int(self.shares.argmax())

    @cached_property
    def promised(self) -> NDArray[np.float64]:
        """The contribution of each channel to the sum of the cells, alpha_k times the sum of A_k: float64 (C,).

        It is the loss of the score without the channel that alpha_k predicts.
        """
        return read_only(self.weights * self.activation.sum((1, 2), dtype=np.float64))

    @cached_property
    def promised_by_cell(self) -> NDArray[np.float64]:
        """The same prediction from the gradient of each cell in place of the mean: the sum of dy/dA_k * A_k, float64 (C,)."""
        return read_only((self.gradient.astype(np.float64) * self.activation).sum((1, 2)))

    def signed_without(self, channels: Iterable[int]) -> Map:
        """The sum over all channels but these, float32 (h, w); `signed` itself if there are none.

        Raises InputError for a channel that does not exist.
        """
        left_out = check_channels(channels, len(self.weights))
        return np.asarray(self._sum_without(left_out).numpy()) if left_out else self.signed

    def map_without(self, channels: Iterable[int]) -> Map:
        """ReLU of signed_without, float32 (h, w); `map` itself if there are none. Raises what signed_without raises."""
        left_out = check_channels(channels, len(self.weights))
        return np.asarray(positive_part(self._sum_without(left_out)).numpy()) if left_out else self.map

    def _sum_without(self, left_out: list[int]) -> torch.Tensor:
        weights, activation = torch.from_numpy(self.weights.copy()), torch.from_numpy(self.activation.copy())
        weights[left_out] = 0
        return weighted_sum(weights[None], activation[None])[0]


def check_channels(channels: Iterable[int], count: int) -> list[int]:
    """The channels, each once and in order. Raises InputError for anything but whole numbers from 0 to count - 1."""
    listed = list(channels)
    wrong = [one for one in listed if not isinstance(one, int | np.integer) or isinstance(one, bool) or not 0 <= one < count]
    if wrong:
        raise InputError(f"channels: {wrong[0]!r}; whole numbers from 0 to {count - 1} would be right")
    return sorted({int(one) for one in listed})


@recorded
@remembered()
def walkthrough(model: Model, picture: Images, layer: str | None = None, target: OneTarget | None = None) -> Walkthrough:
    """Grad-CAM of one picture at one layer, with all intermediate numbers; the map is that of grad_cam, bit for bit.

    picture: uint8 (H, W, C) of the model's input size, or a normalised tensor (C, H, W). layer: the name of a module whose
    output is (N, C, h, w); None for model.default_layer. target: None for the predicted class, a class, or a
    Target. Errors: as in grad_cam.
    """
    (found,) = check_model(model).find_layers(layer or model.default_layer)
    name = found.name
    captured = capture_layers(model, model.as_batch(picture), name, target)
    check_finite(captured.logits)
    held, explained = captured.layers[name], captured.targets[0]
    cam = layer_cam(held)
    return Walkthrough(
        layer=name,
        target=explained,
        score=precise_number(explained, captured.read, 0),
        activation=held.activation[0].cpu().numpy(),
        gradient=held.gradient[0].cpu().numpy(),
        weights=cam.weights[0],
        signed=cam.signed[0],
        map=cam.map[0],
    )


# Section: ablation of channels


@dataclass(frozen=True)
class ChannelAblation(Frozen):
    """A score with all channels of a layer, and with some of them set to zero.

    layer: its name. target: the explained target. channels: those set to zero, numbered from 0. logits, logits_without:
    float32 (classes,). score, score_without: the explained number from either.
    """

    layer: str
    target: AnyTarget
    channels: tuple[int, ...]
    logits: NDArray[np.float32]
    logits_without: NDArray[np.float32]
    score: float
    score_without: float

    @property
    def effect(self) -> float:
        """The actual effect of the channels on the score: with them minus without them."""
        return self.score - self.score_without


@recorded
@remembered()
def channel_ablation(
    model: Model, picture: Images, layer: str | None, channels: int | Sequence[int], target: OneTarget | None = None
) -> ChannelAblation:
    """The score of one picture with all channels of a layer, and with these channels set to zero, all at once.

    picture: uint8 (H, W, C) of the model's input size, or a normalised tensor (C, H, W). layer: the name of a module whose
    output is (N, C, h, w); None for model.default_layer. channels: one or several, from 0. target: None for the class that is
    predicted with all channels, a class, or a Target.

    Raises InputError for another picture or channel, LayerError for a layer that does not exist, has no grid, or returns its
    input unchanged (nn.Identity), TargetError for a class that does not exist, NetworkError for a network that cannot run.
    """
    held = find_own_layer(check_model(model), layer)
    count = held.channels
    zeroed = check_channels([channels] if isinstance(channels, int | np.integer) else channels, count)
    pixels = model.as_batch(picture)
    targets = model.expand_targets(target, 1)
    model.check_network()
    batch = model.to_input(pixels)

    def silence(output: torch.Tensor) -> torch.Tensor:
        silenced = output.clone()
        silenced[:, list(zeroed)] = 0
        return silenced

    with model.lock:
        checkpoint()
        read = model.read_input(batch.clone())
        check_finite(read.scores)
        without = model.outputs.read(run_changed(model.network, batch, held, silence), 1)
    (explained,) = settled(read, targets)
    return ChannelAblation(
        layer=held.name,
        target=explained,
        channels=tuple(zeroed),
        logits=read.scores[0].cpu().numpy(),
        logits_without=without.scores[0].cpu().numpy(),
        score=precise_number(explained, read, 0),
        score_without=precise_number(explained, without, 0),
    )
