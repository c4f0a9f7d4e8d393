"""Faithfulness of maps: deletion, insertion and ROAD, and the pictures behind their curves.

Deletion and insertion are those of RISE (Petsiuk et al. 2018, arXiv 1806.07421), ROAD is that of Rong et al. 2022 (arXiv
2202.00449). Pixels are removed, or shown, in the order of the map, highest first; the number is the mean, over the steps, of
the probability of the explained class; of a regression the number itself, and so it is of a target that is a function.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explain_lib.base.ahead import made_ahead
from explain_lib.base.errors import InputError
from explain_lib.base.frozen import Frozen, read_only
from explain_lib.base.maps import Map
from explain_lib.base.run_context import checkpoint, remembered
from explain_lib.networks.model import Model, of_pictures
from explain_lib.passes.targets import AnyTarget, OwnTarget, Target, mean_number
from explain_lib.passes.tasks import values_of
from explain_lib.pictures.rendering import Picture
from explain_lib.trust.fills import blur_fill, grey_fill
from explain_lib.trust.measures import Fill

# Section: orders of pixels

Orders = NDArray[np.int64]
SEED = 0


def pixel_ranks(maps: Map) -> Orders:
    """The place of each pixel when pixels are sorted by their value, highest first, ties by position.

    maps: (..., H, W). Gives int64 (..., H * W), 0 for the first pixel to be removed.
    """
    flat = maps.reshape(*maps.shape[:-2], -1)
    order = np.argsort(-flat, axis=-1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(flat.shape[-1]), order.shape), axis=-1)
    return ranks


@lru_cache(maxsize=8)
def centre_map(height: int, width: int) -> Map:
    """A blob in the middle: minus the distance to the centre, in pixels, float32 (H, W).

    Only the order of its values matters, and any blob that falls off evenly on all sides has the same order.
    """
    row, column = np.mgrid[:height, :width]
    distance = np.hypot(row - (height - 1) / 2, column - (width - 1) / 2)
    return read_only(-distance.astype(np.float32))


def random_map(image: int, height: int, width: int) -> Map:
    """A random order of the pixels, fixed by the position of the image in its set: different numbers, float32 (H, W)."""
    order = np.random.default_rng((SEED, image, 1)).permutation(height * width)
    return order.reshape(height, width).astype(np.float32)


# Section: imputation

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NOISE = 0.01
"""The deviation of ROAD's noise, in units of the normalised input, from its authors' code."""


def impute_linearly(picture: NDArray[np.float32], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
    """ROAD's linear imputation (Rong et al. 2022, arXiv 2202.00449, section 4.3), without its noise.

    picture: float32 (C, H, W). missing: bool (H, W), not all pixels. Each missing pixel becomes the weighted mean of its
    neighbours, with weight 1/6 at a side and 1/12 at a corner, normalised at the border: one system of linear equations for
    all missing pixels, solved exactly.
    """
    from scipy.sparse.linalg import splu  # a third of a second to import

    filled = picture.reshape(len(picture), -1).astype(np.float64)
    holes, known = np.flatnonzero(missing), np.flatnonzero(~missing)
    if len(holes):
        equations = neighbour_equations(*missing.shape)[holes]
        system, right = equations[:, holes].tocsc(), -(equations[:, known] @ filled[:, known].T)
        # symmetric and diagonally dominant: no pivoting is needed, and this order of elimination gives the least fill-in
        solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        filled[:, holes] = solver.solve(right).T
    return filled.reshape(picture.shape).astype(np.float32)


@lru_cache(maxsize=8)
def neighbour_equations(height: int, width: int) -> "csr_matrix":
    """One row per pixel: the sum of the weights of its neighbours on the diagonal, minus those weights, (H * W, H * W)."""
    from scipy.sparse import csr_matrix, diags

    row, column = np.mgrid[:height, :width]
    place = row * width + column
    entries = []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (row + down >= 0) & (row + down < height) & (column + right >= 0) & (column + right < width)
            weight = {0: 0.0, 1: 1 / 6, 2: 1 / 12}[abs(down) + abs(right)]
            if weight:
                entries.append((place[inside], place[inside] + down * width + right, np.full(inside.sum(), weight)))
    rows, columns, weights = (np.concatenate(part) for part in zip(*entries, strict=True))
    neighbours = csr_matrix((weights, (rows, columns)), shape=(place.size, place.size))
    return csr_matrix(diags(np.asarray(neighbours.sum(1)).ravel()) - neighbours)


def noise_of(image: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """ROAD's noise for the image at that position of its set, the same for every order and share of pixels."""
    return (NOISE * np.random.default_rng((SEED, image)).standard_normal(shape)).astype(np.float32)


