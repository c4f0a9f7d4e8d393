"""What is measured on a network, picture by picture: its maps beside edges, and beside and without the background of frogs."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explain_lib.base.frozen import Frozen
from explain_lib.base.statistics import standard_ranks
from explain_lib.cam.edges import sobel_edges
from explain_lib.cam.grad_cam import capture_layers
from explain_lib.cam.postprocess import PostProcess, enlarged_maps
from explain_lib.networks.model import Model
from explain_lib.pictures.dataset import CLASSES, ImageSet
from explain_lib.study.covers import Cover, covered
from explain_lib.study.grass_rows import FROG, share_outside
from explain_lib.study.outlines import find_outlines
from explain_lib.study.reasons.plan import REASONS, Planned, coarse_pictures
from explain_lib.study.reasons.rules import BESIDE, LATE_LAYERS
from explain_lib.study.rows import GUESS_BATCH, outline_rows

IMAGES = 1000
"""Test images 0 to 999 tell how far maps follow contours."""
COMPARED = 100
"""Pictures of each other class, at most, that the backgrounds of frogs are compared with."""
COARSEST = min(REASONS["resolution"].settings)
EDGES = ("seen", "coarsest")
"""The edges of pictures as the network saw them, and those of the coarsest pictures, which every network could see."""
WAYS: tuple[Cover | Literal["grey box"], ...] = ("grey", "white", "black", "grey box")
"""What covers the object: a colour within its outline, or a box around the outline, which hides its shape."""


@dataclass(frozen=True)
class Contours(Frozen):
    """Correlations of the maps of K pictures with edges, at L late layers.

    own, other: float32 (K, L, 2) in [-1, 1], Spearman with the picture's own EDGES, and with those of the next picture (the
    first after the last); NaN where a map or the edges are constant. The maps explain the predicted class.
    """

    own: NDArray[np.float32]
    other: NDArray[np.float32]


def measure_contours(model: Model, one: Planned, pictures: ImageSet) -> Contours:
    """The correlations of the network's maps with edges. pictures: as they are, of 32 x 32 pixels; K of them, at least two."""
    seen = one.shown(pictures.pixels)
    ranks = [standard_ranks(sobel_edges(pixels)) for pixels in (seen, coarse_pictures(pictures.pixels, COARSEST))]
    own, other = [], []
    following = np.roll(np.arange(len(seen)), -1)
    for start in range(0, len(seen), GUESS_BATCH):
        part = slice(start, start + GUESS_BATCH)
        of_maps = [standard_ranks(values) for values in _late_maps(model, seen[part], None)]
        own.append(_products(of_maps, [edges[part] for edges in ranks]))
        other.append(_products(of_maps, [edges[following[part]] for edges in ranks]))
    return Contours(np.concatenate(own), np.concatenate(other))


def _late_maps(model: Model, pixels: NDArray[np.uint8], target: int | None) -> list[NDArray[np.float32]]:
    """The enlarged ReLU maps of each late layer (N, H, W)."""
    process = PostProcess(model, capture_layers(model, pixels, LATE_LAYERS, target).layers)
    return [enlarged_maps(process, layer) for layer in LATE_LAYERS]


