"""The causes of the difference of two heat maps: the share of each setting, as exact Shapley values.

The players are the settings in which a and b differ. H(S) is the heat map with the settings in S taken from b and the rest
from a. The cause map of a setting is its Shapley value of H, pixel by pixel; its share is that of v(S) = mean |H(S) - a|.
Only the steps after the pass through the network vary, so one forward and one backward pass are enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import factorial
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.maps import Map
from explain_lib.base.run_context import recorded, remembered
from explain_lib.cam.configuration import Configuration, configured_heatmap, is_installed, program_of
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, named_layers
from explain_lib.cam.settings import NOTEBOOK_MANUAL, NOTEBOOK_PACKAGE, CamSettings, check_settings, differing
from explain_lib.networks.model import Model, of_pictures
from explain_lib.passes.capture import Capture
from explain_lib.passes.targets import Targets
from explain_lib.pictures.pixels import Images, check_index


@dataclass(frozen=True)
class Decomposition(Frozen):
    """The difference b - a of two heat maps (H, W) of one image, and its causes.

    a, b: the heat maps, float32 (H, W). settings: those in which the two sides differ, in the order of their steps. shares:
    float64 (settings,), the part of the mean absolute difference that each causes; negative if it makes the maps more alike.
    maps: float64 (settings, H, W), the part of b - a that each causes; on the way from a to b maps can be a thousand times as
    large as both, and float32 would lose the sum. residual: the largest absolute difference between b and the map of the
    program itself that fixes these settings: the package grad-cam, torch-cam, Captum or Ultralytics; None if there is no
    such program, or if it is not installed.
    """

    a: Map
    b: Map
    settings: tuple[str, ...]
    shares: NDArray[np.float64]
    maps: NDArray[np.float64]
    residual: float | None

    @property
    def causes(self) -> Mapping[str, float]:
        """The share of each setting; they sum to the mean absolute difference."""
        return MappingProxyType(dict(zip(self.settings, self.shares.tolist(), strict=True)))

    @property
    def cause_maps(self) -> Mapping[str, NDArray[np.float64]]:
        """The cause map of each setting, float64 (H, W); they sum to b - a."""
        return MappingProxyType(dict(zip(self.settings, self.maps, strict=True)))

    @property
    def mae(self) -> float:
        """The mean absolute difference of the two maps."""
        return float(self.shares.sum())


@recorded
@remembered(parts=True)
def decompose(
    model: Model,
    pixels: Images,
    index: int,
    a: CamSettings = NOTEBOOK_MANUAL,
    b: CamSettings = NOTEBOOK_PACKAGE,
    targets: Targets = None,
) -> Decomposition:
    """The causes of the difference between the heat maps under a and b of image `index` of the batch `pixels`.

    pixels: uint8 (N, H, W, C), or a normalised tensor (N, C, H, W), the whole batch for settings that depend on it. Other
    arguments and errors are those of heatmap; InputError also for an index that is not in the batch, and for maps of different
    sizes or with values that are not finite.
    """
    sides = named_sides(model, a, b)
    check_index(index, len(model.check_images(pixels)))
    captured = capture_sides(model, pixels, sides, targets)
    process = PostProcess(model, captured.layers, images=[index])
    map_a, map_b = (process.heatmaps(side)[0] for side in sides)
    check_comparable(process, sides)
    if not (map_a.isfinite().all() and map_b.isfinite().all()):
        raise InputError("pixels: a heat map contains NaN or infinity, so there is no difference to decompose")
    shares, maps = _attribute(process, sides, map_a, map_b.shape)
    residual, program = None, _real_configuration(model, sides[1])
    if program is not None:
        said = captured.targets if targets is None else targets  # as on a page, so that a kept map is found
        theirs = configured_heatmap(model, pixels, program, said)[index]
        residual = float(np.abs(theirs - map_b.numpy()).max())
    return Decomposition(map_a.numpy(), map_b.numpy(), differing(*sides), shares, maps, residual)


@recorded
@remembered()
def decomposition_steps(
    model: Model,
    pixels: Images,
    index: int,
    order: Sequence[str],
    a: CamSettings = NOTEBOOK_MANUAL,
    b: CamSettings = NOTEBOOK_PACKAGE,
    targets: Targets = None,
) -> NDArray[np.float32]:
    """The heat map under a, then after taking each setting from b, in this order: float32 (len(order) + 1, H, W).

    order: settings in which a and b differ, each at most once. Other arguments and errors are those of decompose.
    """
    sides = named_sides(model, a, b)
    check_index(index, len(model.check_images(pixels)))
    players = differing(*sides)
    if len(set(order)) < len(order) or not set(order) <= set(players):
        raise InputError(f"order: {', '.join(order)}; each of {', '.join(players) or 'no setting'} at most once would be right")
    captured = capture_sides(model, pixels, sides, targets)
    process = PostProcess(model, captured.layers, images=[index])
    check_comparable(process, sides)
    on_the_way = [_hybrid(sides, order[:count]) for count in range(len(order) + 1)]
    return np.stack([process.heatmaps(settings)[0].numpy() for settings in on_the_way])


Sides = tuple[CamSettings, CamSettings]


def named_sides(model: Model, a: CamSettings, b: CamSettings) -> Sides:
    """Both sides with their layers named. Raises InputError for anything but settings."""
    of_pictures(model, "the causes of a difference are found")
    return named_layers(model, check_settings(a)), named_layers(model, check_settings(b))


def capture_sides(model: Model, pixels: Images, sides: Sides, targets: Targets) -> Capture:
    """The captures of one pass at the layers of both sides."""
    layers = dict.fromkeys(name for side in sides for name in side.layers or ())
    return capture_layers(model, pixels, tuple(layers), targets)


def check_comparable(process: PostProcess, sides: Sides) -> None:
    """Raise InputError if the heat maps between one side and the other differ in size."""
    layers, resizes = {side.layers for side in sides}, {side.resize for side in sides}
    every = [replace(sides[0], layers=names, resize=resize) for names in layers for resize in resizes]
    sizes = set(map(process.size_of, every))
    if len(sizes) > 1:
        found = " and ".join(f"{height} x {width}" for height, width in sorted(sizes, reverse=True))
        raise InputError(f"resize: the maps have {found} cells and cannot be subtracted; one resize for both would be right")


def shares_of(process: PostProcess, sides: Sides, map_a: Tensor) -> NDArray[np.float64]:
    """The shares of the settings for every image, float64 (settings, K). map_a: heat maps under a, (K, H, W)."""
    shares = np.zeros((len(differing(*sides)), len(map_a)))
    for column, hybrid in _hybrids(process, sides):
        shares += column[:, None] * _distance(hybrid, map_a).numpy()
    return shares


def _attribute(
    process: PostProcess, sides: Sides, map_a: Tensor, shape: torch.Size
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares and cause maps of a single image."""
    players = len(differing(*sides))
    shares, maps = np.zeros(players), torch.zeros(players, shape.numel(), dtype=torch.float64)
    for column, hybrid in _hybrids(process, sides):
        shares += column * float(_distance(hybrid, map_a[None]))
        maps.addr_(torch.from_numpy(column), hybrid.flatten().double())
    return shares, maps.view(players, *shape).numpy()


