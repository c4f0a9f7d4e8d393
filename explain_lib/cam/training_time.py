"""The course of a training: its checkpoints, and their maps of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import rank_correlations
from explain_lib.cam.grad_cam import grad_cam
from explain_lib.loading.bundled import REGISTRY, list_models, load_card
from explain_lib.networks.cards import ModelCard
from explain_lib.networks.model import Model
from explain_lib.passes.targets import AnyTarget, Target
from explain_lib.pictures.pixels import Images


@dataclass(frozen=True)
class Moment:
    """A checkpoint of a training.

    epoch: how many epochs were over, 0 before the first. model: the name under which the network of that moment loads.
    accuracy: the fraction of the 10,000 CIFAR-10 test images that it gets right, from its card.
    """

    epoch: int
    model: str
    accuracy: float


def training_moments(name: str) -> tuple[Moment, ...]:
    """The moments of the training that ended in a bundled model, the earliest first, the model itself last.

    A checkpoint belongs to the training if its card has the same architecture, command and seed, and fewer epochs. A model
    whose card does not describe its training has one moment, or none if its epochs are unknown.

    Raises InputError for an unknown name, DataError for a damaged card.
    """
    end = load_card(name)
    cards = [end, *(card for card in map(load_card, REGISTRY) if _leads_to(card, end))]
    moments = [Moment(card.epochs, card.name, card.accuracy) for card in cards if card.epochs is not None]
    return tuple(sorted(moments, key=lambda moment: moment.epoch))


def _leads_to(card: ModelCard, end: ModelCard) -> bool:
    """Whether a card belongs to an earlier moment of the training that ended in the other."""
    if end.command is None or card.epochs is None or end.epochs is None or card.epochs >= end.epochs:
        return False
    return (card.architecture, card.command, card.seed) == (end.architecture, end.command, end.seed)


def watched_trainings() -> tuple[str, ...]:
    """The names of the listed models whose training has more than one moment. Raises DataError for a damaged card."""
    return tuple(name for name in list_models() if len(training_moments(name)) > 1)


@dataclass(frozen=True)
class MapsInTime(Frozen):
    """Grad-CAM of one picture at one layer, by the network of each of M moments.

    targets: the target of each map. logits: float32 (M, classes). signed: float32 (M, h, w), before the ReLU. map: float32
    (M, h, w), after it; not scaled.
    """

    targets: tuple[AnyTarget, ...]
    logits: NDArray[np.float32]
    signed: NDArray[np.float32]
    map: NDArray[np.float32]


def maps_in_time(models: Sequence[Model], pixels: Images, layer: str, targets: Sequence[int | Target | None]) -> MapsInTime:
    """The map of one picture at each moment, each by a pass of its own network.

    models: the network of each moment. pixels: uint8 (1, H, W, C), the one picture. layer: one that all networks have.
    targets: one per moment, None for the class that its network predicts.

    Raises InputError for no moment, for another number of targets than moments, and unless there is one picture; and the
    errors of grad_cam.
    """
    if not models or len(targets) != len(models):
        raise InputError(
            f"targets: {len(targets)} of them for {len(models)} moments; one a moment, at least one, would be right"
        )
    if len(pixels) != 1:
        raise InputError(f"pixels: {len(pixels)} pictures; one, as a batch of one, would be right")
    passes = [grad_cam(model, pixels, layer, target) for model, target in zip(models, targets, strict=True)]
    return MapsInTime(
        targets=tuple(cams.targets[0] for cams in passes),
        logits=np.concatenate([cams.logits for cams in passes]),
        signed=np.concatenate([cams[layer].signed for cams in passes]),
        map=np.concatenate([cams[layer].map for cams in passes]),
    )


def correlations_with_last(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Spearman correlation of each of M maps (M, h, w) with the last of them: float64 (M,) in [-1, 1].

    NaN where either map is constant or not finite. Raises InputError for anything but floating-point maps (M, h, w).
    """
    return rank_correlations(maps, np.broadcast_to(maps[-1:], maps.shape))