def _products(maps: list[NDArray[np.float64]], edges: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """Spearman correlations (N, L, E) from standard ranks."""
    each = [np.stack([(one * other).sum(1) for other in edges], axis=1) for one in maps]
    return np.stack(each, axis=1).astype(np.float32)


def measure_outlines(model: Model, pictures: ImageSet) -> NDArray[np.float32]:
    """The two numbers of the guess on contours at relu2: float32 (2, K, 2), with the picture's own outline, and with another's.

    pictures: K of them; NaN for those without a usable outline. See OutlineRows.
    """
    rows = outline_rows(model, pictures.pixels, np.arange(len(pictures.pixels)))
    found = np.full((2, len(pictures.pixels), len(BESIDE)), np.nan, np.float32)
    found[:, rows.images, 0] = (rows.along - rows.inside).T
    found[:, rows.images, 1] = (rows.inside_shuffled - rows.outline_shuffled).T
    return found


# Section: frogs and their background


@dataclass(frozen=True)
class Subjects(Frozen):
    """The pictures that tell how the background is used, all with a usable outline.

    frogs: int64 (K,), positions of frogs. others: int64 (M,), positions of pictures of the other classes, COMPARED of each at
    most. pixels: uint8 (K + M, H, W, 3), of frogs, then of the others. masks: bool (K + M, H, W). labels: int64 (K + M,).
    """

    frogs: NDArray[np.int64]
    others: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    labels: NDArray[np.int64]


def find_subjects(pictures: ImageSet) -> Subjects:
    """Every frog with a usable outline, and the first COMPARED such pictures of each other class."""
    found: dict[int, NDArray[np.int64]] = {}
    outlines: dict[int, NDArray[np.bool_]] = {}
    for label in range(len(CLASSES)):
        chosen = np.flatnonzero(pictures.labels == label)
        if label != FROG:
            chosen = chosen[: 2 * COMPARED]  # over half of the outlines are usable
        most = None if label == FROG else COMPARED
        found[label], outlines[label] = chosen[:0], np.zeros((0, *pictures.pixels.shape[1:3]), bool)
        if len(chosen):
            every = find_outlines(pictures.pixels[chosen])
            found[label], outlines[label] = chosen[every.usable][:most], every.masks[every.usable][:most]
    order = [FROG, *(label for label in found if label != FROG)]
    positions = np.concatenate([found[label] for label in order])
    masks = np.concatenate([outlines[label] for label in order])
    count = len(found[FROG])
    return Subjects(positions[:count], positions[count:], pictures.pixels[positions], masks, pictures.labels[positions])


@dataclass(frozen=True)
class Backgrounds(Frozen):
    """The background of K frogs in the maps of the class frog at L late layers, and alone.

    beyond: float32 (K, L), the share of the map's sum outside the frog's outline minus the share of the area. control: the same
    with the outline of the next frog. Both in [-1, 1], NaN for a map that is zero everywhere. told: float32 (K, 4), for
    each of WAYS, how often the covered frog has a higher frog score, against another class of the network, than a covered
    picture of that class: the mean over those classes, in [0, 1], ties as half.
    """

    beyond: NDArray[np.float32]
    control: NDArray[np.float32]
    told: NDArray[np.float32]


def measure_backgrounds(model: Model, subjects: Subjects) -> Backgrounds:
    """The background in the network's maps of the frogs, and what the network tells from it alone."""
    count, frog = len(subjects.frogs), model.classes.index("frog")
    own, other = subjects.masks[:count], np.roll(subjects.masks[:count], -1, axis=0)
    parts = []
    for start in range(0, count, GUESS_BATCH):
        part = slice(start, start + GUESS_BATCH)
        maps = _late_maps(model, subjects.pixels[:count][part], frog)
        parts.append([[share_outside(one, masks[part]) for one in maps] for masks in (own, other)])
    shares = np.concatenate([np.array(part) for part in parts], axis=2)  # (2, L, K)
    areas = np.stack([1 - masks.mean((1, 2)) for masks in (own, other)])
    beyond = (shares - areas[:, None]).transpose(0, 2, 1).astype(np.float32)
    told = [_told(model, object_covered(subjects.pixels, subjects.masks, way), subjects.labels, frog) for way in WAYS]
    return Backgrounds(beyond[0], beyond[1], np.stack(told, axis=1).astype(np.float32))


def object_covered(pixels: NDArray[np.uint8], masks: NDArray[np.bool_], way: Cover | Literal["grey box"]) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) with their objects, bool (N, H, W), covered in one of WAYS."""
    if way == "grey box":
        rows, columns = (_between_ends(np.asarray(masks.any(axis))) for axis in (2, 1))
        return covered(pixels, rows[:, :, None] & columns[:, None, :], "grey")
    return covered(pixels, masks, way)


def _between_ends(some: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The places of each row (N, n) from its first True to its last."""
    return np.asarray(np.logical_or.accumulate(some, axis=1) & np.logical_or.accumulate(some[:, ::-1], axis=1)[:, ::-1])


def _told(model: Model, pixels: NDArray[np.uint8], labels: NDArray[np.int64], frog: int) -> NDArray[np.float64]:
    logits = model.predict(pixels)
    frogs = logits[labels == FROG]
    against = []
    for place, name in enumerate(model.classes):
        compared = logits[labels == CLASSES.index(name)]
        if place != frog and len(compared):
            against.append(_higher(frogs[:, frog] - frogs[:, place], compared[:, frog] - compared[:, place]))
    return np.asarray(np.mean(against, axis=0))


def _higher(scores: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of the others that each score is above, ties as half."""
    ordered = np.sort(others)
    below, up_to = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return np.asarray((below + up_to) / (2 * len(ordered)))
