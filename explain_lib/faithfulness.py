"""How much of a prediction hangs on the pixels that a map calls important: deletion, insertion and ROAD.

Deletion and insertion are those of RISE (Petsiuk et al. 2018, arXiv 1806.07421), ROAD is that of Rong et al. 2022 (arXiv
2202.00449). Pixels are taken away, or shown, in the order of the map, highest first; the number is the mean, over the steps,
of the probability of the explained class.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.frozen import Frozen
from explain_lib.imputation import blur_fill, grey_fill, impute_linearly, noise_of
from explain_lib.model import Model
from explain_lib.pixel_orders import Orders

STEPS = 16
"""Deletion and insertion take so many steps from no pixel to all: 17 points."""
ROAD_STEPS = tuple(range(2, STEPS, 2))
"""Of them, those at which pixels are imputed: an eighth of the pixels to seven eighths."""
CHUNK_PIXELS = 2**16
"""Pixels that go through a network at once: 64 pictures of 32 x 32, one of 224 x 224."""

Between = Callable[[], None] | None


@dataclass(frozen=True)
class RemovalCurves(Frozen):
    """The probability of the explained class while pixels are removed, for K images and R orders of their pixels.

    deletion, insertion: float32 (K, R, 2, 17), with fills grey and blur, at k/16 of the pixels removed and shown, k = 0 to 16.
    morf, lerf: float32 (K, R, 7), with 1/8 to 7/8 of the pixels imputed, those first in order and those last.
    """

    deletion: NDArray[np.float32]
    insertion: NDArray[np.float32]
    morf: NDArray[np.float32]
    lerf: NDArray[np.float32]

    @property
    def mean_deletion(self) -> NDArray[np.float64]:
        """Lower is better; float64 (K, R, fills), the last of which is ROAD's, most relevant first."""
        return _means(self.deletion, self.morf)

    @property
    def mean_insertion(self) -> NDArray[np.float64]:
        """Higher is better; float64 (K, R, fills), the last of which is ROAD's, least relevant first."""
        return _means(self.insertion, self.lerf)


def _means(plain: NDArray[np.float32], imputed: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([plain.mean(3, dtype=np.float64), imputed.mean(2, dtype=np.float64)[:, :, None]], axis=2)


def removal_curves(
    model: Model,
    batch: Tensor,
    ranks: Orders,
    classes: NDArray[np.int64],
    images: NDArray[np.int64],
    *,
    between: Between = None,
) -> RemovalCurves:
    """Remove pixels in every order, with every fill, and ask the network each time.

    batch: float32 (K, 3, H, W), the network's input. ranks: int64 (K, R, H * W), see pixel_ranks. classes: int64 (K,), those
    whose probability counts. images: int64 (K,), positions in the set, which ROAD's noise belongs to. between: called before
    each pass through the network, while its lock is held; what it raises ends the work.
    """
    asker = _Asker(model, batch, ranks, classes, between)
    fills = (grey_fill(batch, model.mean, model.std), blur_fill(batch))
    deletion = np.stack([asker.curve(fill, batch) for fill in fills], axis=2)
    insertion = np.stack([asker.curve(batch, fill) for fill in fills], axis=2)
    morf = np.stack([asker.imputed(images, lambda rank, cut: rank < cut, step) for step in ROAD_STEPS], axis=2)
    lerf = np.stack([asker.imputed(images, lambda rank, cut: rank >= rank.size - cut, step) for step in ROAD_STEPS], axis=2)
    return RemovalCurves(deletion, insertion, morf, lerf)


@dataclass(frozen=True)
class _Asker:
    """A batch of K pictures in R orders, and the network that is asked."""

    model: Model
    batch: Tensor
    ranks: Orders
    classes: NDArray[np.int64]
    between: Between

    def curve(self, first: Tensor, rest: Tensor) -> NDArray[np.float32]:
        """Probabilities (K, R, 17) as more and more pixels, by their order, come from `first`, and the others from `rest`."""
        images, orders = self.ranks.shape[:2]
        ends = [np.repeat(self._ask(end, 1), orders, axis=1) for end in (rest, first)]
        height, width = self.batch.shape[2:]
        ranks = torch.from_numpy(self.ranks).to(self.batch.device).view(images, orders, 1, height, width)
        steps = []
        for step in range(1, STEPS):
            mixed = torch.where(ranks < self._cut(step), first[:, None], rest[:, None])
            steps.append(self._ask(mixed.flatten(0, 1), orders))
        return np.stack([ends[0], *steps, ends[1]], axis=2)

    def imputed(
        self, images: NDArray[np.int64], missing: Callable[[Orders, int], NDArray[np.bool_]], step: int
    ) -> NDArray[np.float32]:
        """Probabilities (K, R) with k/16 of the pixels imputed: those that `missing` names, by order and number."""
        orders = self.ranks.shape[1]
        height, width = self.batch.shape[2:]
        pictures, cut = self.batch.cpu().numpy(), self._cut(step)
        filled = np.empty((len(images), orders, *pictures.shape[1:]), np.float32)
        for row, image in enumerate(images.tolist()):
            noise = noise_of(image, pictures.shape[1:])
            for column in range(orders):
                holes = missing(self.ranks[row, column], cut).reshape(height, width)
                filled[row, column] = impute_linearly(pictures[row], holes) + noise * holes
            if self.between is not None:
                self.between()
        return self._ask(torch.from_numpy(filled).flatten(0, 1).to(self.batch.device), orders)

    def _cut(self, step: int) -> int:
        """How many pixels k/16 of them are."""
        return round(step * int(self.ranks.shape[2]) / STEPS)

    def _ask(self, pictures: Tensor, orders: int) -> NDArray[np.float32]:
        """The classes' probabilities (K, orders) for pictures (K * orders, 3, H, W)."""
        logits = torch.cat([self.model.run_input(part, self.between) for part in _chunks(pictures)]).cpu()
        chosen = torch.tensor(self.classes.tolist()).repeat_interleave(orders)
        probabilities = logits.softmax(1).gather(1, chosen[:, None])[:, 0]
        return probabilities.view(-1, orders).numpy()


def _chunks(pictures: Tensor) -> Iterator[Tensor]:
    return iter(pictures.split(max(1, CHUNK_PIXELS // (pictures.shape[2] * pictures.shape[3]))))