# Section: curves

STEPS = 16
"""The number of steps of deletion and insertion from no pixel to all: 17 points."""
ROAD_STEPS = tuple(range(2, STEPS, 2))
"""The steps of ROAD: an eighth to seven eighths of the pixels."""
CHUNK_PIXELS = 2**16
"""How many pixels go through a network at once: 64 pictures of 32 x 32, one of 224 x 224."""
PASS_PIXELS = 2**18
"""The same where one large picture is asked about: five of 224 x 224, which take a third less time than one by one."""


@dataclass(frozen=True)
class RemovalCurves(Frozen):
    """The probability of the explained class, or another explained number, while pixels are removed: K images, R orders.

    deletion, insertion: float32 (K, R, 2, 17), with fills grey and blur, at k/16 of the pixels removed and shown, k = 0 to 16.
    morf, lerf: float32 (K, R, 7), with 1/8 to 7/8 of the pixels imputed, those first in order and those last.
    """

    deletion: NDArray[np.float32]
    insertion: NDArray[np.float32]
    morf: NDArray[np.float32]
    lerf: NDArray[np.float32]

    @property
    def mean_deletion(self) -> NDArray[np.float64]:
        """The means of the deletion curves, lower is better: float64 (K, R, fills), the last ROAD, most relevant first."""
        return _means(self.deletion, self.morf)

    @property
    def mean_insertion(self) -> NDArray[np.float64]:
        """The means of the insertion curves, higher is better: float64 (K, R, fills), the last ROAD, least relevant first."""
        return _means(self.insertion, self.lerf)


