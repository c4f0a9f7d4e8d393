"""Single deletion: how well a map foretells what the score loses when one patch of the picture alone is removed.

After IDSDS, in-domain single deletion (Hesse, Schaub-Meyer and Roth 2024, arXiv 2407.11910, section 3): the attribution is
summed in each patch of a grid, and the sums are correlated with the changes of the score, by Spearman's correlation over the
patches. IDSDS fine-tunes the network on pictures with holes first; here it is measured as it is, and the fills are those of
deletion. The score is the number that the map explains, a class's logit unless the target says otherwise: a probability near
1 hides what it loses.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.maps import Map
from explain_lib.base.run_context import checkpoint
from explain_lib.base.statistics import standard_ranks
from explain_lib.networks.model import Model
from explain_lib.passes.targets import AnyTarget, Target, precise_number
from explain_lib.trust.faithfulness import CHUNK_PIXELS, neighbour_equations, noise_of
from explain_lib.trust.fills import blur_fill, grey_fill
from explain_lib.trust.measures import FILLS, Fill

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import SuperLU

SIDE = 8
"""Patches along each axis, whatever the size of the picture: 4 x 4 pixels each of one of 32, 28 x 28 of one of 224."""
ASKED_PER_IMAGE = 1 + len(FILLS) * SIDE * SIDE
"""Pictures through the network for each image of at least 8 x 8 pixels, however many maps there are: the whole one, and one
for each patch and fill.
"""
Changes = NDArray[np.float64]
"""What the score loses without each patch: float64 (K, fills, p, q), in its own unit, above zero where it falls."""


@lru_cache(maxsize=8)
def patch_places(height: int, width: int) -> NDArray[np.int64]:
    """The patch of each pixel, numbered row by row, int64 (H, W): pixel y is of row floor(8 y / H)."""
    rows, columns = (np.arange(pixels) * _patches(pixels) // pixels for pixels in (height, width))
    return rows[:, None] * _patches(width) + columns


def _patches(pixels: int) -> int:
    """How many patches an axis of so many pixels has: eight, or one a pixel."""
    return min(SIDE, pixels)


def patch_sums(maps: Map) -> NDArray[np.float64]:
    """Maps (..., H, W) summed in each patch, float64 (..., p, q)."""
    tops, lefts = (-(-np.arange(_patches(pixels)) * pixels // _patches(pixels)) for pixels in maps.shape[-2:])
    # in float64 the sums of float32 values are exact, so that patches with the same values are tied
    return np.add.reduceat(np.add.reduceat(maps.astype(np.float64), tops, axis=-2), lefts, axis=-1)


def single_deletion(maps: Map, changes: Changes) -> NDArray[np.float64]:
    """Spearman's correlation, over the patches, of each map's sums with the changes of the score of its image.

    maps: (K, R, H, W). Gives float64 (K, R, fills), in [-1, 1], higher is better, about 0 for an order by chance; NaN for a
    map whose sums are all equal or not finite, and where no patch changes the score more than another.
    """
    sums = patch_sums(maps)
    images, rows, *grid = sums.shape
    own = standard_ranks(sums.reshape(-1, *grid)).reshape(images, rows, -1)
    others = standard_ranks(changes.reshape(-1, *grid)).reshape(images, changes.shape[1], -1)
    return np.asarray(own @ others.swapaxes(1, 2))


# Section: changes of the score


def patch_changes(
    model: Model,
    batch: Tensor,
    targets: Sequence[AnyTarget],
    images: NDArray[np.int64],
    *,
    fills: Sequence[Fill] = FILLS,
    pixels: int = CHUNK_PIXELS,
    told: Callable[[float], None] = lambda _: None,
) -> Changes:
    """What the score of each picture loses without each of its patches, with each fill: float64 (K, fills, p, q).

    batch: float32 (K, C, H, W), the network's input. targets: K of them; the score is what each stands for. images: int64
    (K,), positions in the set, which ROAD's noise belongs to. pixels: how many of them go through the network at once. told:
    called with the share that is done, in [0, 1].
    """
    height, width = batch.shape[2:]
    grid = _patches(height), _patches(width)
    places = torch.from_numpy(patch_places(height, width)).to(batch.device)
    numbers = torch.arange(grid[0] * grid[1], device=batch.device).view(-1, 1, 1, 1)
    filled = torch.stack([_filled(model, batch, images, fill) for fill in fills], dim=1)
    at_once, changes = max(1, pixels // (height * width)), np.empty((len(batch), len(fills), len(numbers)))
    for place, target in enumerate(targets):
        checkpoint()
        whole = _scores(model, batch[place : place + 1], target)[0]
        for fill in range(len(fills)):
            told((place * len(fills) + fill) / (len(batch) * len(fills)))
            parts = (
                _scores(model, torch.where(places == some, filled[place, fill], batch[place]), target)
                for some in numbers.split(at_once)
            )
            with np.errstate(invalid="ignore"):  # of scores that are not finite, the change is none
                changes[place, fill] = whole - np.concatenate(list(parts))
    return changes.reshape(len(batch), len(fills), *grid)


def _filled(model: Model, batch: Tensor, images: NDArray[np.int64], fill: Fill) -> Tensor:
    """What stands in the place of removed pixels, float32 (K, C, H, W)."""
    match fill:
        case "grey":
            return grey_fill(batch, model.mean, model.std)
        case "blur":
            return blur_fill(batch)
        case "noisy-linear":
            return _imputed_fill(batch, images)


def _scores(model: Model, pictures: Tensor, target: AnyTarget) -> NDArray[np.float64]:
    """The number that the target stands for, for each picture float32 (N, C, H, W): float64 (N,)."""
    read = model.read_input(pictures)
    if read.places is None and isinstance(target, Target) and target == Target(target.index):
        return np.asarray(read.scores[:, target.index].cpu().numpy(), np.float64)
    return np.array([precise_number(target, read, place) for place in range(len(pictures))])


# Section: imputation of each patch alone


def _imputed_fill(batch: Tensor, images: NDArray[np.int64]) -> Tensor:
    """ROAD's noisy linear imputation of every patch, each with all others known: float32 (K, C, H, W)."""
    pictures = batch.cpu().numpy()
    couplings, solver = _patch_equations(*pictures.shape[2:])
    known = pictures.reshape(-1, couplings.shape[0]).astype(np.float64).T
    filled = solver.solve(couplings @ known).T.reshape(pictures.shape).astype(np.float32)
    noise = np.stack([noise_of(image, pictures.shape[1:]) for image in images.tolist()])
    return torch.from_numpy(filled + noise).to(batch.device)


@lru_cache(maxsize=8)
def _patch_equations(height: int, width: int) -> "tuple[csr_matrix, SuperLU]":
    """The equations of impute_linearly for every patch alone, as one system: no patch depends on what another becomes.

    Gives the weights of neighbours in other patches, (H * W, H * W), and the solver of those within.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import splu  # a third of a second to import

    every, patches = neighbour_equations(height, width).tocoo(), patch_places(height, width).ravel()
    inside = patches[every.row] == patches[every.col]

    def some(chosen: NDArray[np.bool_]) -> csr_matrix:
        return csr_matrix((every.data[chosen], (every.row[chosen], every.col[chosen])), shape=every.shape)

    solver = splu(some(inside).tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return -some(~inside), solver