def _distance(maps: Tensor, others: Tensor) -> Tensor:
    """The mean absolute difference of each pair of maps (K, H, W): float32 (K,)."""
    return torch.sub(maps, others).abs_().mean((1, 2))


def _hybrids(process: PostProcess, sides: Sides) -> Iterator[tuple[NDArray[np.float64], Tensor]]:
    """The heat map of each coalition, (K, H, W), and its weight for every player, (settings,).

    Settings without an effect here are left out: their share is 0 by definition. The last steps change first, since heat maps
    that differ only in those share all others.
    """
    every = differing(*sides)
    players = [name for name in every if not process.is_idle(name, sides)]
    rows = [every.index(name) for name in players]
    last = len(players) - 1
    for coalition, counts in enumerate(shapley_matrix(len(players)).T):
        column = np.zeros(len(every))
        column[rows] = counts[::-1]
        members = [name for place, name in enumerate(players) if coalition >> (last - place) & 1]
        yield column, process.heatmaps(_hybrid(sides, members))


def _hybrid(sides: Sides, members: Sequence[str]) -> CamSettings:
    """Side a with the settings of `members` taken from side b."""
    values = {name: getattr(sides[1], name) for name in members}
    return replace(sides[0], **values)


def _real_configuration(model: Model, settings: CamSettings) -> Configuration | None:
    """The program that fixes these settings, None if none does, or if it is not installed or cannot tell the layers apart."""
    program, layers = program_of(settings), model.find_layers(settings.layers)
    if program == "manual" or not is_installed(program) or any(one.name != one.module for one in layers):
        return None
    return Configuration(program, settings)


# Section: Shapley values (Shapley 1953, "A Value for n-Person Games")

MOST_PLAYERS = 13


@lru_cache(maxsize=MOST_PLAYERS + 1)
def shapley_matrix(players: int) -> NDArray[np.float64]:
    """The matrix float64 (n, 2^n) that maps the values of all coalitions to the Shapley values of the players.

    Coalition k holds player i if bit i of k is set. Row i has |S|! (n - |S| - 1)! / n! at each coalition with i, and its
    negative at each one without i, where |S| counts the other players. Raises InputError for more than 13 players.
    """
    if not 0 <= players <= MOST_PLAYERS:
        raise InputError(f"players: {players}; 0 to {MOST_PLAYERS} would be right")
    coalitions = np.arange(2**players)
    members = coalitions[None, :] >> np.arange(players)[:, None] & 1
    others = members.sum(0) - members
    orders = factorial(players)
    shares = np.array([factorial(size) * factorial(players - size - 1) / orders for size in range(players)])
    return read_only(np.where(members, 1.0, -1.0) * shares[others]) if players else read_only(np.zeros((0, 1)))
