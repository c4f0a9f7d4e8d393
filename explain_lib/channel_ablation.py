"""What really happens to the score when channels of a layer are set to zero.

A forward pass with the channels replaced by zero, beside one without; "ablation" as in Captum's LayerFeatureAblation. A
gradient holds for small changes only, so that what alpha_k promises of a channel and what the channel does can differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.capture import check_logits, run_without_channels
from explain_lib.completeness import find_own_layer
from explain_lib.frozen import Frozen
from explain_lib.model import Model, check_model
from explain_lib.pixels import as_batch, to_input
from explain_lib.targets import Target, expand_targets, explained_number, predicted_targets
from explain_lib.walkthrough import check_channels


@dataclass(frozen=True)
class ChannelAblation(Frozen):
    """A score with all channels of a layer, and with some of them set to zero.

    layer: its name. target: what was explained. channels: those that were set to zero, numbered from 0. logits,
    logits_without: float32 (classes,). score, score_without: what the target explains of them.
    """

    layer: str
    target: Target
    channels: tuple[int, ...]
    logits: NDArray[np.float32]
    logits_without: NDArray[np.float32]
    score: float
    score_without: float

    @property
    def effect(self) -> float:
        """What the channels really add to the score: with them less without them."""
        return self.score - self.score_without


def channel_ablation(
    model: Model,
    picture: NDArray[np.uint8],
    layer: str | None,
    channels: int | Sequence[int],
    target: int | Target | None = None,
    *,
    between: Callable[[], None] | None = None,
) -> ChannelAblation:
    """The score of one picture with all channels of a layer, and with these channels set to zero, all at once.

    picture: uint8 (H, W, 3) RGB, of the model's input size. layer: the name of a module whose output is (N, C, h, w); None
    for the last conv layer. channels: one or several, from 0. target: None for the class that is predicted with all channels,
    a class, or a Target. between: as in grad_cam.

    Raises InputError for another picture or channel, LayerError for a layer that does not exist, has no grid, or hands on
    what it was given (nn.Identity), TargetError for a class that does not exist, NetworkError for a network that cannot run.
    """
    held = find_own_layer(check_model(model), layer)
    count = held.shape[0]
    zeroed = check_channels([channels] if isinstance(channels, int | np.integer) else channels, count)
    pixels = as_batch(picture, model.input_size)
    targets = expand_targets(target, 1, model.classes)
    model.check_network()
    batch, classes = to_input(pixels, model.mean, model.std, model.device), len(model.classes)
    with model.lock:
        if between is not None:
            between()
        logits = model.run_input(batch.clone())
        without = check_logits(run_without_channels(model.network, batch, held, zeroed), 1, classes)
    (explained,) = predicted_targets(logits) if targets is None else targets
    return ChannelAblation(
        layer=held.name,
        target=explained,
        channels=tuple(zeroed),
        logits=logits[0].cpu().numpy(),
        logits_without=without[0].cpu().numpy(),
        score=float(explained_number(explained, logits[0].double())),
        score_without=float(explained_number(explained, without[0].double())),
    )