def _means(plain: NDArray[np.float32], imputed: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([plain.mean(3, dtype=np.float64), imputed.mean(2, dtype=np.float64)[:, :, None]], axis=2)


def removal_curves(
    model: Model, batch: Tensor, ranks: Orders, targets: Sequence[AnyTarget], images: NDArray[np.int64]
) -> RemovalCurves:
    """The probabilities of the explained classes as pixels are removed, in every order and with every fill.

    batch: float32 (K, C, H, W), the network's input. ranks: int64 (K, R, H * W), see pixel_ranks. targets: K of them, see
    explained_values. images: int64 (K,), positions in the set, which ROAD's noise belongs to.
    """
    asker = _Asker(model, batch, ranks, targets)
    fills = (grey_fill(batch, model.mean, model.std), blur_fill(batch))
    deletion = np.stack([asker.curve(fill, batch) for fill in fills], axis=2)
    insertion = np.stack([asker.curve(batch, fill) for fill in fills], axis=2)
    morf = np.stack([asker.imputed(images, lambda rank, cut: rank < cut, step) for step in ROAD_STEPS], axis=2)
    lerf = np.stack([asker.imputed(images, lambda rank, cut: rank >= rank.size - cut, step) for step in ROAD_STEPS], axis=2)
    return RemovalCurves(deletion, insertion, morf, lerf)


@dataclass(frozen=True)
class _Asker:
    """The network, with a batch of K pictures in R orders."""

    model: Model
    batch: Tensor
    ranks: Orders
    targets: Sequence[AnyTarget]

    def curve(self, first: Tensor, rest: Tensor) -> NDArray[np.float32]:
        """Probabilities (K, R, 17) as more and more pixels, in their order, come from `first`, and the others from `rest`."""
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
        """Probabilities (K, R) with k/16 of the pixels imputed: those that `missing` selects by their order and number."""
        orders = self.ranks.shape[1]
        height, width = self.batch.shape[2:]
        pictures, cut = self.batch.cpu().numpy(), self._cut(step)
        filled = np.empty((len(images), orders, *pictures.shape[1:]), np.float32)
        for row, image in enumerate(images.tolist()):
            noise = noise_of(image, pictures.shape[1:])
            for column in range(orders):
                holes = missing(self.ranks[row, column], cut).reshape(height, width)
                filled[row, column] = impute_linearly(pictures[row], holes) + noise * holes
            checkpoint()
        return self._ask(torch.from_numpy(filled).flatten(0, 1).to(self.batch.device), orders)

    def _cut(self, step: int) -> int:
        """The number of pixels in k/16 of them."""
        return round(step * int(self.ranks.shape[2]) / STEPS)

    def _ask(self, pictures: Tensor, orders: int) -> NDArray[np.float32]:
        """The explained values (K, orders) of pictures (K * orders, C, H, W)."""
        asked = [target for target in self.targets for _ in range(orders)]
        return explained_values(self.model, pictures, asked, CHUNK_PIXELS).reshape(-1, orders)


def explained_values(
    model: Model, pictures: Tensor, targets: Sequence[AnyTarget], pixels: int = CHUNK_PIXELS
) -> NDArray[np.float32]:
    """The number that a target stands for, for each picture: float32 (N,).

    That is the probability of a class, and of several the sum of their probabilities, less that of `minus`, with the sign of
    the target; of a regression the outputs themselves; of a function its own number; of a segmentation the mean of the
    probabilities over the region. pictures: float32 (N, C, H, W), the
    network's input. pixels: how many of them go through the network at once.
    """
    parts = pictures.split(max(1, pixels // (pictures.shape[2] * pictures.shape[3])))
    if all(isinstance(target, Target) and target == Target(target.index, score=target.score) for target in targets):
        return _class_values(model, parts, [target.index for target in targets if isinstance(target, Target)])
    asked, values = iter(targets), []
    for part in parts:
        read = model.read_input(part)
        values += [mean_number(_in_values(one, model), read, place) for place, one in enumerate(islice(asked, len(part)))]
    return np.array(values, dtype=np.float32)


def _class_values(model: Model, parts: Sequence[Tensor], classes: Sequence[int]) -> NDArray[np.float32]:
    scores = torch.cat([model.run_input(part) for part in parts]).cpu()
    if model.task == "softmax":
        scores = scores.softmax(1)  # in float32, as in the ladders that are bundled
    values = scores.gather(1, torch.tensor(classes)[:, None])[:, 0].numpy()
    return values if model.task == "softmax" else values_of(values, model.task)


def _in_values(target: AnyTarget, model: Model) -> AnyTarget:
    """The same target of probabilities, where the task has them."""
    return target if isinstance(target, OwnTarget) or model.task == "regression" else replace(target, score="probability")


# Section: one large picture

Told = Callable[[float], None]
"""Called with the share of the work that is done, in [0, 1)."""


@dataclass(frozen=True)
class PictureRemoval:
    """One picture, whose pixels are removed in one order after another; what all orders share is asked once.

    batch: float32 (1, C, H, W), the network's input. image: its position in its set, which ROAD's noise belongs to.
    """

    model: Model
    batch: Tensor
    target: AnyTarget
    image: int

    def curves(self, ranks: Orders, told: Told) -> RemovalCurves:
        """The curves of one order, int64 (H * W,), see pixel_ranks: as removal_curves has them, K and R being 1."""
        whole, *filled = self._ends.tolist()
        told(0.0)
        pairs = [(fill, self.batch) for fill in self._fills] + [(self.batch, fill) for fill in self._fills]
        asked = self._ask(chain(self._mixed(ranks, pairs), self._imputed(ranks)), told, ASKED_PER_ORDER)
        plain, imputed = asked[: 4 * (STEPS - 1)].reshape(2, 2, STEPS - 1), asked[4 * (STEPS - 1) :].reshape(2, -1)
        deletion = [[whole, *steps, end] for steps, end in zip(plain[0].tolist(), filled, strict=True)]
        insertion = [[end, *steps, whole] for steps, end in zip(plain[1].tolist(), filled, strict=True)]
        curves = (np.array(one, dtype=np.float32)[None, None] for one in (deletion, insertion, *imputed))
        return RemovalCurves(*curves)

    def insertion_and_road(self, ranks: Orders, told: Told) -> NDArray[np.float64]:
        """The mean of insertion on mid grey, and ROAD with both orders combined, of one order: (2,), numbers of its curves."""
        whole, grey, _ = self._ends.tolist()
        told(0.0)
        pictures = chain(self._mixed(ranks, [(self.batch, self._fills[0])]), self._imputed(ranks))
        asked = self._ask(pictures, told, ASKED_BY_TWO).astype(np.float64)
        first, last = asked[STEPS - 1 :].reshape(2, -1).mean(1).tolist()
        return np.array([np.mean([grey, *asked[: STEPS - 1], whole]), (last - first) / 2])

    @cached_property
    def _fills(self) -> tuple[Tensor, Tensor]:
        return grey_fill(self.batch, self.model.mean, self.model.std), blur_fill(self.batch)

    @cached_property
    def _ends(self) -> NDArray[np.float32]:
        """The values of the picture, and of each fill alone, (3,)."""
        ends = [self.batch[0], *(fill[0] for fill in self._fills)]
        return self._ask(iter(ends), lambda _: None, len(ends))

    def _mixed(self, ranks: Orders, pairs: Sequence[tuple[Tensor, Tensor]]) -> Iterator[Tensor]:
        """Pictures (C, H, W) whose first pixels in order come from the first of a pair, the others from the second."""
        place = torch.from_numpy(ranks).to(self.batch.device).view(self.batch.shape[2:])
        for first, rest in pairs:
            yield from (torch.where(place < cut, first, rest)[0] for cut in _cuts(ranks.size))

    def _imputed(self, ranks: Orders) -> Iterator[Tensor]:
        """The pictures (C, H, W) of ROAD's two halves, most relevant first and least relevant first."""
        size, cuts = ranks.size, _cuts(ranks.size)
        holes = [ranks < cuts[step - 1] for step in ROAD_STEPS] + [ranks >= size - cuts[step - 1] for step in ROAD_STEPS]
        own = self.batch[0].cpu().numpy()
        noise = noise_of(self.image, own.shape)
        for missing in holes:
            hole = missing.reshape(own.shape[1:])
            yield torch.from_numpy(impute_linearly(own, hole) + noise * hole).to(self.batch.device)

    def _ask(self, pictures: Iterator[Tensor], told: Told, total: int) -> NDArray[np.float32]:
        """The explained values of pictures, so many in all, some of them in each pass."""
        at_once = max(1, PASS_PIXELS // (self.batch.shape[2] * self.batch.shape[3]))
        values: list[NDArray[np.float32]] = []
        pictures = made_ahead(pictures, at_once)  # a third of the time goes to the holes, which need one core
        while part := list(islice(pictures, at_once)):
            values.append(explained_values(self.model, torch.stack(part), [self.target] * len(part), PASS_PIXELS))
            told(min(sum(map(len, values)) / total, 0.99))
        return np.concatenate(values)


def _cuts(size: int) -> list[int]:
    """How many of so many pixels are k/16 of them, for k = 1 to 15."""
    return [round(step * size / STEPS) for step in range(1, STEPS)]


ASKED_BY_TWO = STEPS - 1 + 2 * len(ROAD_STEPS)
"""Pictures through the network for insertion with one fill and ROAD, for each order."""
ASKED_PER_ORDER = 4 * (STEPS - 1) + 2 * len(ROAD_STEPS)
"""Pictures through the network for each order: 15 steps of deletion and of insertion with two fills, and 14 of ROAD."""


@remembered()
def removal_pictures(
    model: Model, picture: Picture, image: int, order: Orders, fill: Fill, steps: Sequence[int], *, from_last: bool = False
) -> NDArray[np.uint8]:
    """A picture uint8 (H, W, C) with k/16 of its pixels removed, for each k of `steps`: uint8 (len(steps), H, W, C).

    image: its position in its set, to which ROAD's noise belongs. order: int64 (H * W,), the place of each pixel, see
    pixel_ranks. from_last: whether to remove the last in order first. The network sees float32; here the values are rounded to
    whole numbers and cut to 0 .. 255, which only noise can exceed. Raises InputError for steps outside 0 .. 16, and for all
    16 of them with noisy linear imputation, which needs a pixel to start from.
    """
    batch = of_pictures(model, "removing pixels is").to_input(model.check_pixels(picture[None], "picture"), torch.device("cpu"))
    last = STEPS - 1 if fill == "noisy-linear" else STEPS
    if not all(0 <= step <= last for step in steps):
        raise InputError(f"steps: {tuple(steps)}; whole numbers from 0 to {last}, in sixteenths of the pixels, would be right")
    place = order.size - 1 - order if from_last else order
    holes = [(place < round(step * order.size / STEPS)).reshape(picture.shape[:2]) for step in steps]
    filled = torch.cat([_filled(model, batch, image, missing, fill) for missing in holes])
    return model.to_pixels(filled)


def _filled(model: Model, batch: Tensor, image: int, missing: NDArray[np.bool_], fill: Fill) -> Tensor:
    """The network's input (1, C, H, W) with the missing pixels filled."""
    if fill == "noisy-linear":
        own = batch[0].numpy()
        return torch.from_numpy(impute_linearly(own, missing) + noise_of(image, own.shape) * missing)[None]
    plain = grey_fill(batch, model.mean, model.std) if fill == "grey" else blur_fill(batch)
    return torch.where(torch.from_numpy(missing), plain, batch)
